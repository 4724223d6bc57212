"""Templates whose runs are started by a signed request, a schedule and a message.

tests/docs/test_template_tests.py runs the tests of all templates, which need no deployment.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from targets.cloudflare.naming import resource_name, worker_name
from tests.deployments.services.test_main_job import ended_run
from tests.deployments.services.test_triggers import first_run
from tests.support.embedded_account import account_of, send_message
from tests.support.http_server import Handler, serving
from tests.support.installation import Installation
from workflows.documentation.markdown import ParsedPage, parsed
from workflows.documentation.pages import pages

SECRET: Final = "secret-of-the-templates"
ORDER: Final = {"id": "A-7", "product": "mug", "quantity": 2}
BODY: Final = json.dumps({"type": "order.paid", "order": ORDER}).encode()


def template(name: str) -> ParsedPage:
    return parsed(pages()[f"templates/{name}"])


def deployed(installation: Installation, name: str, folder: Path, **variables: str) -> str:
    """Deploy a template as a reader of its page does, and return the id of its workflow."""
    (example,) = template(name).documents
    entry_code = folder / f"{name}.ts"
    entry_code.write_text(example.entry_code, encoding="utf-8")
    more = ["--entry-code", str(entry_code)] if example.entry_code else []
    document = json.dumps(example.document)
    workflow = installation.manage("import_workflow", "-", *more, stdin=document).stdout.strip()
    for variable, value in variables.items():
        secret = ["--secret"] if value == SECRET else []
        installation.manage("set_variable", variable, value, *secret, "--workflow", workflow)
    installation.manage("deploy_workflow", workflow)
    return workflow


def output(run: dict[str, Any]) -> Any:
    assert run["status"] == "complete", run
    return json.loads(run["output"])


class Stock(Handler):
    def do_POST(self) -> None:
        reserved = json.loads(self.read_body())
        self.respond(201, json.dumps({"id": f"r-{reserved['order']}"}).encode())


@pytest.fixture(scope="module")
def webhook(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The id of the workflow that receives webhooks, while its API runs."""
    folder = tmp_path_factory.mktemp("webhook")
    with serving(Stock) as api:
        variables = {"WEBHOOK_SECRET": SECRET, "STOCK_API": api}
        yield deployed(installation, "signed-webhook", folder, **variables)


def send_webhook(
    installation: Installation, workflow: str, signature: str
) -> tuple[httpx.Response, list[Any]]:
    """Send a webhook, and return the response and the ids of the runs that it started."""
    before = installation.json("list_runs", workflow, "--json")
    headers = {"x-hub-signature-256": signature}
    answer = installation.worker(workflow, method="POST", content=BODY, headers=headers)
    after = installation.json("list_runs", workflow, "--json")
    return answer, [run["id"] for run in after if run["id"] not in {old["id"] for old in before}]


def signature_of(body: bytes) -> str:
    return f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}"


@pytest.mark.long
def test_a_webhook_with_a_valid_signature_starts_a_run(
    installation: Installation, webhook: str
) -> None:
    answer, started = send_webhook(installation, webhook, signature_of(BODY))

    assert answer.status_code == 202
    assert started == [answer.json()["id"]]
    run = ended_run(installation, webhook, started[0])
    assert output(run) == {"order": "A-7", "reservation": "r-A-7"}


@pytest.mark.long
@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", f"sha256={'0' * 64}", signature_of(BODY + b" "), signature_of(BODY) + "00"],
    ids=["none", "empty", "zeros", "of another body", "too long"],
)
def test_a_webhook_with_a_wrong_signature_starts_none(
    installation: Installation, webhook: str, signature: str
) -> None:
    answer, started = send_webhook(installation, webhook, signature)

    assert answer.status_code == 401
    assert started == []


@pytest.mark.long
def test_the_cleanup_deletes_the_rows_that_have_expired_by_its_schedule(
    installation: Installation, tmp_path: Path
) -> None:
    workflow = deployed(installation, "database-cleanup", tmp_path)
    (sql,) = (
        block.text for block in template("database-cleanup").blocks if block.language == "sql"
    )
    rows = "SELECT id FROM sessions ORDER BY id"
    query(installation, workflow, sql)
    assert query(installation, workflow, rows) == [{"id": "a"}, {"id": "b"}, {"id": "c"}]

    fire = "/cdn-cgi/handler/scheduled?cron=30+3+*+*+SUN&time=1767232800000"
    assert installation.worker(workflow, fire, "POST").status_code == 200

    assert output(first_run(installation, workflow)) == {"deleted": 2}
    assert query(installation, workflow, rows) == [{"id": "c"}]


def query(installation: Installation, workflow: str, sql: str) -> Any:
    """Run SQL in the database that the deploy created, and return the last rows."""
    account = account_of(installation)
    databases, id_ = account.client.d1.database, account.account_id
    name = resource_name(worker_name(workflow), "SESSIONS_DB")
    (database,) = databases.list(account_id=id_, name=name)
    *_, last = databases.query(str(database.uuid), account_id=id_, sql=sql)
    return last.results


@pytest.mark.long
def test_a_message_of_the_queue_starts_a_run(installation: Installation, tmp_path: Path) -> None:
    variables = {"CONTACTS_API": "https://contacts.invalid", "CONTACTS_API_KEY": SECRET}
    workflow = deployed(installation, "queue-consumer", tmp_path, **variables)

    message = {"type": "customer.invited", "customer": {"id": "c3"}}
    send_message(account_of(installation), "customers", message)

    assert output(first_run(installation, workflow)) == {"contact": "c3", "action": "ignored"}
