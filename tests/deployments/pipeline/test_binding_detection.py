"""The stage DETECTING_BINDINGS: everything missing is reported in one message, before any write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployments.pipeline import pipeline
from deployments.pipeline.ports import Callee, DeployRequest
from targets.cloudflare.errors import MAX_LISTED, DeployError, Finding
from tests.deployments.fakes import FakeTools, request, variable
from workflows.ir.reading.bindings import BindingKind

NOTHING: frozenset[BindingKind] = frozenset()
EVERY_KIND = (
    "return [env.MY_KV, env.MY_DB, env.MY_BUCKET, env.MY_QUEUE, env.MY_SERVICE, env.MY_VECTORIZE, "
    "env.MY_HYPERDRIVE, env.API_KEY];"
)


def findings(deploy_request: DeployRequest, tools: FakeTools | None = None) -> tuple[Finding, ...]:
    with pytest.raises(DeployError) as refused:
        list(pipeline.run(deploy_request, tools or FakeTools(creatable=NOTHING)))
    return refused.value.findings


def finding(deploy_request: DeployRequest, tools: FakeTools | None = None) -> str:
    (only,) = findings(deploy_request, tools)
    return str(only)


def config(deploy_request: DeployRequest, tools: FakeTools | None = None) -> dict[str, Any]:
    tools = tools or FakeTools(creatable=NOTHING)
    list(pipeline.run(deploy_request, tools))
    assert tools.bundle
    return dict(tools.bundle.config)


def calling(**data: str) -> DeployRequest:
    """A workflow whose second node calls another Worker."""
    deploy_request = request()
    kind = "sub_script" if "workerName" in data else "sub_workflow"
    node = deploy_request.ir["nodes"][0] | {
        "id": "call",
        "type": kind,
        "name": "Call it",
        "data": data,
    }
    edge = {"id": "e1", "source": "only", "target": "call"}
    return replace(
        deploy_request,
        ir=deploy_request.ir | {"nodes": [deploy_request.ir["nodes"][0], node], "edges": [edge]},
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return env.cache", "variable names are in capital letters, so write env.CACHE."),
        ("return env.WORKFLO", "write env.WORKFLOW for the Worker's own Workflow"),
    ],
)
def test_an_invalid_variable_name_is_reported_with_a_fix(code: str, message: str) -> None:
    assert message in finding(request(code))


def test_of_very_many_problems_the_first_are_listed() -> None:
    names = [f"env.NAME_{number}" for number in range(2_000)]

    *listed, last = findings(request(f"return [{', '.join(names)}];"))

    assert [f"env.{each.path}" for each in listed] == names[: len(listed)]
    assert len(listed) == MAX_LISTED - 1
    assert last.message == "1,801 more problems are not listed."


def test_every_kind_says_which_variable_to_set() -> None:
    messages = {each.path: each.message for each in findings(request(EVERY_KIND))}

    assert {path: message.split(" for env.")[0] for path, message in messages.items()} == {
        "API_KEY": "The code uses env.API_KEY: set the variable API_KEY, or declare it as a "
        "binding of the workflow.",
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


def with_store(**data: str) -> DeployRequest:
    """A workflow whose second node reads from a KV namespace."""
    deploy_request = request()
    store = {"type": "kv_get", "name": "Look up", "data": {"key": "a", **data}}
    node = deploy_request.ir["nodes"][0] | {"id": "look", **store}
    edge = {"id": "e1", "source": "only", "target": "look"}
    nodes = [deploy_request.ir["nodes"][0], node]
    return replace(deploy_request, ir=deploy_request.ir | {"nodes": nodes, "edges": [edge]})


def test_a_node_declares_the_binding_that_it_names() -> None:
    missing = finding(with_store(binding="SESSIONS"))
    created = config(
        with_store(binding="SESSIONS"), FakeTools(creatable=frozenset({BindingKind.KV}))
    )

    assert "Set the variable SESSIONS_BINDING_ID to the id of the KV namespace" in missing
    (entry,) = created["kv_namespaces"]
    assert entry["binding"] == "SESSIONS"


def test_a_name_that_may_be_a_plain_value_says_so() -> None:
    assert "If it is a plain value, set the variable DB_PASSWORD instead" in finding(
        request("return env.DB_PASSWORD;")
    )


BROKEN = {
    "MY_BUCKET": ("My_Bucket", "lowercase letters"),
    "MY_QUEUE": ("my_queue", "1 to 63"),
    "MY_VECTORIZE": ("1index", "starting with a letter"),
    "MY_ANALYTICS": ("my dataset", "letters, digits, _ and -"),
    "MY_KV": ("https://dash", "as shown on the target"),
    "MY_SERVICE": ("a worker", "as shown on the target"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_invalid_resource_name_is_reported_with_the_rule(name: str) -> None:
    value, rule = BROKEN[name]

    message = finding(request(f"return env.{name};", variable(f"{name}_BINDING_ID", value)))

    assert message.startswith(f"{name}_BINDING_ID: {name}_BINDING_ID must be the ")
    assert rule in message


def test_a_missing_resource_is_reported() -> None:
    deploy_request = request("return env.MY_KV;", variable("MY_KV_BINDING_ID", "abc"))

    message = finding(deploy_request, FakeTools(absent=("abc",)))

    assert 'There is no KV namespace "abc" on this target: correct MY_KV_BINDING_ID.' in message


def test_nothing_is_created_if_something_is_missing() -> None:
    tools = FakeTools()

    findings(request("return [env.MY_KV, env.API_KEY];"), tools)

    assert "provide" not in tools.calls


def test_creatable_resources_need_no_variable() -> None:
    tools = FakeTools(creatable=frozenset({BindingKind.KV}))

    (message,) = findings(request("return [env.MY_KV, env.API_KEY];"), tools)

    assert message.path == "API_KEY"


def test_an_unsupported_kind_says_where_to_deploy() -> None:
    tools = FakeTools(unsupported=frozenset({BindingKind.AI}))

    assert "deploy to a Cloudflare account" in finding(request("return env.AI;"), tools)


def test_a_dataset_needs_no_variable() -> None:
    written = config(request("env.MY_ANALYTICS.writeDataPoint();"))

    datasets = [{"binding": "MY_ANALYTICS", "dataset": "awaitstep_abc_my_analytics"}]
    assert written["analytics_engine_datasets"] == datasets


def test_two_bindings_of_a_single_kind_are_one_finding() -> None:
    message = finding(request("return [env.AI, env.MY_AI, env.BROWSER];"))

    assert "env.AI and env.MY_AI" in message


def test_a_binding_with_the_name_of_a_secret_is_reported() -> None:
    tools = FakeTools(existing_secrets=("MY_KV",))

    assert "A binding of the same name cannot replace it" in finding(
        request("return env.MY_KV;"), tools
    )


def test_a_binding_id_is_not_available_to_the_code() -> None:
    deploy_request = request("return env.MY_KV_BINDING_ID;", variable("MY_KV_BINDING_ID", "abc"))

    assert "not available to the Worker" in finding(deploy_request)


def declaring(code: str, *variables: Any, **bindings: str) -> DeployRequest:
    return replace(request(code, *variables), bindings=bindings)


def test_a_declared_binding_is_bound_even_if_no_code_uses_it() -> None:
    named = variable("STORE_BINDING_ID", "abc")

    written = config(declaring("return 1;", named, STORE="kv"))

    assert written["kv_namespaces"] == [{"binding": "STORE", "id": "abc"}]


def test_a_declaration_takes_precedence_over_names_and_global_variables() -> None:
    named, global_ = variable("MY_KV_BINDING_ID", "jobs"), variable("MY_KV", "plain")
    deploy_request = declaring(
        "return env.MY_KV;", named, replace(global_, origin="global"), MY_KV="queue"
    )

    written = config(deploy_request)

    assert written["queues"] == {"producers": [{"binding": "MY_KV", "queue": "jobs"}]}
    assert written["vars"] == {}


def test_a_name_that_is_both_binding_and_variable_is_reported() -> None:
    named, own = variable("MY_KV_BINDING_ID", "abc"), variable("MY_KV", "plain")

    assert "remove one of them" in finding(declaring("return 1;", named, own, MY_KV="kv"))


def test_a_child_workflow_is_bound_by_its_names_on_the_target() -> None:
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
        'no workflow with the id "kid"',
    ),
    "a script": (
        {"workflowId": "kid"},
        Callee(worker="awaitstep-kid", is_deployed=True, our_name="kid", our_kind="script"),
        "call it with a sub_script node",
    ),
    "a workflow": (
        {"workerName": "kid"},
        Callee(worker="awaitstep-kid", is_deployed=True, our_name="kid", our_kind="workflow"),
        "call it with a sub_workflow node",
    ),
    "another class": (
        {"scriptName": "other", "className": "Flow"},
        Callee(worker="other", is_deployed=True),
        'no Workflow of the class "Flow"',
    ),
}


@pytest.mark.parametrize("case", CHILDREN)
def test_a_child_that_cannot_be_called_is_reported_on_its_node(case: str) -> None:
    data, callee, sentence = CHILDREN[case]

    message = finding(calling(**data), FakeTools(callees=(callee,)))

    assert message.startswith("Call it (call): ")
    assert sentence in message


def test_children_and_variables_are_reported_together() -> None:
    deploy_request = calling(workflowId="kid")
    deploy_request.ir["nodes"][0]["data"]["code"] = "return [env.MY_KV, env.API_KEY];"

    message = findings(deploy_request)

    assert [each.path or each.node_id for each in message] == [
        "API_KEY",
        "MY_KV_BINDING_ID",
        "call",
    ]


def test_a_workflow_can_call_itself_before_its_first_deploy() -> None:
    tools = FakeTools(creatable=NOTHING)

    written = config(calling(workflowId="abc"), tools)

    own = {"binding": "WORKFLOW", "name": "awaitstep-abc", "class_name": "OneStep"}
    assert written["workflows"] == [own]
    assert not [each for each in tools.calls if each.startswith("callee")]


def test_a_declared_workflow_that_a_node_also_calls_is_bound_once() -> None:
    child = Callee(
        worker="awaitstep-kid", is_deployed=True, workflow="awaitstep-kid", class_name="Kid",
        our_name="kid", our_kind="workflow",
    )  # fmt: skip
    deploy_request = calling(workflowId="kid")
    named = {"KID_BINDING_ID": variable("KID_BINDING_ID", "kid")}
    deploy_request = replace(deploy_request, bindings={"KID": "workflow"}, variables=named)

    written = config(deploy_request, FakeTools(callees=(child,)))

    assert [each["binding"] for each in written["workflows"]] == ["WORKFLOW", "KID"]


def test_two_bindings_of_one_workflow_are_reported() -> None:
    child = Callee(worker="other", is_deployed=True, workflow="flows", class_name="Flow")
    values = [variable(f"{name}_BINDING_ID", "other/Flow") for name in ("ONE", "TWO")]

    message = finding(
        declaring("return 1;", *values, ONE="workflow", TWO="workflow"),
        FakeTools(callees=(child,)),
    )

    assert "env.ONE and env.TWO are bound to the same Workflow" in message
