"""Who works on a deployment, and how it is noticed that nobody does any more."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil
from django.db import DatabaseError, connections
from django.utils import timezone

from deployments.models import Deployment, Lease, ProcessLease
from deployments.pipeline.errors import Cancelled, LeaseLost

logger = logging.getLogger(__name__)

HEARTBEAT = 10.0  # seconds
CANCEL_CHECK = 0.5  # seconds between looks whether somebody has asked to cancel
GRACE = 2.5  # seconds that a deployment has to end by itself when it is cancelled
EXPIRES_AFTER = timedelta(seconds=60)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_AnyLease = TypeVar("_AnyLease", bound=ProcessLease)


@dataclass(frozen=True, slots=True)
class Claim:
    """A running deployment in the hands of this process; `stop` is set when it is to end."""

    deployment: Deployment
    token: UUID
    lost: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LeaseLost where another process has ended the deployment, Cancelled where one asks."""
        mine = Lease.objects.filter(token=self.token)
        asked = mine.values_list(
            "deployment__cancel_requested_at", "deployment__cancelled_by"
        ).first()
        if self.lost.is_set() or asked is None:
            raise LeaseLost(f"deployment {self.deployment.pk} was ended elsewhere")
        if asked[0]:
            raise Cancelled(f"Cancelled by {asked[1] or 'somebody'}.")

    def pause(self, seconds: float) -> None:
        """Wait; raises Cancelled or LeaseLost as soon as there is nothing to wait for."""
        self.stop.wait(seconds)
        self.check()

    def lease(self) -> Lease | None:
        return Lease.objects.filter(token=self.token).first()

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


def process_identity() -> dict[str, Any]:
    """Return what a lease says of the process that holds it."""
    this = psutil.Process()
    return {
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid": this.pid,
        "pid_started": this.create_time(),
    }


def grant(deployment: Deployment) -> Claim:
    """Give this process the lease on a deployment that it has just claimed."""
    return Claim(deployment, create_lease(Lease, deployment=deployment).token)


def create_lease(model: type[_AnyLease], **subject: Any) -> _AnyLease:
    """Create a lease held by this process. Raises IntegrityError where there is one already."""
    return model._default_manager.create(**subject, **process_identity())


def renew(model: type[ProcessLease], token: UUID) -> bool:
    """Write a heartbeat; False where the lease has been taken away."""
    return bool(model._default_manager.filter(token=token).update(heartbeat_at=timezone.now()))


@contextmanager
def keep_alive(held: Claim, *, overdue: Callable[[], None]) -> Iterator[None]:
    """Beat while the body runs; a beat that finds the lease gone sets `held.lost`.

    Where somebody has asked to cancel, `held.stop` is set; a body that goes on nevertheless (a call
    of the target that does not answer) is `overdue` after a while.
    """
    done = threading.Event()
    heart = _Heart(held, done, overdue)
    thread = threading.Thread(target=heart.beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Heart:
    """Tells others that somebody works, and hears when that is to end."""

    def __init__(self, held: Claim, done: threading.Event, overdue: Callable[[], None]) -> None:
        self._held = held
        self._done = done
        self._overdue = overdue
        self._next_beat = time.monotonic() + HEARTBEAT
        self._stopped_at = 0.0

    def beat(self) -> None:
        try:
            while not self._done.wait(CANCEL_CHECK) and not self._held.lost.is_set():
                try:
                    self._look()
                except DatabaseError:
                    logger.warning("a heartbeat was missed", exc_info=True)
        finally:
            connections.close_all()

    def _look(self) -> None:
        now = time.monotonic()
        mine = Lease.objects.filter(token=self._held.token)
        if now >= self._next_beat:
            self._next_beat = now + HEARTBEAT
            if not renew(Lease, self._held.token):
                self._held.lost.set()
                self._held.stop.set()
                return
        if not self._stopped_at:
            if mine.filter(deployment__cancel_requested_at__isnull=False).exists():
                self._held.stop.set()
                self._stopped_at = now
        elif now - self._stopped_at > GRACE:
            self._stopped_at = now
            self._overdue()


def is_on_this_host(lease: ProcessLease) -> bool:
    """Tell whether the holder ran on this host since its last start: then its end can be seen."""
    return lease.host == socket.gethostname() and lease.boot_id == boot_id()


def is_expired(lease: ProcessLease) -> bool:
    """Tell whether nobody holds it any more.

    A holder on this host is silent as soon as its process is gone; one elsewhere, or from before
    this host was started anew, when its heart has not beaten for a minute.
    """
    if is_on_this_host(lease):
        return not _lives(lease.pid, lease.pid_started)
    if lease.host == socket.gethostname():
        return True
    return timezone.now() - lease.heartbeat_at > EXPIRES_AFTER


def kill_programs(lease: Lease) -> None:
    """End what the holder's program left running, and return when it is gone.

    A process counts as the program's when it is in its session and not older: numbers are reused.
    """
    if not lease.program_pid or not is_on_this_host(lease):
        return
    group = [process for process in psutil.process_iter() if _belongs(process, lease)]
    for process in group:
        with suppress(psutil.NoSuchProcess):
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
