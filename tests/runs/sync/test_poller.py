"""The poller and the index, against the embedded platform as a Cloudflare account."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from deployments.pipeline.stages import Status
from runs.bulk import batch_work
from runs.bulk.json_lines import read_lines
from runs.index import listing, watchers, writer
from runs.index.listing import Filters
from runs.models import PollStatus, Retention, Run, RunChange, RunDetails, RunStep, Watcher
from runs.services import control as controls
from runs.steps.step_reader import Step, read_steps
from runs.sync.poller import Poller, describe
from targets.lookup import account_of
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.runs.examples import live_deployment
from tests.runs.fake_api import FakeApi
from tests.support.examples import examples
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow, wait_until
from workflows.models import Workflow
from workflows.services import import_document, set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]
ADA = Actor(None, "ada")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def waiting_workflow() -> Workflow:
    """A workflow whose run waits for an event."""
    workflow = make_workflow()
    (step,) = workflow.ir["nodes"]
    data = {"eventType": "go", "timeout": "1 hour"}
    workflow.ir = {**workflow.ir, "nodes": [{**step, "type": "wait_for_event", "data": data}]}
    return edit_workflow(workflow)


@pytest.fixture
def live(target: Target) -> Deployment:
    return deploy(make_workflow("return { given: event.payload };"), target)


@pytest.fixture
def waiting(target: Target) -> Deployment:
    return deploy(waiting_workflow(), target)


def poll_until(*, until_status: str, run: Run, poller: Poller) -> Run:
    """Poll a run whose page is open until it has this status."""
    watchers.mark_watched(watchers.channel_of_run(run.pk))

    def has_status() -> bool:
        poller.turn()
        run.refresh_from_db()
        return run.status == until_status

    wait_until(has_status)
    return run


def test_a_run_started_here_is_polled_until_it_ends(live: Deployment) -> None:
    started = controls.trigger(live, {"order": 7}, by=ADA)
    poller = Poller()

    run = poll_until(until_status="complete", run=started.run, poller=poller)

    assert (started.is_new, run.is_open, run.trigger) == (True, False, "api")
    assert (run.workflow, run.deployment) == (live.workflow, live)
    assert '"order":7' in run.text.params.replace(" ", "")
    assert '"given"' in run.text.output
    assert RunStep.objects.get(run=run).attempts == 1
    assert Entry.objects.get(action="run started").actor_name == "ada"


def test_a_run_started_elsewhere_appears(platform: Platform, live: Deployment) -> None:
    platform.client().workflows.instances.create(
        live.worker_name, account_id=platform.account_id, instance_id="from-elsewhere"
    )

    Poller().turn()

    assert Run.objects.get().instance_id == "from-elsewhere"


def test_an_id_that_is_used_twice_is_one_run(live: Deployment) -> None:
    first = controls.trigger(live, {}, by=ADA, instance_id="only-once")
    second = controls.trigger(live, {}, by=ADA, instance_id="only-once")

    assert (first.is_new, second.is_new) == (True, False)
    assert first.run == second.run


@pytest.mark.parametrize("id_", ["has blank", "-first", "x" * 101, "cf_" + "a" * 64])
def test_an_invalid_id_is_refused_before_anything_is_sent(fake_api: FakeApi, id_: str) -> None:
    with pytest.raises(controls.Refused, match="The id of a run must have"):
        controls.trigger(live_deployment(), {}, by=ADA, instance_id=id_)

    assert fake_api.bodies == []


def test_a_waiting_run_shows_its_event_and_continues_when_it_arrives(waiting: Deployment) -> None:
    poller = Poller()
    run = poll_until(
        until_status="waiting", run=controls.trigger(waiting, {}, by=ADA).run, poller=poller
    )
    assert run.waits_for == "go"
    assert run.waits_since

    controls.send_event(run, "go", {"approved": True}, by=ADA, reason="looks fine")

    ended = poll_until(until_status="complete", run=run, poller=poller)
    assert (ended.waits_for, ended.waits_since) == ("", None)
    assert Entry.objects.get(action="event sent").reason == "looks fine"


@pytest.mark.parametrize(("action", "status"), [("pause", "paused"), ("terminate", "terminated")])
def test_a_run_is_changed_with_its_row(waiting: Deployment, action: str, status: str) -> None:
    run = controls.trigger(waiting, {}, by=ADA).run
    poll_until(until_status="waiting", run=run, poller=Poller())

    controls.change(run, action, by=ADA, reason="because")

    poll_until(until_status=status, run=run, poller=Poller())
    assert Entry.objects.get(action=f"run: {action}").reason == "because"


def test_a_deleted_run_stays_in_the_index_as_gone(live: Deployment) -> None:
    run = controls.trigger(live, {}, by=ADA).run
    poll_until(until_status="complete", run=run, poller=Poller())

    controls.change(run, "delete", by=ADA)

    run.refresh_from_db()
    assert run.gone_at
    assert not run.is_open


def test_an_ended_run_is_not_read_again(live: Deployment, control: Control) -> None:
    poller = Poller()
    run = poll_until(
        until_status="complete", run=controls.trigger(live, {}, by=ADA).run, poller=poller
    )
    Watcher.objects.all().delete()
    poller.turn()
    control.forget_calls()

    poller.turn()

    assert [call for call in control.calls() if run.instance_id in call.path] == []


def test_calls_are_counted_and_stay_in_the_budget(live: Deployment, control: Control) -> None:
    poller = Poller()
    assert live.target
    control.forget_calls()
    for _ in range(5):
        poller.turn()

    assert poller.calls(live.target) == len(control.calls())
    assert PollStatus.objects.get().calls_in_window == poller.calls(live.target)


def test_a_failing_target_is_reported_and_paused(live: Deployment, control: Control) -> None:
    control.faults(Fault(path="/instances", status=500, code=10013, message="we fail"))
    poller = Poller()

    poller.turn()
    control.forget_calls()
    poller.turn()

    assert "we fail" in PollStatus.objects.get().error
    assert control.calls() == []


def test_secrets_of_a_workflow_are_masked_in_its_runs(target: Target) -> None:
    workflow = make_workflow("return { leaked: env.TOKEN };")
    set_variable("TOKEN", "sentinel-of-a-run", workflow=workflow, is_secret=True)
    Retention.objects.create(workflow=workflow)
    live = deploy(workflow, target)

    run = poll_until(
        until_status="complete", run=controls.trigger(live, {}, by=ADA).run, poller=Poller()
    )

    assert "sentinel" not in run.text.output
    assert "sentinel" not in str(RunDetails.objects.get(run=run).data)


def test_search_finds_payloads_outputs_and_errors(target: Target) -> None:
    live = deploy(make_workflow('throw new Error("no such " + event.payload.what);'), target)
    workflow = live.workflow
    assert workflow
    (step,) = workflow.ir["nodes"]
    step["data"] |= {"retryLimit": 0}
    live = deploy(edit_workflow(workflow), target)
    run = poll_until(
        until_status="errored",
        run=controls.trigger(live, {"what": "teapot"}, by=ADA).run,
        poller=Poller(),
    )

    assert listing.page(Filters(q="teapot")).runs == [run]
    assert listing.page(Filters(q="kettle")).runs == []
    assert "no such teapot" in run.error
    assert listing.counts(Filters()).numbers == {"errored": 1}


def test_changes_are_deleted_after_an_hour(live: Deployment) -> None:
    run = controls.trigger(live, {}, by=ADA).run
    assert RunChange.objects.filter(run=run).exists()
    RunChange.objects.update(at="2026-01-01T00:00:00Z")

    writer.prune()

    assert not RunChange.objects.exists()


@pytest.mark.long
def test_a_run_that_waits_after_a_sleep_is_read_although_its_status_is_the_same(
    target: Target,
) -> None:
    workflow = make_workflow()
    (step,) = workflow.ir["nodes"]
    nap = {**step, "id": "nap", "type": "sleep", "data": {"duration": "3 seconds"}}
    wait = {**step, "id": "wait", "type": "wait_for_event", "data": {"eventType": "go"}}
    edge = {"id": "then", "source": "nap", "target": "wait"}
    workflow.ir = {**workflow.ir, "nodes": [nap, wait], "edges": [edge], "entryNodeId": "nap"}
    started = controls.trigger(deploy(edit_workflow(workflow), target), {}, by=ADA)
    poller = Poller()
    asleep = poll_until(until_status="waiting", run=started.run, poller=poller)
    assert (asleep.waits_for, asleep.due_at is not None) == ("", True)
    Watcher.objects.all().delete()

    def waits_for_go() -> bool:
        poller.turn()
        asleep.refresh_from_db()
        return asleep.waits_for == "go"

    wait_until(waits_for_go)


@pytest.mark.long
def test_a_restart_can_start_at_a_later_step_with_the_same_name(target: Target) -> None:
    workflow = make_workflow("return crypto.randomUUID();")
    (step,) = workflow.ir["nodes"]
    twin = {**step, "id": "twin"}
    edge = {"id": "then", "source": step["id"], "target": "twin"}
    workflow.ir = {**workflow.ir, "nodes": [step, twin], "edges": [edge]}
    run = controls.trigger(deploy(edit_workflow(workflow), target), {}, by=ADA).run
    poll_until(until_status="complete", run=run, poller=Poller())
    first, second = read_run_steps(run)

    controls.change(run, "restart", by=ADA, from_step=second.restart_name)

    poll_until(until_status="complete", run=run, poller=Poller())
    kept, repeated = read_run_steps(run)
    assert kept.raw["output"] == first.raw["output"]
    assert repeated.raw["output"] != second.raw["output"]


def read_run_steps(run: Run) -> tuple[Step, ...]:
    data = describe(account_of(run.target), run.workflow_name, run.instance_id)
    assert data is not None
    return read_steps(data, is_over=True)


def test_many_runs_of_the_sample_start_as_one_batch(target: Target) -> None:
    many = examples(150, 1000)
    text = files("workflows").joinpath("samples/guide.ir.json").read_text("utf-8")
    sample = import_document(json.loads(text))
    set_variable("CLOUDFLARE_API", target.api_base_url, workflow=sample)
    live = deploy(sample, target)
    assert live.state is Status.SUCCEEDED, live.message

    results = list(batch_work.start_in_chunks(live, read_lines(["{}"] * many)))
    poller = Poller()
    poller.turn()

    assert sum(result.started for result in results) == many
    assert Run.objects.filter(workflow=live.workflow).count() == many
    assert poller.calls(target) < 100
