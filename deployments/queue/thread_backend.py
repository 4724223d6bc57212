"""A task backend that runs Django tasks on background threads of this process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connections
from django_tasks.backends.immediate import ImmediateBackend
from django_tasks.base import TaskResult


class ThreadBackend(ImmediateBackend):
    """The default backend. OPTIONS: `threads`, the number of concurrent tasks per queue."""

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        threads = self.options.get("threads", 2)
        self.pools = {
            queue: ThreadPoolExecutor(threads, thread_name_prefix=f"task-{queue}")
            for queue in self.queues
        }

    def _execute_task(self, task_result: TaskResult[Any]) -> None:
        self.pools[task_result.task.queue_name].submit(self._run, task_result)

    def _run(self, task_result: TaskResult[Any]) -> None:
        close_old_connections()
        try:
            super()._execute_task(task_result)
        finally:
            connections.close_all()  # no one else closes a thread's connections
