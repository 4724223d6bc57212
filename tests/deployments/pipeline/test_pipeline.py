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


def last_stage(tools: FakeTools, *deploy_request: Any) -> tuple[Stage, str]:
    return last_of(request(*deploy_request), tools)


def last_of(deploy_request: DeployRequest, tools: FakeTools) -> tuple[Stage, str]:
    last = Stage.INITIALIZING
    try:
        for progress in pipeline.run(deploy_request, tools):
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
def test_a_failed_deploy_stays_in_the_stage_that_failed(fails_at: str, stage: Stage) -> None:
    tools = FakeTools(fails_at=fails_at)

    assert last_stage(tools) == (stage, f"{fails_at} failed")
    assert tools.open_folders == 0


def test_an_unconfirmed_upload_is_incomplete() -> None:
    with pytest.raises(Incomplete, match="Version v1 was uploaded") as incomplete:
        list(pipeline.run(request(), FakeTools(fails_at="live_version")))

    assert [str(each.part) for each in incomplete.value.parts] == [
        "Code",
        "Workflow awaitstep-abc",
        "Workers.dev",
    ]
    assert {each.message for each in incomplete.value.parts} == {
        "Not confirmed: live_version failed"
    }


def test_after_an_unconfirmed_upload_all_parts_are_to_be_retried() -> None:
    previous = Triggers(routes={"old.example.com/*": "example.com"})
    tools = FakeTools(fails_at="live_version", upload_error="wrangler said no")
    progress: list[Progress] = []

    with pytest.raises(Incomplete) as incomplete:
        progress.extend(pipeline.run(replace(request(), previous_triggers=previous), tools))

    undone = {str(each.part): each.message for each in incomplete.value.parts if not each.is_done}
    assert "wrangler said no" in undone["Route old.example.com/*"]
    assert progress[-1].facts["worker_url"] == "http://w"


def test_an_abandoned_deploy_leaves_no_directory() -> None:
    tools = FakeTools()
    stages = pipeline.run(request(), tools)

    for progress in stages:
        if progress.stage is Stage.DEPLOYING:
            break
    stages.close()

    assert tools.open_folders == 0


def test_an_invalid_document_fails_with_the_name_of_its_node() -> None:
    stage, message = last_stage(FakeTools(), "return {{nobody}};")

    assert stage is Stage.GENERATING_CODE
    assert "only" in message
    assert "nobody" in message


def test_everything_missing_in_env_is_one_message() -> None:
    stage, message = last_stage(
        FakeTools(creatable=frozenset()), "return [env.MY_KV, env.MY_DB, env.API_KEY];"
    )

    assert stage is Stage.DETECTING_BINDINGS
    for name in ("MY_KV_BINDING_ID", "MY_DB_BINDING_ID", "API_KEY"):
        assert name in message


def test_a_missing_resource_is_created_if_the_target_can() -> None:
    tools = FakeTools()

    list(pipeline.run(request("return env.MY_KV;"), tools))

    assert tools.bundle
    assert tools.bundle.config["kv_namespaces"] == [
        {"binding": "MY_KV", "id": "id-of-awaitstep-abc-my-kv"}
    ]


def test_a_binding_id_sets_the_resource_and_is_not_sent() -> None:
    tools = FakeTools()
    named = variable("MY_DB_BINDING_ID", "abc")

    list(pipeline.run(request("return env.MY_DB;", named), tools))

    assert tools.bundle
    assert tools.bundle.config["d1_databases"][0]["database_id"] == "abc"
    assert tools.bundle.config["vars"] == {}


def test_secrets_are_sent_separately_from_variables() -> None:
    tools = FakeTools()
    secret, plain = variable("TOKEN", "s3cret", is_secret=True), variable("MODE", "on")

    list(pipeline.run(request("return 1;", secret, plain), tools))

    assert tools.bundle
    assert tools.bundle.secrets == {"TOKEN": "s3cret"}
    assert tools.bundle.config["vars"] == {"MODE": "on"}


def test_a_deploy_fails_if_another_version_is_live_afterwards() -> None:
    stage, message = last_stage(FakeTools(live="another"))

    assert stage is Stage.WORKER_DEPLOYED
    assert "the target now serves another" in message


def test_a_plain_variable_cannot_replace_a_secret() -> None:
    tools, plain = FakeTools(existing_secrets=("TOKEN", "OTHER")), variable("TOKEN", "now plain")

    stage, message = last_stage(tools, "return 1;", plain)

    assert stage is Stage.DETECTING_BINDINGS
    assert "a secret named TOKEN" in message


def test_no_variable_replaces_the_workers_own_workflow() -> None:
    stage, message = last_stage(FakeTools(), "return 1;", variable("WORKFLOW", "x", is_secret=True))

    assert stage is Stage.DETECTING_BINDINGS
    assert "rename the variable" in message


def queued(**more: Any) -> DeployRequest:
    """The deploy request of a workflow that a queue starts."""
    deploy_request = request()
    ir = deploy_request.ir | {"trigger": {"type": "queue", "queue": "orders"}}
    return replace(deploy_request, ir=ir, **more)


def test_a_missing_queue_is_reported_before_the_upload() -> None:
    tools = FakeTools(creatable=frozenset())

    stage, message = last_of(queued(), tools)

    assert stage is Stage.DETECTING_BINDINGS
    assert 'trigger.queue: There is no queue "orders" on this target. Create it' in message
    assert "upload" not in tools.calls


def test_a_missing_queue_is_created_if_the_target_can() -> None:
    tools = FakeTools()

    assert last_of(queued(), tools) == (Stage.COMPLETED, "")
    assert tools.calls.index("provide") < tools.calls.index("upload")
    assert tools.bundle
    assert tools.bundle.config["queues"]["consumers"][0]["queue"] == "orders"


def test_a_queue_of_another_worker_is_not_taken_over() -> None:
    tools = FakeTools(queues={"orders": frozenset({"somebody"})})

    stage, message = last_of(queued(), tools)

    assert stage is Stage.DETECTING_BINDINGS
    assert 'consumed by "somebody"' in message


def test_a_worker_keeps_its_queue_and_its_old_consumer_is_removed() -> None:
    tools = FakeTools(queues={"orders": frozenset({"awaitstep-abc"})})

    both = {name: Consumer(queue=name) for name in ("orders", "old")}

    assert last_of(queued(previous_triggers=Triggers(consumers=both)), tools)[1] == ""
    assert [each for each in tools.calls if each.startswith("rem")] == ["remove Queue consumer old"]


def test_a_script_has_no_workflow_on_its_worker() -> None:
    tools, deploy_request = FakeTools(), request()
    script = deploy_request.ir | {"kind": "script", "trigger": {"type": "http"}}

    assert last_of(replace(deploy_request, ir=script), tools) == (Stage.COMPLETED, "")
    assert tools.bundle
    assert "workflows" not in tools.bundle.config


def test_warnings_about_the_code_are_recorded_when_it_is_ready() -> None:
    document = chain(node("each", "loop", loopType="times", count=2000), node("a", unheard=1))
    document["edges"][0]["label"] = "body"

    facts = [
        progress.facts for progress in pipeline.run(replace(request(), ir=document), FakeTools())
    ]

    ready = next(each["warnings"] for each in facts if "source" in each)
    assert [(row["node_name"], row["path"]) for row in ready] == [
        ("a", "nodes.a.data.unheard"), ("each", "nodes.each"),
    ]  # fmt: skip
