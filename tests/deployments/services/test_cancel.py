"""Cancelling: in the queue, during the build, after the upload has started, twice, too late."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment, Lease
from deployments.pipeline.stages import Stage, Status
from deployments.services import control as controls
from deployments.services.deploy import request_deployment
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.support.platform_fixture import Platform
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import (
    account_target,
    background_worker,
    deploy,
    has_ended,
    has_reached,
    wait_until,
)
from toolchain.node_tools import NODE
from workflows.services import save_draft

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def requested(target: Target, **draft: Any) -> Deployment:
    workflow = make_workflow()
    for name, value in draft.items():
        setattr(workflow, name, value)
    save_draft(workflow)
    return request_deployment(workflow, target=target, by=Actor(name="tester"))


def test_a_waiting_deployment_ends_immediately_and_uploads_nothing(target: Target) -> None:
    waiting = requested(target)

    assert controls.cancel(waiting, by=Actor(name="ada")) is Status.CANCELLED

    waiting.refresh_from_db()
    assert (waiting.stage, waiting.uploaded) == ("", "no")
    assert waiting.message == "Cancelled by ada before it started. Nothing was uploaded."
    assert waiting.records.get().stage == Stage.FAILED


def test_a_deployment_that_hangs_in_a_call_to_the_target_ends_within_five_seconds(
    target: Target, control: Control
) -> None:
    control.faults(Fault(path="/workers/subdomain", hang=True))
    running = requested(target)
    with background_worker():
        wait_until(has_reached(running, Stage.INITIALIZING))

        controls.cancel(running, by=Actor(name="ada"))

        wait_until(has_ended(running))
        control.faults()
    assert (running.state, running.uploaded) == (Status.CANCELLED, "no")
    assert running.message == "Cancelled by ada."


def test_wrangler_has_ended_when_the_deployment_has_ended(target: Target, control: Control) -> None:
    control.faults(Fault(method="PUT", path="/workers/scripts/", hang=True))
    running = requested(target)
    with background_worker():
        wait_until(lambda: Lease.objects.filter(program_pid__isnull=False).exists())
        wrangler = Lease.objects.get().program_pid
        assert wrangler

        controls.cancel(running, by=Actor(name="ada"))

        wait_until(has_ended(running))
        assert not psutil.pid_exists(wrangler)
    assert (running.state, running.stage) == (Status.CANCELLED, "DEPLOYING")


HANG = """
const fs = require("node:fs");
const child = require("node:child_process").spawn("tail", ["-f", "/dev/null"]);
fs.writeFileSync(PIDS + ".part", `${process.pid} ${child.pid}`);
fs.renameSync(PIDS + ".part", PIDS);
setInterval(() => {}, 1000);
"""


@pytest.mark.parametrize(
    ("program", "stage"),
    [
        ("workflows.compilation.typescript.TSC", Stage.GENERATING_CODE),
        ("deployments.pipeline.adapters.npm.NPM_CLI", Stage.CREATING_WORKER),
    ],
)
def test_a_hanging_build_is_killed_within_five_seconds_with_its_children(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, stage: Stage
) -> None:
    pids, stub = tmp_path / "pids", tmp_path / "hang"
    stub.write_text(f"#!{NODE}\nconst PIDS = {json.dumps(str(pids))};{HANG}")
    stub.chmod(0o700)
    monkeypatch.setattr(program, stub)
    running = requested(target, dependencies={"picocolors": "1.1.1"})
    with background_worker():
        wait_until(pids.exists)
        started = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
        assert all(map(is_running, started))

        controls.cancel(running, by=Actor(name="ada"))

        wait_until(lambda: has_ended(running)() and not any(map(is_running, started)))
    assert (running.state, running.stage, running.uploaded) == (Status.CANCELLED, stage, "no")
    assert running.message == "Cancelled by ada."


def test_after_the_upload_the_message_says_that_the_version_is_live(
    target: Target, control: Control
) -> None:
    control.faults(Fault(method="PUT", path="/schedules", hang=True))
    running = requested(target)
    with background_worker():
        wait_until(lambda: any(call.path.endswith("/schedules") for call in control.writes()))

        controls.cancel(running, by=Actor(name="ada"))

        wait_until(has_ended(running))
    assert (running.state, running.uploaded) == (Status.CANCELLED, "yes")
    assert running.live_version


def test_an_incomplete_upload_is_distinguished_from_a_complete_one(
    target: Target, control: Control
) -> None:
    live = deploy(make_workflow(), target)
    control.faults(Fault(method="POST", path="/versions$", hang=True))
    assert live.workflow
    running = request_deployment(live.workflow, target=target)
    with background_worker():
        wait_until(lambda: any(call.path.endswith("/versions") for call in control.writes()))

        controls.cancel(running, by=Actor(name="ada"))

        wait_until(has_ended(running))
    assert (running.uploaded, running.live_version) == ("no", live.version_id)


def test_cancelling_twice_is_recorded_once(target: Target) -> None:
    waiting = requested(target)

    answers = [controls.cancel(waiting, by=Actor(name=name)) for name in ("ada", "bob")]

    waiting.refresh_from_db()
    assert answers == [Status.CANCELLED, Status.CANCELLED]
    assert waiting.cancelled_by == "ada"
    assert Entry.objects.filter(action="deployment cancelled").count() == 1


def test_a_deployment_that_has_ended_does_not_change(target: Target) -> None:
    done = deploy(make_workflow(), target)

    assert controls.cancel(done, by=Actor(name="ada")) is Status.SUCCEEDED

    assert not Entry.objects.filter(action="deployment cancelled").exists()


def test_the_next_deployment_is_possible_immediately(target: Target) -> None:
    waiting = requested(target)
    controls.cancel(waiting)
    assert waiting.workflow

    assert deploy(waiting.workflow, target).state is Status.SUCCEEDED
