"""Test runs of drafts on the embedded platform: pins, time, secrets, and what is left behind."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from audit.trail import SYSTEM, Actor
from deployments.models import Deployment
from runs.models import Run, TestRun
from runs.services.control import Refused
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from runs.test_runs.progress import LOST, output_of, progress_of
from runs.test_runs.services import TestInput
from targets.cloudflare.errors import DeployError
from targets.lookup import NoTarget, account_for_test_runs
from tests.runs.test_runs.drafts import campaign, ended, states, step
from tests.support.platform_fixture import Platform, start_platform
from tests.workflows.ir.documents import branch, chain, document, node
from toolchain.redaction import MASK
from workflows.documents.saved_tests.pins import Failures, Pin
from workflows.models import Workflow, WorkflowVersion
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-test-runs-4e1b"


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    use(platform, settings)


def use(platform: Platform, settings: Settings) -> None:
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def workers() -> set[str]:
    account = account_for_test_runs()
    return {
        str(each.id) for each in account.client.workers.scripts.list(account_id=account.account_id)
    }


def start(workflow: Workflow, by: Actor = SYSTEM, **test: Any) -> TestRun:
    return services.start(workflow, TestInput(**test), by=by)


def pinned(output: Any) -> Pin:
    return Pin(output=output)


def test_a_campaign_of_17_days_is_tested_without_waiting_and_leaves_nothing(
    platform: Platform,
) -> None:
    workflow = campaign()
    versions = WorkflowVersion.objects.count()

    run = start(workflow, payload={"email": "a@b.c"}, pins={"answer": pinned({"name": "Ada"})})
    progress = ended(run)

    assert set(states(progress).values()) == {"done"}
    assert output_of(run, progress.steps_of("thank")[0]) == "Thanks, Ada"
    assert (WorkflowVersion.objects.count(), Deployment.objects.count()) == (versions, 0)
    assert Run.objects.count() == 0
    assert run.worker_name not in platform.api("GET", "workers/scripts").text
    services.remove(run)
    assert run.worker_name not in workers()
    assert not TestRun.objects.exists()


def test_without_an_answer_the_wait_times_out_after_its_three_days() -> None:
    progress = ended(start(campaign(), payload={"email": "a@b.c"}))

    assert states(progress) == {
        "greet": "done",
        "pause": "done",
        "answer": "failed",
        "thank": "not_reached",
    }
    assert "timed out after 259200000ms" in progress.error


def test_the_draft_runs_and_not_the_newest_version() -> None:
    workflow = import_document(chain(step("only", "return 'saved';")))
    workflow.ir = chain(step("only", "return 'draft';"))
    workflow.save()

    run = start(workflow)

    assert output_of(run, ended(run).steps_of("only")[0]) == "draft"


def test_a_test_run_has_at_most_as_many_steps_as_the_settings_say() -> None:
    workflow = import_document(chain(step("first", "return 1;"), step("second", "return 2;")))
    workflow.deploy_settings = {"workflow": {"stepLimit": 1, "schedules": ["* * * * *"]}}
    workflow.save()

    progress = ended(start(workflow))

    assert "limit of 1 steps" in progress.error


def test_a_run_stops_after_the_chosen_node_wherever_it_is() -> None:
    workflow = import_document(
        document(
            [
                step("first", "return [1, 2];"),
                node("each", "loop", collection="first"),
                branch("which", yes="true", no=""),
                step("inner", "return item;"),
                step("other", "return 0;"),
                step("last", "return first;"),
            ],
            "first each", "each which body", "which inner yes", "which other no",
              "each last",
        )
    )  # fmt: skip
    inside = ended(start(workflow, until="inner"))
    whole = ended(start(workflow, until="each"))

    assert inside.has_stopped
    assert states(inside)["inner"] == "done"
    assert states(inside)["last"] == "not_reached"
    assert [step.name for step in whole.steps_of("inner")] == ["inner [0]-1", "inner [1]-1"]
    assert states(whole)["last"] == "not_reached"


def test_steps_fail_and_time_out_as_often_as_their_pins_say() -> None:
    retries = {"retries": {"limit": 3, "delay": "6 hours", "backoff": "exponential"}}
    failing = step("pay", "return 'paid';") | {"config": retries}
    slow = step("ship", "return 'shipped';") | {"config": retries}
    workflow = import_document(chain(failing, slow))

    run = start(
        workflow,
        pins={
            "pay": Pin(failures=Failures(times=2, message="card declined")),
            "ship": Pin(failures=Failures(times=1, message=None), output="pinned"),
        },
    )
    progress = ended(run)

    pay, ship = progress.steps_of("pay")[0], progress.steps_of("ship")[0]
    assert [each.error for each in pay.attempts] == ["Error: card declined"] * 2 + [""]
    assert "timed out" in ship.attempts[0].error
    assert output_of(run, ship) == "pinned"


def test_other_workflows_are_not_started_but_can_be_pinned() -> None:
    child = node("child", "sub_workflow", workflowId="abcdefgh", waitForCompletion=True)
    workflow = import_document(chain(child, step("after", "return child.total;")))

    unpinned = ended(start(workflow))
    run = start(workflow, pins={"child": pinned({"total": 42})})
    progress = ended(run)

    assert "does not start other workflows" in unpinned.error
    assert output_of(run, progress.steps_of("after")[0]) == 42


def test_the_runs_of_a_list_are_not_started_but_can_be_pinned() -> None:
    ids = "await crypto.subtle.digest('SHA-256', item)"
    many = node("many", "start_many", workflowId="abcdefgh", items="{{ trigger.none }}", id=ids)
    workflow = import_document(chain(many, step("after", "return many.length;")))
    output = [{"id": f"a{at}", "existed": False} for at in range(250)]

    unpinned = ended(start(import_document(chain(many | {"data": many["data"] | {"id": ""}}))))
    progress = ended(start(workflow, pins={"many": pinned(output)}))

    assert "does not start other workflows" in unpinned.error
    assert output_of(progress.run, progress.steps_of("many")[-1]) == output
    assert progress.outputs["after"] == 250
    assert set(states(progress).values()) == {"done"}


def test_a_wait_with_a_pinned_output_checks_nothing() -> None:
    check = {"check": "request", "url": "http://unreachable.test"}
    ready = node("ready", "wait_until", **check)
    pins = {"ready": pinned({"value": {"status": 200}})}

    progress = ended(start(import_document(chain(ready)), pins=pins))

    output = {"value": {"status": 200}, "checks": 1, "timedOut": False}
    assert output_of(progress.run, progress.steps[-1]) == output
    assert progress.outputs["ready"] == output


def test_a_test_run_skips_the_time_between_checks() -> None:
    wait = node("wait", "wait_until", code="return false;", timeout="1 day", interval="6 hours",
                onTimeout="continue")  # fmt: skip

    progress = ended(start(import_document(chain(wait))))

    assert progress.outputs["wait"] == {"value": False, "checks": 5, "timedOut": True}


def test_an_approval_is_pinned_to_a_decision_or_to_none() -> None:
    approval = node("asked", "human_approval", title="Really?", onTimeout="continue", timeout="3 days",
                 escalateAfter="1 day")  # fmt: skip
    workflow = import_document(chain(approval))
    never = Pin(failures=Failures(times=None, message=None))

    runs = [
        ended(start(workflow, pins=pins))
        for pins in ({"asked": pinned({"approved": True, "by": "Ada"})}, {"asked": never}, {})
    ]

    outcomes = [(run.outputs["asked"]["outcome"], run.outputs["asked"]["by"]) for run in runs]
    assert outcomes == [("approved", "Ada"), ("timed_out", None), ("timed_out", None)]
    assert states(runs[1]) == {"asked": "done"}
    assert [str(step.state) for step in runs[1].steps_of("asked")] == ["done"] * 5


def test_pinned_limits_use_no_database() -> None:
    workflow = import_document(
        chain(
            node("last", "debounce", key="k"),
            node("room", "rate_limit", key="k"),
            step("end", "return [last, room];"),
        )
    )
    outputs = {
        "last": {"latest": False, "count": 0},
        "room": {"waited": 86_400_000, "timedOut": False},
    }

    progress = ended(start(workflow, pins={id_: pinned(each) for id_, each in outputs.items()}))

    assert progress.outputs == {"trigger": {}, **outputs, "end": list(outputs.values())}
    assert set(states(progress).values()) == {"done"}


def test_resources_are_private_and_empty() -> None:
    code = "await env.ORDERS_KV.put('a', 'b'); return await env.ORDERS_KV.list();"
    workflow = import_document(chain(step("store", code)))

    other = Actor.of(User.objects.create_superuser("ada"))  # whose start does not remove the first
    first, second = start(workflow), start(workflow, other)

    for run in (first, second):
        output = output_of(run, ended(run).steps_of("store")[0])
        assert [each["name"] for each in output["keys"]] == ["a"]
    services.remove(first)
    services.remove(second)
    account = account_for_test_runs()
    left = account.client.kv.namespaces.list(account_id=account.account_id)
    assert not [each for each in left if each.title.startswith(first.worker_name)]


def test_secrets_are_masked_wherever_the_run_shows_them() -> None:
    code = "console.log(env.API_KEY); return { key: env.API_KEY, [env.API_KEY]: 1 };"
    workflow = import_document(chain(step("leak", code)))
    set_variable("API_KEY", SECRET, is_secret=True, workflow=workflow)

    run = start(workflow)
    progress = ended(run)

    assert SECRET not in json.dumps(progress.data)
    assert [line.message for line in progress.logs] == [MASK]
    assert output_of(run, progress.steps_of("leak")[0])["key"] == MASK


def user(name: str, *permissions: str) -> Actor:
    created = User.objects.create_user(name, is_staff=True)
    codenames = [permission.partition(".")[2] for permission in permissions]
    created.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return Actor.of(created)


def test_secrets_have_their_values_only_for_users_who_may_deploy() -> None:
    code = "return [env.API_KEY.length, env.PLAIN];"
    workflow = import_document(chain(step("read", code)))
    set_variable("API_KEY", SECRET, is_secret=True, workflow=workflow)
    set_variable("PLAIN", "visible", is_secret=False, workflow=workflow)

    lengths = [
        output_of(run, ended(run).steps_of("read")[0])
        for run in (
            start(workflow, user("editor", "workflows.change_workflow")),
            start(workflow, user("deployer", "deployments.add_deployment")),
        )
    ]

    assert lengths == [[len("hidden-in-test-runs"), "visible"], [len(SECRET), "visible"]]


def test_two_users_test_the_same_draft_without_seeing_each_other() -> None:
    workflow = import_document(chain(step("echo", "return event.payload.by;")))
    ada, bob = user("ada"), user("bob")

    runs = [(start(workflow, by, payload={"by": by.name}), by) for by in (ada, bob)]

    for run, by in runs:
        assert output_of(run, ended(run).steps_of("echo")[0]) == by.name
        assert list(services.owned_by(by)) == [run]


def test_a_new_test_run_replaces_the_users_earlier_one_that_has_ended() -> None:
    workflow = import_document(chain(step("only", "return 1;")))
    first = start(workflow)
    ended(first)

    second = start(workflow)

    assert list(TestRun.objects.all()) == [second]
    assert first.worker_name not in workers()


def test_the_problems_of_a_draft_are_reported_before_anything_runs() -> None:
    workflow = import_document(chain(step("only", "return 1;")))
    workflow.ir = chain(step("only", "const x: number = 'text'; return x;"))
    workflow.save()

    with pytest.raises(DeployError) as raised:
        start(workflow)

    assert [finding.node_id for finding in raised.value.findings] == ["only"]
    assert not TestRun.objects.exists()


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"until": "gone"}, "The draft has no node 'gone'."),
        ({"pins": {"gone": Pin(output=1)}}, "The draft has no node 'gone'."),
        ({"pins": {"pause": Pin(output=1)}}, "pause cannot be pinned"),
        ({"pins": {"answer": Pin(failures=Failures(times=1, message="x"))}}, "let it time out"),
        ({"speed": 0.5}, "The speed must be between 1 and"),
        ({"payload": {"n": float("nan")}}, "n in the payload is a number"),
    ],
)
def test_an_input_that_cannot_be_tested_is_refused(test: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        start(campaign(), **test)
    assert not TestRun.objects.exists()


def test_nodes_that_share_a_name_cannot_be_pinned() -> None:
    workflow = import_document(chain(node("one", name="Same"), node("two", name="Same")))

    with pytest.raises(Refused, match="because two has the same name"):
        start(workflow, pins={"one": pinned(1)})


def test_a_user_can_have_three_running_test_runs() -> None:
    workflow = campaign()
    runs = [start(workflow, payload={"email": "a@b.c"}, speed=1) for _ in range(3)]

    with pytest.raises(Refused, match="At most 3 of your test runs"):
        start(workflow, speed=1)

    services.stop(runs[0], by=SYSTEM)
    ended(runs[0])
    assert start(workflow, speed=1)
    for run in TestRun.objects.all():
        services.remove(run)


def test_runs_that_have_ended_make_room_for_new_ones() -> None:
    workflow = campaign()
    runnable, now = Runnable.draft(workflow), timezone.now()
    users = [Actor.of(User.objects.create(username=f"user {number}")) for number in range(8)]
    for by in users[:7] * 3:
        if TestRun.objects.count() < services.MAX_WORKERS:
            services.reserve(runnable, TestInput(), by=by)
    running = TestRun.objects.order_by("pk")
    with pytest.raises(Refused, match="already 20 test runs that have not ended"):
        services.reserve(runnable, TestInput(), by=users[7])

    first, second = running[5].pk, running[3].pk
    for number, pk in enumerate((first, second)):
        TestRun.objects.filter(pk=pk).update(ended_at=now + number * services.LIFETIME)
    services.reserve(runnable, TestInput(), by=users[7])

    assert not TestRun.objects.filter(pk=first).exists()
    assert TestRun.objects.filter(pk=second).exists()


@pytest.mark.django_db(transaction=True)
def test_each_of_several_new_test_runs_gets_the_room_of_another() -> None:
    runnable, barrier = Runnable.draft(campaign()), threading.Barrier(3)
    users = [Actor.of(User.objects.create(username=f"user {number}")) for number in range(10)]
    for by in users[:7] * 3:
        if TestRun.objects.count() < services.MAX_WORKERS:
            services.reserve(runnable, TestInput(), by=by)
    newest = TestRun.objects.order_by("-pk").values_list("pk", flat=True)
    TestRun.objects.filter(pk__in=list(newest[:3])).update(ended_at=timezone.now())

    def reserve(by: Actor) -> None:
        barrier.wait()
        try:
            services.reserve(runnable, TestInput(), by=by)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(reserve, users[7:]))
    assert not TestRun.objects.exclude(ended_at=None).exists()
    assert TestRun.objects.count() == services.MAX_WORKERS


@pytest.mark.django_db(transaction=True)
def test_starting_many_test_runs_together_does_not_exceed_the_limit() -> None:
    workflow, barrier = campaign(), threading.Barrier(8)
    runnable = Runnable.draft(workflow)

    def reserve(_: int) -> bool:
        barrier.wait()
        try:
            services.reserve(runnable, TestInput(), by=SYSTEM)
        except Refused:
            return False
        finally:
            connections.close_all()
        return True

    for _ in range(4):
        with ThreadPoolExecutor(8) as threads:
            reserved = sum(threads.map(reserve, range(8)))
        assert reserved == TestRun.objects.count() == services.MAX_RUNNING
        TestRun.objects.all().delete()


def test_a_stopped_run_can_still_be_read() -> None:
    run = start(campaign(), payload={"email": "a@b.c"}, speed=1)

    services.stop(run, by=SYSTEM)
    progress = ended(run)

    assert progress.label == "Stopped"
    assert not progress.has_stopped
    assert Entry.objects.filter(action="test run stopped").exists()


def test_a_run_with_an_endless_loop_can_be_stopped() -> None:
    run = start(import_document(chain(step("loop", "while (true) {}"))))

    with pytest.raises(services.Unresponsive, match="probably never ends"):
        services.stop(run, by=SYSTEM)

    assert not TestRun.objects.exists()
    assert run.worker_name not in workers()


def test_test_runs_are_in_the_audit_trail_without_payloads() -> None:
    start(campaign(), payload={"email": "private@example.com"}, until="greet")

    entry = Entry.objects.get(action="draft test-run")
    assert (entry.detail["revision"], entry.detail["until"]) == (0, "greet")
    assert "private" not in json.dumps(entry.detail)


def test_nothing_is_left_after_the_hour_of_a_run_whose_process_was_killed() -> None:
    """A web process that is killed leaves the row, and maybe the Worker."""
    workflow = campaign()
    running = start(workflow, payload={"email": "a@b.c"}, speed=1)
    half_started = services.reserve(Runnable.draft(workflow), TestInput(), by=SYSTEM)
    services.remove_expired()
    assert TestRun.objects.count() == 2

    TestRun.objects.update(expires_at=timezone.now())
    services.remove_expired()

    assert not TestRun.objects.exists()
    assert not {running.worker_name, half_started.worker_name} & workers()


@pytest.mark.long
def test_a_run_that_was_lost_with_its_platform_says_so(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    doomed = start_platform(folder)
    use(doomed, settings)
    run = start(campaign(), payload={"email": "a@b.c"}, speed=1)
    doomed.kill()
    assert "No response" in progress_of(run).problem
    assert not progress_of(run).data

    revived = start_platform(folder)
    try:
        use(revived, settings)
        assert progress_of(run).problem == LOST
        assert workers() == set()
        TestRun.objects.update(expires_at=timezone.now())
        services.remove_expired()
        assert not TestRun.objects.exists()
    finally:
        revived.running.stop()


def test_without_the_embedded_platform_the_reason_is_given(settings: Settings) -> None:
    off = {"local_cloudflare": False}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=off)

    with pytest.raises(NoTarget, match="AWAITSTEP_LOCAL_CLOUDFLARE=true"):
        start(campaign())


def test_a_pinned_node_needs_no_variables() -> None:
    workflow = import_document(
        chain(step("read", "return 1;"), step("send", "return env.NOT_SET_ANYWHERE;"))
    )
    with pytest.raises(DeployError, match="NOT_SET_ANYWHERE"):
        start(workflow)
    progress = ended(start(workflow, pins={"send": Pin(output="sent")}))
    assert progress.outputs["send"] == "sent"


def test_a_container_whose_failure_was_caught_has_not_failed_when_the_run_stops() -> None:
    document_ = document(
        [
            node("guard", "try_catch"),
            step("risky", "throw new Error('no');", retryLimit=0),
            step("rescue", "return 1;"),
        ],
        "guard risky try",
        "guard rescue catch",
    )
    progress = ended(start(import_document(document_), until="rescue"))
    assert states(progress)["rescue"] == "done"
    assert states(progress)["guard"] == "stopped"
