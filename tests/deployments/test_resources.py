"""Every kind of binding that the embedded platform has: deployed by the product, and used by a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deployments.test_main_job import ended_run
from tests.installation import Installation
from tests.ir.documents import chain, node

STORES = {
    "KV": ("await env.MY_KV.put('a', 'kept'); return await env.MY_KV.get('a');", "kept"),
    "D1": (
        "await env.MY_DB.exec('CREATE TABLE IF NOT EXISTS t (a TEXT)');"
        "await env.MY_DB.prepare('INSERT INTO t VALUES (?)').bind('kept').run();"
        "return (await env.MY_DB.prepare('SELECT a FROM t').first()).a;",
        "kept",
    ),
    "R2": (
        "await env.MY_BUCKET.put('a', 'kept'); return await (await env.MY_BUCKET.get('a')).text();",
        "kept",
    ),
    "Analytics Engine": (
        "return env.MY_ANALYTICS.writeDataPoint({ blobs: ['a'], doubles: [1] }) ?? 'written';",
        "written",
    ),
}


def deploy(installation: Installation, document: Any, *, into: str = "") -> str:
    """Import and deploy the document; return the workflow's id."""
    more = ["--workflow", into] if into else []
    text = json.dumps(document)
    workflow = installation.manage("import_workflow", "-", *more, stdin=text).stdout.strip()
    installation.manage("deploy_workflow", workflow)
    return workflow


def run(installation: Installation, workflow: str, payload: Any = None) -> dict[str, Any]:
    sent = json.dumps(payload or {})
    started = installation.json("trigger_workflow", workflow, "--payload", sent)
    found = ended_run(installation, workflow, started["id"])
    assert found["status"] == "complete", found
    return found


def output(found: dict[str, Any], step: str) -> Any:
    """Return what the step of this name came to."""
    (value,) = (one["output"] for one in found["steps"] if one["name"] == f"{step}-1")
    return json.loads(value)


@pytest.mark.parametrize("kind", STORES)
def test_a_run_uses_its_store(installation: Installation, kind: str) -> None:
    code, expected = STORES[kind]
    workflow = deploy(installation, chain(node("use", code=code)))

    assert output(run(installation, workflow), "use") == expected


@pytest.fixture(scope="module")
def script(installation: Installation) -> str:
    """A script that answers with its request's body."""
    answer = node("answer", name="EXPORT_got", code="return event.payload;")
    document = chain(answer, kind="script", trigger={"type": "http", "method": "POST"})
    return deploy(installation, document)


@pytest.fixture(scope="module")
def child(installation: Installation) -> str:
    """A workflow that doubles a number."""
    return deploy(installation, chain(node("double", code="return { n: event.payload.n * 2 };")))


def test_a_script_answers_a_request(installation: Installation, script: str) -> None:
    answer = installation.worker(script, method="POST", json={"n": 1})

    assert answer.json() == {"got": {"n": 1}}


def test_a_service_binding_reaches_another_worker(installation: Installation, script: str) -> None:
    code = (
        "const answer = await env.MAIL_SERVICE.fetch('http://mail/', "
        "{ method: 'POST', body: JSON.stringify({ n: 2 }) }); return await answer.json();"
    )
    workflow = installation.import_document(chain(node("ask", code=code)))
    named = ("MAIL_SERVICE_BINDING_ID", f"awaitstep-{script}")
    installation.manage("set_variable", *named, "--workflow", workflow)
    installation.manage("deploy_workflow", workflow)

    assert output(run(installation, workflow), "ask") == {"got": {"n": 2}}


def test_a_declared_workflow_is_started_and_asked(installation: Installation, child: str) -> None:
    begin = node("begin", code="return (await env.DOUBLER.create({ params: { n: 3 } })).id;")
    code = (
        "const run = await (await env.DOUBLER.get(begin)).status();"
        "if (run.status !== 'complete') throw new Error(run.status); return run.status;"
    )
    ask = node("ask", code=code, retryLimit=50, retryDelay=200, backoff="constant")
    workflow = installation.import_document(chain(begin, ask))
    installation.manage("declare_binding", "DOUBLER", "workflow", "--workflow", workflow)
    installation.manage("set_variable", "DOUBLER_BINDING_ID", child, "--workflow", workflow)
    installation.manage("deploy_workflow", workflow)

    assert output(run(installation, workflow), "ask") == "complete"


def test_nodes_call_a_workflow_and_a_script_of_ours(
    installation: Installation, child: str, script: str
) -> None:
    call = node("call", "sub_workflow", workflowId=child, input="{ n: 4 }")
    ask = node("ask", "sub_script", workerName=script, body="{ n: {{ call.n }} }")
    last = node("last", code="return [call, ask.body];")
    workflow = deploy(installation, chain(call, ask, last))

    assert output(run(installation, workflow), "last")[1] == {"got": {"n": 8}}


def test_a_workflow_of_any_worker_is_called_by_its_class(
    installation: Installation, child: str
) -> None:
    worker = {"scriptName": f"awaitstep-{child}", "className": class_name(installation, child)}
    call = node("call", "sub_workflow", **worker, input="{ n: 5 }")
    workflow = deploy(installation, chain(call, node("last", code="return call;")))

    assert output(run(installation, workflow), "last") == {"n": 10}


def class_name(installation: Installation, workflow: str) -> str:
    code = f"from workflows.models import Workflow; print(Workflow.objects.get(pk={workflow!r}).class_name)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


def test_a_workflow_calls_itself_from_its_first_deploy_on(installation: Installation) -> None:
    workflow = installation.import_document(chain(node("only")))
    deeper = node("deeper", "sub_workflow", workflowId=workflow, input="{ n: event.payload.n - 1 }")
    arms = [{"label": "more", "condition": "event.payload.n > 0"}]
    fork = node("fork", "branch", branches=arms)
    document = chain(fork, deeper)
    document["edges"][0]["label"] = "more"

    deploy(installation, document, into=workflow)

    names = [one["name"] for one in run(installation, workflow, {"n": 1})["steps"]]
    assert any(name.startswith("deeper") for name in names)


@pytest.fixture
def undeployed(installation: Installation) -> str:
    return installation.import_document(chain(node("later")) | {"metadata": METADATA})


METADATA = {"name": "Billing", "version": 1, "createdAt": "now", "updatedAt": "now"}


def test_a_child_is_deployed_first(installation: Installation, undeployed: str) -> None:
    call = node("call", "sub_workflow", workflowId=undeployed, name="Call billing")
    ask = node("ask", "sub_script", workerName="nobody-here")
    workflow = installation.import_document(chain(call, ask))

    done = installation.manage("deploy_workflow", workflow, check=False)

    last = json.loads(done.stdout.splitlines()[-1])
    assert f'Call billing (call): Deploy "Billing" ({undeployed})' in last["message"]
    assert 'There is no Worker "nobody-here" on this target' in last["message"]
    stages = [json.loads(line)["stage"] for line in done.stdout.splitlines()]
    assert stages[-2] == "DETECTING_BINDINGS"
