"""Deploys with a spare process of wrangler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments.pipeline.adapters import wrangler
from deployments.pipeline.stages import Status
from deployments.queue import runner
from deployments.queue.leases import Claim
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.deployments.projects.examples import deployed, files
from tests.local_cloudflare.support.control import Control, Fault
from tests.support.platform_fixture import Platform
from tests.support.programs.compile_cache import compile_cache
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import account_target, deploy, wait_until
from toolchain.spare_programs import Spares
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

SECRET = "the-secret-of-a-deploy"


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def spares(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spares]:
    """The spares of the deploys."""
    made = wrangler.spares(1, cache=Path(compile_cache()["NODE_COMPILE_CACHE"]))
    monkeypatch.setattr(runner, "spare_wranglers", lambda: made)
    yield made
    made.end()


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process ids of the programs that the deployments run."""
    started: list[int] = []
    monkeypatch.setattr(Claim, "program_started", lambda _claim, pid: started.append(pid))
    return started


def prepared(spares: Spares) -> psutil.Process:
    """Return a spare, which may still be loading."""
    spares.prepare()
    wait_until(lambda: bool(spares.waiting))
    return psutil.Process(spares.waiting[0])


def test_a_deploy_uses_the_spare_which_knew_no_secret(
    target: Target, spares: Spares, programs: list[int]
) -> None:
    spare = prepared(spares)
    workflow = make_workflow("return env.TOKEN;")
    set_variable("TOKEN", SECRET, workflow=workflow, is_secret=True)
    visible = f"{spare.environ()}{spare.cmdline()}"

    done = deploy(workflow, target)

    assert done.state is Status.SUCCEEDED, done.message
    assert programs == [spare.pid]
    assert not is_running(spare)
    for secret in (SECRET, target.api_token, target.account_id):
        assert secret not in visible


def test_a_deploy_without_a_spare_starts_one_while_its_code_is_compiled(
    target: Target, spares: Spares, programs: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    done = deploy(make_workflow(), target)

    assert done.state is Status.SUCCEEDED, done.message
    assert len(programs) == 1
    assert spares.waiting == []
    assert "is not used" not in caplog.text


@pytest.mark.long
def test_wranglers_errors_are_the_same_with_a_spare(
    target: Target, spares: Spares, programs: list[int], control: Control
) -> None:
    control.faults(Fault(method="PUT", path="/scripts/", status=400, code=10021, message="bad"))
    workflow, spare = make_workflow(), prepared(spares)

    with_spare = deploy(workflow, target)
    spares.end()
    spares_of_none = deploy(workflow, target)

    assert programs[0] == spare.pid
    assert with_spare.message == spares_of_none.message
    assert "[code 10021]" in with_spare.message
    outputs = [[each.text for each in one.outputs.all()] for one in (with_spare, spares_of_none)]
    assert outputs[0] == outputs[1] != []


@pytest.mark.long
def test_a_project_is_bundled_and_uploaded_by_spares(
    target: Target, spares: Spares, programs: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    spare = prepared(spares)

    deployed(files("quick"), target)

    assert programs[0] == spare.pid
    assert len(programs) == 2
    assert spares.waiting == []
    assert "is not used" not in caplog.text
