"""A task backend that runs Django tasks on background threads of this process, or leaves them to a worker process.

Leaving a task is harmless: what it would work on is in tables, and workers look there.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connections
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, task_backends
from django_tasks.backends.immediate import ImmediateBackend
from django_tasks.base import TaskResult


class ThreadBackend(ImmediateBackend):
    """The default backend.

    OPTIONS: `threads`, the number of concurrent tasks per queue; `is_for_workers`, whether only processes
    that call `run_tasks` run tasks.
    """

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.threads = threads = self.options.get("threads", 2)
        self.unfinished: dict[str, set[Future[None]]] = {queue: set() for queue in self.queues}
        self.runs_tasks = not self.options.get("is_for_workers", False)
        self.pools = {
            queue: ThreadPoolExecutor(threads, thread_name_prefix=f"task-{queue}")
            for queue in self.queues
        }

    def has_free_thread(self, queue: str) -> bool:
        return bool(len(self.unfinished[queue]) < self.threads)

    def is_idle(self) -> bool:
        return not any(self.unfinished.values())

    def _execute_task(self, task_result: TaskResult[Any]) -> None:
        if not self.runs_tasks:
            return
        queue = task_result.task.queue_name
        started = self.pools[queue].submit(self._run, task_result)
        self.unfinished[queue].add(started)
        started.add_done_callback(self.unfinished[queue].discard)

    def _run(self, task_result: TaskResult[Any]) -> None:
        close_old_connections()
        try:
            super()._execute_task(task_result)
        finally:
            connections.close_all()  # no one else closes a thread's connections


def run_tasks() -> ThreadBackend:
    """Make this process a worker, which runs the tasks that it enqueues; return its backend."""
    backend = task_backends[DEFAULT_TASK_BACKEND_ALIAS]
    if not isinstance(backend, ThreadBackend):
        raise TypeError(f"{backend} does not run tasks in this process")
    backend.runs_tasks = True
    return backend
