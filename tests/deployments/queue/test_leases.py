from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone

from deployments.models import Lease
from deployments.pipeline.errors import LeaseLost
from deployments.queue import leases
from tests.deployments.factories import make_deployment
from tests.support.processes import is_running

pytestmark = pytest.mark.django_db

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def make_lease(**fields: object) -> Lease:
    held = leases.grant(make_deployment(status="running"))
    Lease.objects.filter(token=held.token).update(**fields)
    return Lease.objects.get()


def test_a_holder_that_lives_is_not_silent_however_old_its_heartbeat() -> None:
    lease = make_lease(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert not leases.is_expired(lease)


def test_a_holder_on_this_host_is_silent_as_soon_as_it_is_gone() -> None:
    child = subprocess.Popen(SLEEPER)
    started = psutil.Process(child.pid).create_time()
    lease = make_lease(pid=child.pid, pid_started=started)
    assert not leases.is_expired(lease)

    child.kill()
    child.wait()

    assert leases.is_expired(lease)


def test_a_reused_process_number_is_not_the_holder() -> None:
    assert leases.is_expired(make_lease(pid=os.getpid(), pid_started=1.0))


def test_a_holder_from_before_a_restart_of_this_host_is_silent() -> None:
    assert leases.is_expired(make_lease(boot_id="an earlier one"))


@pytest.mark.parametrize(("age", "silent"), [(59, False), (61, True)])
def test_a_holder_elsewhere_is_silent_after_a_minute(age: int, *, silent: bool) -> None:
    beat = timezone.now() - timedelta(seconds=age)
    lease = make_lease(host="elsewhere", boot_id="theirs", heartbeat_at=beat)

    assert leases.is_expired(lease) == silent


def test_a_silent_holders_programs_are_ended_with_all_that_they_started() -> None:
    nested = f"import subprocess; subprocess.run({SLEEPER!r})"
    leader = subprocess.Popen([sys.executable, "-c", nested], start_new_session=True)
    program = psutil.Process(leader.pid)
    while not (children := program.children()):
        leader.poll()
    lease = make_lease(program_pid=leader.pid, program_started=program.create_time())

    leases.kill_programs(lease)

    assert not any(map(is_running, [program, *children]))
    leader.wait()


def test_processes_older_than_the_program_are_not_touched() -> None:
    bystander = subprocess.Popen(SLEEPER, start_new_session=True)
    later = psutil.Process(bystander.pid).create_time() + 5
    lease = make_lease(program_pid=bystander.pid, program_started=later)

    leases.kill_programs(lease)

    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_worker_notices_that_its_lease_is_gone() -> None:
    held = leases.grant(make_deployment(status="running"))
    held.check()

    Lease.objects.all().delete()

    with pytest.raises(LeaseLost):
        held.check()
