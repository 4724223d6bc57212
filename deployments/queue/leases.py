"""Leases: which process is working on a deployment, and whether that process is still alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil
from django.db import Error, connection, connections
from django.db.models.functions import Now

from deployments.models import Deployment, Lease, ProcessLease
from deployments.pipeline.errors import Cancelled, LeaseLost

logger = logging.getLogger(__name__)

HEARTBEAT = 10.0  # seconds
CANCEL_CHECK = 0.5  # seconds between checks for a requested cancellation
GRACE = 2.5  # seconds that a cancelled deployment has to end by itself
EXPIRES_AFTER = timedelta(seconds=60)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_AnyLease = TypeVar("_AnyLease", bound=ProcessLease)


@dataclass(frozen=True, slots=True)
class Claim:
    """A running deployment that this process is working on; `stop` is set when it must end."""

    deployment: Deployment
    token: UUID
    lost: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LeaseLost if another process ended the deployment, Cancelled if it was cancelled."""
        lease = Lease.objects.filter(token=self.token)
        row = lease.values_list(
            "deployment__cancel_requested_at", "deployment__cancelled_by"
        ).first()
        if self.lost.is_set() or row is None:
            raise LeaseLost(f"deployment {self.deployment.pk} was ended elsewhere")
        requested_at, by = row
        if requested_at:
            raise Cancelled(f"Cancelled by {by or 'someone'}.")

    def pause(self, seconds: float) -> None:
        """Wait; raises Cancelled or LeaseLost as soon as the deployment must end."""
        self.stop.wait(seconds)
        self.check()

    def lease(self) -> Lease | None:
        return Lease.objects.filter(token=self.token).first()

    def program_started(self, pid: int) -> None:
        """Store the program on the lease, so that the process that reaps the lease can kill it."""
        with suppress(psutil.NoSuchProcess):  # it has already ended
            started = start_time(psutil.Process(pid))
            Lease.objects.filter(token=self.token).update(program_pid=pid, program_started=started)


@cache
def boot_id() -> str:
    """Return an id that changes whenever the host boots."""
    if _BOOT_ID.exists():
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return str(psutil.boot_time())


def start_time(process: psutil.Process) -> float:
    """Return when the process started, in seconds that no change of the host's clock affects.

    On Linux, psutil adds the time of the boot, which moves with the clock, to the time since the boot.
    """
    started = process.create_time()
    return started - psutil.boot_time() if psutil.LINUX else started


def process_identity() -> dict[str, Any]:
    """Return the lease fields that identify this process."""
    this = psutil.Process()
    return {
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid": this.pid,
        "pid_started": start_time(this),
    }


def grant(deployment: Deployment) -> Claim:
    """Create a lease for this process on a deployment that it has just claimed."""
    return Claim(deployment, create_lease(Lease, deployment=deployment).token)


def create_lease(model: type[_AnyLease], **subject: Any) -> _AnyLease:
    """Create a lease held by this process; raises IntegrityError if there is one already."""
    return model._default_manager.create(**subject, **process_identity(), heartbeat_at=Now())


def renew(model: type[ProcessLease], token: UUID) -> bool:
    """Write a heartbeat; return False if the lease has been lost.

    Heartbeats are times of the database, because the clocks of hosts differ.
    """
    return bool(model._default_manager.filter(token=token).update(heartbeat_at=Now()))


@contextmanager
def keep_alive(claim: Claim, *, on_overdue: Callable[[], None]) -> Iterator[None]:
    """Send heartbeats while the body runs; a heartbeat that finds no lease sets `claim.lost`.

    After a cancellation `claim.stop` is set. If the body still runs after GRACE (for example in a
    call to a target that does not respond), `on_overdue` is called.
    """
    done = threading.Event()
    heartbeat = _Heartbeat(claim, done, on_overdue)
    run = partial(copy_context().run, heartbeat.run)  # its log lines have the ids of the deployment
    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Heartbeat:
    def __init__(self, claim: Claim, done: threading.Event, on_overdue: Callable[[], None]) -> None:
        self._claim = claim
        self._done = done
        self._on_overdue = on_overdue
        self._next_beat = time.monotonic() + HEARTBEAT
        self._stopped_at = 0.0

    def run(self) -> None:
        try:
            while not self._done.wait(CANCEL_CHECK) and not self._claim.lost.is_set():
                try:
                    self._check()
                except Error:
                    logger.warning("a heartbeat was missed", exc_info=True)
                    connections.close_all()
        finally:
            connections.close_all()

    def _check(self) -> None:
        now = time.monotonic()
        lease = Lease.objects.filter(token=self._claim.token)
        if now >= self._next_beat:
            self._next_beat = now + HEARTBEAT
            if not renew(Lease, self._claim.token):
                self._claim.lost.set()
                self._claim.stop.set()
                return
        if not self._stopped_at:
            if lease.filter(deployment__cancel_requested_at__isnull=False).exists():
                self._claim.stop.set()
                self._stopped_at = now
        elif now - self._stopped_at > GRACE:
            self._stopped_at = now
            self._on_overdue()


def is_on_this_host(lease: ProcessLease) -> bool:
    """Return whether the holder ran on this host since its last boot, so that its end is visible."""
    return lease.host == socket.gethostname() and lease.boot_id == boot_id()


def is_expired(lease: ProcessLease) -> bool:
    """Return whether the holder has died.

    On this host, that is when its process has ended; elsewhere, when there was no heartbeat for a minute.
    """
    if is_on_this_host(lease):
        return not _is_alive(lease.pid, lease.pid_started)
    if lease.host == socket.gethostname() and connection.vendor == "sqlite":
        return True  # no other host uses a SQLite file, so this one was rebooted
    silent = type(lease)._default_manager.filter(heartbeat_at__lt=Now() - EXPIRES_AFTER)
    return silent.filter(token=lease.token).exists()


def kill_programs(lease: Lease) -> None:
    """Kill what the holder's program left running, and wait until it has ended.

    A process belongs to the program if it is in its session and not older: session ids are reused.
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
            and start_time(process) >= (lease.program_started or 0) - 0.01
        )
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _is_alive(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(start_time(process) - started) < 0.01
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
