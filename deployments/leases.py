"""Who works on a deployment, and how it is noticed that nobody does any more."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import psutil
from django.db import DatabaseError, connections
from django.utils import timezone

from deployments.errors import LeaseLost
from deployments.models import Deployment, Lease

logger = logging.getLogger(__name__)

HEARTBEAT = 10.0  # seconds
SILENT_AFTER = timedelta(seconds=60)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Held:
    """A running deployment in the hands of this process."""

    deployment: Deployment
    token: UUID
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LeaseLost where another process has taken over or ended the deployment."""
        if self.lost.is_set() or not Lease.objects.filter(token=self.token).exists():
            raise LeaseLost(f"deployment {self.deployment.pk} was ended elsewhere")

    def program_started(self, pid: int) -> None:
        """Remember the program on the lease, so that whoever reaps it can end it."""
        with suppress(psutil.NoSuchProcess):  # it has ended already: there is nothing to remember
            began = psutil.Process(pid).create_time()
            Lease.objects.filter(token=self.token).update(program_pid=pid, program_started=began)


@cache
def boot_id() -> str:
    if _BOOT_ID.exists():
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return str(psutil.boot_time())


def grant(deployment: Deployment) -> Held:
    """Give this process the lease on a deployment that it has just claimed."""
    this = psutil.Process()
    lease = Lease.objects.create(
        deployment=deployment,
        host=socket.gethostname(),
        boot_id=boot_id(),
        pid=this.pid,
        pid_started=this.create_time(),
    )
    return Held(deployment, lease.token)


@contextmanager
def kept(held: Held) -> Iterator[None]:
    """Beat while the body runs; a beat that finds the lease gone sets `held.lost`."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(held, done), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(held: Held, done: threading.Event) -> None:
    try:
        while not done.wait(HEARTBEAT):
            try:
                mine = Lease.objects.filter(token=held.token)
                if not mine.update(heartbeat_at=timezone.now()):
                    held.lost.set()
                    return
            except DatabaseError:
                logger.warning("a heartbeat was missed", exc_info=True)
    finally:
        connections.close_all()


def is_here(lease: Lease) -> bool:
    """Tell whether the holder ran on this host since its last start: then its end can be seen."""
    return lease.host == socket.gethostname() and lease.boot_id == boot_id()


def is_silent(lease: Lease) -> bool:
    """Tell whether nobody works on the deployment any more.

    A holder on this host is silent as soon as its process is gone; one elsewhere, or from before
    this host was started anew, when its heart has not beaten for a minute.
    """
    if is_here(lease):
        return not _lives(lease.pid, lease.pid_started)
    if lease.host == socket.gethostname():
        return True
    return timezone.now() - lease.heartbeat_at > SILENT_AFTER


def end_programs(lease: Lease) -> None:
    """End what the holder's program left running, and return when it is gone.

    A process counts as the program's when it is in its session and not older: numbers are reused.
    """
    if not lease.program_pid or not is_here(lease):
        return
    group = [process for process in psutil.process_iter() if _belongs(process, lease)]
    for process in group:
        process.kill()
    psutil.wait_procs(group, timeout=10)


def _belongs(process: psutil.Process, lease: Lease) -> bool:
    try:
        return (
            os.getsid(process.pid) == lease.program_pid
            and process.create_time() >= (lease.program_started or 0) - 0.01
        )
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _lives(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 0.01
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
