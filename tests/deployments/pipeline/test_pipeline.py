from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployments.pipeline import pipeline
from deployments.pipeline.errors import Incomplete
from deployments.pipeline.ports import DeployRequest, Progress
from deployments.pipeline.stages import HAPPY_PATH, Stage
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import Triggers
from tests.deployments.fakes import FakeTools, request, variable
from tests.workflows.ir.documents import chain, node
from workflows.ir.deploy.deploy_settings import Consumer


def last_stage(tools: FakeTools, *asked: Any) -> tuple[Stage, str]:
    return last_of(request(*asked), tools)


def last_of(asked: DeployRequest, tools: FakeTools) -> tuple[Stage, str]:
    last = Stage.INITIALIZING
    try:
        for progress in pipeline.run(asked, tools):
            last = progress.stage
    except DeployError as error:
        return last, str(error)
    return last, ""


def test_a_deploy_goes_through_the_ten_stages_in_order() -> None:
    stages = [progress.stage for progress in pipeline.run(request(), FakeTools())]

    assert stages == list(HAPPY_PATH)


@pytest.mark.parametrize(
    ("fails_at", "stage"),
    [
        ("inspect", Stage.INITIALIZING),
        ("compile", Stage.GENERATING_CODE),
        ("write", Stage.CREATING_WORKER),
        ("upload", Stage.DEPLOYING),
    ],
)
def test_a_failure_leaves_the_stage_that_it_happened_in(fails_at: str, stage: Stage) -> None:
    tools = FakeTools(fails_at=fails_at)

    assert last_stage(tools) == (stage, f"{fails_at} failed")
    assert tools.open_folders == 0


def test_an_upload_that_cannot_be_confirmed_is_not_called_a_failure() -> None:
    with pytest.raises(Incomplete, match="Version v1 was put live") as incomplete:
        list(pipeline.run(request(), FakeTools(fails_at="live_version")))

    assert [str(one.part) for one in incomplete.value.parts] == [
        "Code",
        "Workflow awaitstep-abc",
        "Workers.dev",
    ]
    assert {one.message for one in incomplete.value.parts} == {"Not confirmed: live_version failed"}


def test_an_upload_that_cannot_be_confirmed_leaves_nothing_to_be_forgotten() -> None:
    previous = Triggers(routes={"old.example.com/*": "example.com"})
    tools = FakeTools(fails_at="live_version", upload_error="wrangler said no")
    told: list[Progress] = []

    with pytest.raises(Incomplete) as incomplete:
        told.extend(pipeline.run(replace(request(), previous_triggers=previous), tools))

    undone = {str(one.part): one.message for one in incomplete.value.parts if not one.is_done}
    assert "wrangler said no" in undone["Route old.example.com/*"]
    assert told[-1].facts["worker_url"] == "http://w"


def test_an_abandoned_deploy_leaves_no_directory() -> None:
    tools = FakeTools()
    stages = pipeline.run(request(), tools)

    for progress in stages:
        if progress.stage is Stage.DEPLOYING:
            break
    stages.close()

    assert tools.open_folders == 0


def test_an_invalid_document_fails_while_generating_and_names_its_node() -> None:
    stage, message = last_stage(FakeTools(), "return {{nobody}};")

    assert stage is Stage.GENERATING_CODE
    assert "only" in message
    assert "nobody" in message


def test_everything_that_env_lacks_is_one_message() -> None:
    stage, message = last_stage(
        FakeTools(creatable=frozenset()), "return [env.MY_KV, env.MY_DB, env.API_KEY];"
    )

    assert stage is Stage.DETECTING_BINDINGS
    for name in ("MY_KV_BINDING_ID", "MY_DB_BINDING_ID", "API_KEY"):
        assert name in message


def test_a_missing_resource_is_provided_by_a_target_that_can() -> None:
    tools = FakeTools()

    list(pipeline.run(request("return env.MY_KV;"), tools))

    assert tools.bundle
    assert tools.bundle.config["kv_namespaces"] == [
        {"binding": "MY_KV", "id": "id-of-awaitstep-abc-my-kv"}
    ]


