from __future__ import annotations

from django_tasks.base import TaskResultStatus

from deployments.queue import tasks
from deployments.queue.thread_backend import ThreadBackend


def test_a_web_server_leaves_tasks_to_the_worker_processes() -> None:
    options = {"threads": 1, "is_for_workers": True}
    backend = ThreadBackend("default", {"QUEUES": ["default"], "OPTIONS": options})

    result = backend.enqueue(tasks.process_queue, (), {})

    assert result.status == TaskResultStatus.READY
    assert backend.is_idle()
    assert backend.has_free_thread("default")
