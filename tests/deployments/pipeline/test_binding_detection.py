"""What the Worker's env unsupported: everything in one message, before anything is made or uploaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployments.pipeline import pipeline
from deployments.pipeline.ports import Callee, DeployRequest
from targets.cloudflare.errors import DeployError, Finding
from tests.deployments.fakes import FakeTools, request, variable
from workflows.ir.reading.bindings import BindingKind

NOTHING: frozenset[BindingKind] = frozenset()
EVERY_KIND = (
    "return [env.MY_KV, env.MY_DB, env.MY_BUCKET, env.MY_QUEUE, env.MY_SERVICE, env.MY_VECTORIZE, "
    "env.MY_HYPERDRIVE, env.API_KEY];"
)


def findings(asked: DeployRequest, tools: FakeTools | None = None) -> tuple[Finding, ...]:
    with pytest.raises(DeployError) as refused:
        list(pipeline.run(asked, tools or FakeTools(creatable=NOTHING)))
    return refused.value.findings


def finding(asked: DeployRequest, tools: FakeTools | None = None) -> str:
    (only,) = findings(asked, tools)
    return str(only)


def config(asked: DeployRequest, tools: FakeTools | None = None) -> dict[str, Any]:
    tools = tools or FakeTools(creatable=NOTHING)
    list(pipeline.run(asked, tools))
    assert tools.bundle
    return dict(tools.bundle.config)


def calling(**data: str) -> DeployRequest:
    """A workflow whose second node calls another Worker."""
    asked = request()
    kind = "sub_script" if "workerName" in data else "sub_workflow"
    node = asked.ir["nodes"][0] | {"id": "call", "type": kind, "name": "Call it", "data": data}
    edge = {"id": "e1", "source": "only", "target": "call"}
    return replace(asked, ir=asked.ir | {"nodes": [asked.ir["nodes"][0], node], "edges": [edge]})


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return env.cache", "names of variables are in capital letters: write env.CACHE."),
        ("return env.WORKFLO", "write env.WORKFLOW for the Worker's own Workflow"),
    ],
)
def test_a_name_that_no_variable_can_have_is_told_with_the_way_out(code: str, told: str) -> None:
    assert told in finding(request(code))


def test_every_kind_says_which_variable_to_set_to_what() -> None:
    told = {one.path: one.message for one in findings(request(EVERY_KIND))}

    assert {path: message.split(" behind ")[0] for path, message in told.items()} == {
        "API_KEY": "The code uses env.API_KEY: set the variable API_KEY, or declare on the "
        "workflow which binding it is.",
        "MY_KV_BINDING_ID": "Set the variable MY_KV_BINDING_ID to the id of the KV namespace",
        "MY_DB_BINDING_ID": "Set the variable MY_DB_BINDING_ID to the id of the D1 database",
        "MY_BUCKET_BINDING_ID": "Set the variable MY_BUCKET_BINDING_ID to the name of the R2 bucket",
        "MY_QUEUE_BINDING_ID": "Set the variable MY_QUEUE_BINDING_ID to the name of the queue",
        "MY_SERVICE_BINDING_ID": "Set the variable MY_SERVICE_BINDING_ID to the name of the Worker",
        "MY_VECTORIZE_BINDING_ID": "Set the variable MY_VECTORIZE_BINDING_ID to the name of the "
        "Vectorize index",
        "MY_HYPERDRIVE_BINDING_ID": "Set the variable MY_HYPERDRIVE_BINDING_ID to the id of the "
        "Hyperdrive configuration",
    }


def test_a_name_that_may_be_a_plain_value_says_so() -> None:
    assert "or DB_PASSWORD itself, if it is a plain value" in finding(
        request("return env.DB_PASSWORD;")
    )


BROKEN = {
    "MY_BUCKET": ("My_Bucket", "lower-case letters"),
    "MY_QUEUE": ("my_queue", "1 to 63"),
    "MY_VECTORIZE": ("1index", "a letter first"),
    "MY_ANALYTICS": ("my dataset", "letters, digits, _ and -"),
    "MY_KV": ("https://dash", "as the target shows it"),
    "MY_SERVICE": ("a worker", "as the target shows it"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_name_that_cloudflare_refuses_is_told_with_the_rule(name: str) -> None:
    value, rule = BROKEN[name]

    told = finding(request(f"return env.{name};", variable(f"{name}_BINDING_ID", value)))

    assert told.startswith(f"{name}_BINDING_ID: {name}_BINDING_ID has to be the ")
    assert rule in told


def test_a_resource_that_the_target_does_not_have_is_told() -> None:
    asked = request("return env.MY_KV;", variable("MY_KV_BINDING_ID", "abc"))

    told = finding(asked, FakeTools(absent=("abc",)))

    assert 'There is no KV namespace "abc" on this target: correct MY_KV_BINDING_ID.' in told


def test_nothing_is_made_where_something_is_missing() -> None:
    tools = FakeTools()

    findings(request("return [env.MY_KV, env.API_KEY];"), tools)

    assert "provide" not in tools.asked


def test_what_the_target_provides_is_not_asked_for() -> None:
    tools = FakeTools(creatable=frozenset({BindingKind.KV}))

    (told,) = findings(request("return [env.MY_KV, env.API_KEY];"), tools)

    assert told.path == "API_KEY"


def test_a_target_that_lacks_a_kind_says_where_to_deploy() -> None:
    tools = FakeTools(unsupported=frozenset({BindingKind.AI}))

    assert "deploy to a Cloudflare account" in finding(request("return env.AI;"), tools)


def test_a_dataset_begins_with_its_first_point_and_needs_no_variable() -> None:
    written = config(request("env.MY_ANALYTICS.writeDataPoint();"))

    datasets = [{"binding": "MY_ANALYTICS", "dataset": "awaitstep_abc_my_analytics"}]
    assert written["analytics_engine_datasets"] == datasets


def test_two_names_of_a_single_kind_are_one_finding() -> None:
    told = finding(request("return [env.AI, env.MY_AI, env.BROWSER];"))

    assert "env.AI and env.MY_AI" in told


def test_a_binding_is_told_where_the_worker_has_a_secret_of_its_name() -> None:
    tools = FakeTools(secrets_there=("MY_KV",))

    assert "a binding of that name cannot replace it" in finding(
        request("return env.MY_KV;"), tools
    )


def test_a_binding_id_is_never_sent_and_cannot_be_read() -> None:
    asked = request("return env.MY_KV_BINDING_ID;", variable("MY_KV_BINDING_ID", "abc"))

    assert "never sent to the Worker" in finding(asked)


def declaring(code: str, *variables: Any, **bindings: str) -> DeployRequest:
    return replace(request(code, *variables), bindings=bindings)


def test_a_declared_binding_is_bound_although_no_code_names_it() -> None:
    named = variable("STORE_BINDING_ID", "abc")

    written = config(declaring("return 1;", named, STORE="kv"))

    assert written["kv_namespaces"] == [{"binding": "STORE", "id": "abc"}]


def test_a_declaration_wins_over_the_words_of_a_name_and_over_a_global_variable() -> None:
    named, global_ = variable("MY_KV_BINDING_ID", "jobs"), variable("MY_KV", "plain")
    asked = declaring("return env.MY_KV;", named, replace(global_, origin="global"), MY_KV="queue")

    written = config(asked)

    assert written["queues"] == {"producers": [{"binding": "MY_KV", "queue": "jobs"}]}
    assert written["vars"] == {}


def test_a_declared_name_that_is_the_workflows_variable_is_told() -> None:
    named, own = variable("MY_KV_BINDING_ID", "abc"), variable("MY_KV", "plain")

    assert "remove one of the two" in finding(declaring("return 1;", named, own, MY_KV="kv"))


def test_a_child_of_ours_is_bound_by_the_names_that_the_target_has() -> None:
    child = Callee(
        worker="awaitstep-kid", is_deployed=True, workflow="awaitstep-kid", class_name="Kid",
        our_name="kid", our_kind="workflow",
    )  # fmt: skip

    written = config(calling(workflowId="kid"), FakeTools(callees=(child,)))

    own, bound = written["workflows"]
    assert own["binding"] == "WORKFLOW"
    assert bound == {
        "binding": "CHILD_KID",
        "name": "awaitstep-kid",
        "class_name": "Kid",
        "script_name": "awaitstep-kid",
    }


def test_a_script_that_a_node_calls_is_a_service() -> None:
    child = Callee(worker="mailer", is_deployed=True)

    written = config(calling(workerName="mailer"), FakeTools(callees=(child,)))

    assert written["services"] == [{"binding": "CHILD_MAILER", "service": "mailer"}]


CHILDREN: dict[str, tuple[dict[str, str], Callee, str]] = {
    "not deployed": (
        {"workflowId": "kid"},
        Callee(worker="awaitstep-kid", is_deployed=False, our_name="kid", our_kind="workflow"),
        'Deploy "kid" (kid) to this target first.',
    ),
    "not there": (
        {"workerName": "mailer"},
        Callee(worker="mailer", is_deployed=False),
        'There is no Worker "mailer" on this target',
    ),
    "nobody's id": (
        {"workflowId": "kid"},
        Callee(worker="kid", is_deployed=False),
        'neither a workflow with the id "kid"',
    ),
    "a script": (
        {"workflowId": "kid"},
        Callee(worker="awaitstep-kid", is_deployed=True, our_name="kid", our_kind="script"),
        "call it by a sub_script node",
    ),
    "a workflow": (
        {"workerName": "kid"},
        Callee(worker="awaitstep-kid", is_deployed=True, our_name="kid", our_kind="workflow"),
        "call it by a sub_workflow node",
    ),
    "another class": (
        {"scriptName": "other", "className": "Flow"},
        Callee(worker="other", is_deployed=True),
        'no Workflow of the class "Flow"',
    ),
}


@pytest.mark.parametrize("case", CHILDREN)
def test_a_child_that_cannot_be_called_is_told_on_its_node(case: str) -> None:
    data, callee, sentence = CHILDREN[case]

    told = finding(calling(**data), FakeTools(callees=(callee,)))

    assert told.startswith("Call it (call): ")
    assert sentence in told


def test_children_and_variables_are_told_together() -> None:
    asked = calling(workflowId="kid")
    asked.ir["nodes"][0]["data"]["code"] = "return [env.MY_KV, env.API_KEY];"

    told = findings(asked)

    assert [one.path or one.node_id for one in told] == ["API_KEY", "MY_KV_BINDING_ID", "call"]


def test_a_workflow_that_calls_itself_needs_no_second_binding_and_no_first_deploy() -> None:
    tools = FakeTools(creatable=NOTHING)

    written = config(calling(workflowId="abc"), tools)

    own = {"binding": "WORKFLOW", "name": "awaitstep-abc", "class_name": "OneStep"}
    assert written["workflows"] == [own]
    assert not [one for one in tools.asked if one.startswith("callee")]


def test_a_declared_workflow_that_a_node_calls_too_is_bound_once() -> None:
    child = Callee(
        worker="awaitstep-kid", is_deployed=True, workflow="awaitstep-kid", class_name="Kid",
        our_name="kid", our_kind="workflow",
    )  # fmt: skip
    asked = calling(workflowId="kid")
    named = {"KID_BINDING_ID": variable("KID_BINDING_ID", "kid")}
    asked = replace(asked, bindings={"KID": "workflow"}, variables=named)

    written = config(asked, FakeTools(callees=(child,)))

    assert [one["binding"] for one in written["workflows"]] == ["WORKFLOW", "KID"]


def test_one_workflow_by_two_names_is_told() -> None:
    child = Callee(worker="other", is_deployed=True, workflow="flows", class_name="Flow")
    values = [variable(f"{name}_BINDING_ID", "other/Flow") for name in ("ONE", "TWO")]

    told = finding(
        declaring("return 1;", *values, ONE="workflow", TWO="workflow"),
        FakeTools(callees=(child,)),
    )

    assert "env.ONE and env.TWO are the same Workflow" in told