def test_a_binding_id_names_the_resource_and_is_not_sent() -> None:
    tools = FakeTools()
    named = variable("MY_DB_BINDING_ID", "abc")

    list(pipeline.run(request("return env.MY_DB;", named), tools))

    assert tools.bundle
    assert tools.bundle.config["d1_databases"][0]["database_id"] == "abc"
    assert tools.bundle.config["vars"] == {}


def test_secrets_travel_apart_from_variables() -> None:
    tools = FakeTools()
    secret, plain = variable("TOKEN", "s3cret", is_secret=True), variable("MODE", "on")

    list(pipeline.run(request("return 1;", secret, plain), tools))

    assert tools.bundle
    assert tools.bundle.secrets == {"TOKEN": "s3cret"}
    assert tools.bundle.config["vars"] == {"MODE": "on"}


def test_a_version_that_is_not_live_afterwards_is_a_failure() -> None:
    stage, message = last_stage(FakeTools(live="another"))

    assert stage is Stage.WORKER_DEPLOYED
    assert "another is live" in message


def test_a_variable_does_not_hide_a_secret_of_the_worker() -> None:
    tools, plain = FakeTools(secrets_there=("TOKEN", "OTHER")), variable("TOKEN", "now plain")

    stage, message = last_stage(tools, "return 1;", plain)

    assert stage is Stage.DETECTING_BINDINGS
    assert "a secret named TOKEN" in message


def test_no_variable_replaces_the_workers_own_workflow() -> None:
    stage, message = last_stage(FakeTools(), "return 1;", variable("WORKFLOW", "x", is_secret=True))

    assert stage is Stage.DETECTING_BINDINGS
    assert "rename the variable" in message


def queued(**more: Any) -> DeployRequest:
    """A request of a workflow that a queue starts."""
    asked = request()
    ir = asked.ir | {"trigger": {"type": "queue", "queue": "orders"}}
    return replace(asked, ir=ir, **more)


def test_a_queue_that_is_not_there_is_told_before_anything_is_uploaded() -> None:
    tools = FakeTools(creatable=frozenset())

    stage, message = last_of(queued(), tools)

    assert stage is Stage.DETECTING_BINDINGS
    assert 'trigger.queue: There is no queue "orders" on this target: create it there' in message
    assert "upload" not in tools.asked


def test_a_queue_is_made_on_a_target_that_makes_resources() -> None:
    tools = FakeTools()

    assert last_of(queued(), tools) == (Stage.COMPLETED, "")
    assert tools.asked.index("provide") < tools.asked.index("upload")
    assert tools.bundle
    assert tools.bundle.config["queues"]["consumers"][0]["queue"] == "orders"


def test_a_queue_of_another_worker_is_left_to_it() -> None:
    tools = FakeTools(queues={"orders": frozenset({"somebody"})})

    stage, message = last_of(queued(), tools)

    assert stage is Stage.DETECTING_BINDINGS
    assert 'go to "somebody"' in message


def test_a_worker_keeps_its_own_queue_and_leaves_the_one_before() -> None:
    tools = FakeTools(queues={"orders": frozenset({"awaitstep-abc"})})

    both = {name: Consumer(queue=name) for name in ("orders", "old")}

    assert last_of(queued(previous_triggers=Triggers(consumers=both)), tools)[1] == ""
    assert [one for one in tools.asked if one.startswith("rem")] == ["remove Queue consumer old"]


def test_a_script_has_no_workflow_on_its_worker() -> None:
    tools, asked = FakeTools(), request()
    script = asked.ir | {"kind": "script", "trigger": {"type": "http"}}

    assert last_of(replace(asked, ir=script), tools) == (Stage.COMPLETED, "")
    assert tools.bundle
    assert "workflows" not in tools.bundle.config


def test_what_may_go_wrong_with_the_code_is_known_when_it_is_ready() -> None:
    document = chain(node("each", "loop", loopType="times", count=2000), node("a", unheard=1))
    document["edges"][0]["label"] = "body"

    facts = [
        progress.facts for progress in pipeline.run(replace(request(), ir=document), FakeTools())
    ]

    ready = next(one["warnings"] for one in facts if "source" in one)
    assert [(row["node_name"], row["path"]) for row in ready] == [
        ("a", "nodes.a.data.unheard"), ("each", "nodes.each"),
    ]  # fmt: skip
