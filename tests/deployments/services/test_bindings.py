"""Every kind of binding, deployed to the embedded platform and used by a run."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from cloudflare import Cloudflare

from tests.deployments.queue.test_failures import account_id, platform_token
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, document, node

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


def deploy(installation: Installation, drawn: Any, *, into: str = "") -> str:
    """Import and deploy the document; return the workflow's id."""
    more = ["--workflow", into] if into else []
    text = json.dumps(drawn)
    workflow = installation.manage("import_workflow", "-", *more, stdin=text).stdout.strip()
    installation.manage("deploy_workflow", workflow)
    return workflow


def flow(*nodes: dict[str, Any]) -> Any:
    """A workflow that a request starts."""
    return chain(*nodes, trigger={"type": "http"})


def output(installation: Installation, workflow: str, payload: Any = None) -> Any:
    """Start a run by a request, wait until it has ended, and return the output of its last step."""
    started = installation.worker(workflow, method="POST", json=payload or {}).json()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = installation.worker(workflow, f"/?instanceId={started['id']}").json()["status"]
        if found["status"] in ("complete", "errored", "terminated"):
            assert found["status"] == "complete", found
            return found["output"]
    raise AssertionError(f"the run does not end: {found}")


@pytest.mark.parametrize("kind", STORES)
def test_a_run_uses_its_store(installation: Installation, kind: str) -> None:
    code, expected = STORES[kind]
    workflow = deploy(installation, flow(node("use", code=code)))

    assert output(installation, workflow) == expected


@pytest.mark.long
def test_a_message_is_sent_to_a_queue(installation: Installation) -> None:
    code = "await env.MY_QUEUE.send({ n: 1 }); return 'sent';"
    workflow = deploy(installation, flow(node("send", code=code)))

    assert output(installation, workflow) == "sent"
    assert backlog(installation, f"awaitstep-{workflow}-my-queue") == 1


def backlog(installation: Installation, name: str) -> float | None:
    """Return the number of unconsumed messages of the queue."""
    api = f"http://127.0.0.1:{installation.local_cloudflare_port}/client/v4"
    account = account_id(installation)
    with Cloudflare(api_token=platform_token(installation), base_url=api) as cloudflare:
        queues = cloudflare.queues
        (id_,) = (
            item.queue_id for item in queues.list(account_id=account) if item.queue_name == name
        )
        metrics = queues.get_metrics(str(id_), account_id=account)
    return metrics.backlog_count if metrics else None


@pytest.fixture(scope="module")
def script(installation: Installation) -> str:
    """A script that responds with the request's body."""
    answer = node("answer", name="EXPORT_got", code="return event.payload;")
    return deploy(installation, flow(answer) | {"kind": "script"})


@pytest.fixture(scope="module")
def child(installation: Installation) -> str:
    """A workflow that doubles a number."""
    return deploy(installation, flow(node("double", code="return { n: event.payload.n * 2 };")))


def test_a_script_answers_a_request(installation: Installation, script: str) -> None:
    answer = installation.worker(script, method="POST", json={"n": 1})

    assert answer.json() == {"got": {"n": 1}}


@pytest.mark.long
def test_a_service_binding_reaches_another_worker(installation: Installation, script: str) -> None:
    code = (
        "const answer = await env.MAIL_SERVICE.fetch('http://mail/', "
        "{ method: 'POST', body: JSON.stringify({ n: 2 }) }); return await answer.json();"
    )
    workflow = installation.import_document(flow(node("ask", code=code)))
    named = ("MAIL_SERVICE_BINDING_ID", f"awaitstep-{script}")
    installation.manage("set_variable", *named, "--workflow", workflow)
    installation.manage("deploy_workflow", workflow)

    assert output(installation, workflow) == {"got": {"n": 2}}


def test_a_declared_workflow_can_be_started_and_queried(
    installation: Installation, child: str
) -> None:
    begin = node("begin", code="return (await env.DOUBLER.create({ params: { n: 3 } })).id;")
    code = (
        "const run = await (await env.DOUBLER.get(begin)).status();"
        "if (run.status !== 'complete') throw new Error(run.status); return run.output;"
    )
    ask = node("ask", code=code, retryLimit=50, retryDelay=200, backoff="constant")
    workflow = installation.import_document(flow(begin, ask))
    installation.manage("declare_binding", "DOUBLER", "workflow", "--workflow", workflow)
    installation.manage("set_variable", "DOUBLER_BINDING_ID", child, "--workflow", workflow)
    installation.manage("deploy_workflow", workflow)

    assert output(installation, workflow) == {"n": 6}


def test_nodes_call_another_workflow_and_a_script(
    installation: Installation, child: str, script: str
) -> None:
    call = node("call", "sub_workflow", workflowId=child, input="{ n: 4 }")
    ask = node("ask", "sub_script", workerName=script, body="{ n: {{ call.n }} }")
    last = node("last", code="return [call, ask.body];")
    workflow = deploy(installation, flow(call, ask, last))

    assert output(installation, workflow)[1] == {"got": {"n": 8}}


@pytest.mark.long
def test_a_workflow_of_any_worker_is_called_by_its_class(
    installation: Installation, child: str
) -> None:
    worker = {"scriptName": f"awaitstep-{child}", "className": class_name(installation, child)}
    call = node("call", "sub_workflow", **worker, input="{ n: 5 }")
    many = node("many", "start_many", **worker, items="[{ n: 6 }, { n: 7 }]")
    last = node("last", code="return [call, many.map(({ existed }) => existed)];")
    workflow = deploy(installation, flow(call, many, last))

    assert output(installation, workflow) == [{"n": 10}, [False, False]]


def class_name(installation: Installation, workflow: str) -> str:
    code = f"from workflows.models import Workflow; print(Workflow.objects.get(pk={workflow!r}).class_name)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


@pytest.mark.long
def test_a_workflow_can_call_itself_after_its_first_deploy(installation: Installation) -> None:
    workflow = installation.import_document(flow(node("only")))
    deeper = node("deeper", "sub_workflow", workflowId=workflow, input="{ n: event.payload.n - 1 }")
    arms = [{"label": "more", "condition": "event.payload.n > 0"}]
    fork = node("fork", "branch", branches=arms)
    last = node("last", code="return { n: event.payload.n, below: deeper };")
    drawn = document(
        [fork, deeper, last], "fork deeper more", "fork last then", "deeper last",
        trigger={"type": "http"},
    )  # fmt: skip

    deploy(installation, drawn, into=workflow)

    assert output(installation, workflow, {"n": 1}) == {"n": 1, "below": {"n": 0}}


@pytest.fixture
def undeployed(installation: Installation) -> str:
    return installation.import_document(chain(node("later")) | {"metadata": METADATA})


METADATA = {"name": "Billing", "version": 1, "createdAt": "now", "updatedAt": "now"}


def test_a_child_is_deployed_first(installation: Installation, undeployed: str) -> None:
    call = node("call", "sub_workflow", workflowId=undeployed, name="Call billing")
    ask = node("ask", "sub_script", workerName="nobody-here")
    workflow = installation.import_document(flow(call, ask))

    done = installation.manage("deploy_workflow", workflow, check=False)

    last = json.loads(done.stdout.splitlines()[-1])
    assert f'Call billing (call): Deploy "Billing" ({undeployed})' in last["message"]
    assert 'There is no Worker "nobody-here" on this target' in last["message"]
    stages = [json.loads(line)["stage"] for line in done.stdout.splitlines()]
    assert stages[-2] == "DETECTING_BINDINGS"
