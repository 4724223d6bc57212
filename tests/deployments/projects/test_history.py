"""Versions of projects, and what happens to them on a target: rollback, retry, drift, takedown."""

from __future__ import annotations

import pytest

from audit.trail import Actor
from deployments import drift
from deployments.models import DriftState, ProjectWorkflow
from deployments.pipeline.stages import Status
from deployments.services import control as controls
from deployments.services.deploy import request_snapshot
from targets.models import Target
from tests.deployments.projects.examples import code, deployed, files, replaced
from tests.local_cloudflare.support.control import Control, Fault
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, run_queue
from workflows.models import Workflow
from workflows.projects import import_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

BY = Actor(name="ada")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def project(name: str, answer: str) -> Workflow:
    return import_project(files(name, code(fetched=f"return '{answer}';")))


def served(platform: Platform, worker: str) -> str:
    return str(platform.fetch(worker).json())


def registered(platform: Platform, name: str) -> dict[str, str]:
    """Return the Workflow on the target; {} if there is none."""
    answer = platform.api("GET", f"workflows/{name}")
    return dict(answer.json()["result"]) if answer.is_success else {}


def test_a_version_is_created_only_if_a_file_has_changed() -> None:
    workflow = import_project(files("versions"))

    replaced(workflow, files("versions"))
    assert workflow.newest_version.number == 1
    replaced(workflow, files("versions", **{"README.md": "new"}))

    assert workflow.newest_version.number == 2
    assert workflow.versions.get(number=1).files == files("versions")


def test_a_workflow_can_get_another_class(target: Target, platform: Platform) -> None:
    workflow = import_project(files("reclassed"))
    deployed(workflow, target)
    assert registered(platform, "reclassed")["class_name"] == "Flow"

    done = deployed(replaced(workflow, files("reclassed", class_name="Other")), target)

    assert registered(platform, "reclassed")["class_name"] == "Other"
    row = ProjectWorkflow.objects.get(target=target, name="reclassed")
    assert (row.class_name, row.workflow_public_id) == ("Other", workflow.pk)
    assert done.worker_name == f"awaitstep-{workflow.pk}"


@pytest.mark.long
def test_a_rollback_and_a_snapshot_serve_the_old_files(target: Target, platform: Platform) -> None:
    workflow = project("rolled-back", "old")
    first = deployed(workflow, target)
    deployed(replaced(workflow, files("rolled-back", code(fetched="return 'new';"))), target)

    back = run_queue(controls.roll_back(first, by=BY))
    assert back.state is Status.SUCCEEDED, back.message
    assert served(platform, first.worker_name) == "old"
    deployed(workflow, target)
    assert served(platform, first.worker_name) == "new"

    again = run_queue(request_snapshot(first, by=BY))
    assert again.state is Status.SUCCEEDED, again.message
    assert served(platform, first.worker_name) == "old"
    assert again.files == first.files


def test_a_failed_part_is_retried(target: Target, platform: Platform, control: Control) -> None:
    cron = '[triggers]\ncrons = ["5 4 * * *"]\n'
    workflow = import_project(files("retried", more=cron))
    control.faults(Fault(method="PUT", path="/schedules$", status=500))
    failed = deploy(workflow, target)
    assert failed.state is not Status.SUCCEEDED
    assert failed.can_retry
    control.faults()

    done = run_queue(controls.retry_failed(failed, by=BY))

    assert done.state is Status.SUCCEEDED, done.message
    script = f"workers/scripts/{failed.worker_name}/schedules"
    (schedule,) = platform.api("GET", script).json()["result"]["schedules"]
    assert schedule["cron"] == "5 4 * * *"


def test_drift_of_a_project_is_found(target: Target, platform: Platform, control: Control) -> None:
    workflow = project("drifted", "ours")
    done = deployed(workflow, target)
    assert drift.check(workflow, target).state == DriftState.SAME

    control.dashboard_edit(done.worker_name)

    assert drift.check(workflow, target).state == DriftState.DRIFTED


def test_a_takedown_removes_the_worker_and_all_its_workflows(
    target: Target, platform: Platform
) -> None:
    second = '[[workflows]]\nname = "gone-two"\nbinding = "TWO"\nclass_name = "Two"\n'
    main = code() + "export class Two extends Flow {}\n"
    workflow = import_project(files("gone-one", main, second))
    done = deployed(workflow, target)
    assert registered(platform, "gone-one")
    assert registered(platform, "gone-two")["class_name"] == "Two"

    down = run_queue(controls.take_down(workflow, target, by=BY))

    assert down.state is Status.SUCCEEDED, down.message
    assert not registered(platform, "gone-one")
    assert not registered(platform, "gone-two")
    assert platform.fetch(done.worker_name).status_code == 404


def test_a_workflow_that_is_no_longer_in_the_configuration(
    target: Target, platform: Platform
) -> None:
    second = '[[workflows]]\nname = "kept-two"\nbinding = "TWO"\nclass_name = "Two"\n'
    main = code() + "export class Two extends Flow {}\n"
    workflow = import_project(files("kept-one", main, second))
    deployed(workflow, target)

    done = deployed(replaced(workflow, files("kept-one")), target)

    assert list(done.parts)
    assert registered(platform, "kept-one")
