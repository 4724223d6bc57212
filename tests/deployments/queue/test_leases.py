from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from deployments.models import Lease
from deployments.pipeline.errors import LeaseLost
from deployments.queue import leases
from tests.deployments.factories import make_deployment
from tests.support.programs.processes import is_running

pytestmark = pytest.mark.django_db

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def make_lease(**fields: object) -> Lease:
    held = leases.grant(make_deployment(status="running"))
    Lease.objects.filter(token=held.token).update(**fields)
    return Lease.objects.get()


def test_the_lease_of_a_living_process_does_not_expire() -> None:
    lease = make_lease(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert not leases.is_expired(lease)


@pytest.mark.skipif(
    not psutil.LINUX, reason="only Linux counts the start of a process from the boot"
)
@pytest.mark.parametrize("hours", [-24, 1])
def test_a_jump_of_the_hosts_clock_expires_no_lease(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = make_lease()
    boot = psutil.boot_time() + hours * 3600
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot)

    assert not leases.is_expired(lease)


def test_a_lease_on_this_host_expires_when_the_process_ends() -> None:
    child = subprocess.Popen(SLEEPER)
    started = leases.start_time(psutil.Process(child.pid))
    lease = make_lease(pid=child.pid, pid_started=started)
    assert not leases.is_expired(lease)

    child.kill()
    child.wait()

    assert leases.is_expired(lease)


def test_a_reused_process_id_is_not_the_holder() -> None:
    assert leases.is_expired(make_lease(pid=os.getpid(), pid_started=1.0))


def test_a_lease_from_before_a_reboot_is_expired() -> None:
    lease = make_lease(boot_id="an earlier one")
    # Another host that shares a PostgreSQL database may have the same name.
    assert leases.is_expired(lease) == (connection.vendor == "sqlite")

    Lease.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    assert leases.is_expired(lease)


@pytest.mark.parametrize(("age", "silent"), [(59, False), (61, True)])
def test_a_lease_on_another_host_expires_after_a_minute(age: int, *, silent: bool) -> None:
    beat = timezone.now() - timedelta(seconds=age)
    lease = make_lease(host="elsewhere", boot_id="theirs", heartbeat_at=beat)

    assert leases.is_expired(lease) == silent


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_host_whose_clock_is_wrong_ends_nothing_of_another_host(
    monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    jumped = timezone.now() + timedelta(minutes=minutes)
    lease = make_lease(host="elsewhere", boot_id="theirs")

    monkeypatch.setattr(timezone, "now", lambda: jumped)
    assert not leases.is_expired(lease)  # the host that looks

    assert leases.renew(Lease, lease.token)
    monkeypatch.undo()
    assert not leases.is_expired(lease)  # the host that has written the heartbeat


def test_the_programs_of_an_expired_lease_are_killed_with_their_children() -> None:
    nested = f"import subprocess; subprocess.run({SLEEPER!r})"
    leader = subprocess.Popen([sys.executable, "-c", nested], start_new_session=True)
    program = psutil.Process(leader.pid)
    while not (children := program.children()):
        leader.poll()
    lease = make_lease(program_pid=leader.pid, program_started=leases.start_time(program))

    leases.kill_programs(lease)

    assert not any(map(is_running, [program, *children]))
    leader.wait()


def test_processes_older_than_the_program_are_not_touched() -> None:
    bystander = subprocess.Popen(SLEEPER, start_new_session=True)
    later = leases.start_time(psutil.Process(bystander.pid)) + 5
    lease = make_lease(program_pid=bystander.pid, program_started=later)

    leases.kill_programs(lease)

    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_process_notices_that_it_lost_its_lease() -> None:
    held = leases.grant(make_deployment(status="running"))
    held.check()

    Lease.objects.all().delete()

    with pytest.raises(LeaseLost):
        held.check()
