"""The sample projects, each imported, deployed and run on the embedded platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.projects.installed import deploy, ended, import_files, sample_files
from tests.support.embedded_account import account_of, send_message
from tests.support.http_server import Handler, serving
from tests.support.installation import Installation
from tests.support.plain_http import request
from workflows.compilation.project_check import ProjectVerdict, check_project
from workflows.compilation.project_folder import ProjectSource
from workflows.documents.projects.config import read_config
from workflows.documents.projects.samples import Sample, samples

SECRET = "billing-secret-7Fq2"
PEOPLE = """\
CREATE TABLE people (id INTEGER, name TEXT);
INSERT INTO people WITH n(a) AS (SELECT 0 UNION ALL SELECT a + 1 FROM n WHERE a < 1499)
SELECT a, 'n' || a FROM n"""


@contextmanager
def recorded(statuses: dict[str, list[int]]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Serve a service; yield its address and its requests. `statuses` come before a 200, by path."""
    requests: list[tuple[str, Any]] = []

    class Service(Handler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.read_body()
            requests.append((self.path, json.loads(body) if body else dict(self.headers)))
            left = statuses.get(self.path, [])
            self.respond(left.pop(0) if left else 200, b'{"id": "charge-1"}')

    with serving(Service) as address:
        yield address, requests


def deployed(installation: Installation, name: str, folder: Path) -> str:
    workflow = import_files(installation, sample_files(name), folder)
    deploy(installation, workflow)
    return workflow


def post(installation: Installation, workflow: str, path: str, body: object) -> Any:
    answer = installation.worker(workflow, path, "POST", json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def output(run: dict[str, Any]) -> Any:
    assert run["status"] == "complete", run
    value = run["output"]
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_samples_have_no_problems_and_pass_the_type_check(sample: Sample, tmp_path: Path) -> None:
    config = read_config(sample.files)
    texts = {path: text for path, text in sample.files.items() if isinstance(text, str)}

    assert not config.problems
    assert check_project(ProjectSource(files=texts, main=config.main), tmp_path) == ProjectVerdict()
    assert sample.title
    assert sample.description.endswith(".")


def test_the_starter_comes_first() -> None:
    assert samples()[0].name == "starter"
    assert len(samples()) == 8


@pytest.mark.long
def test_an_expense_is_paid_after_its_approval(installation: Installation, tmp_path: Path) -> None:
    workflow = deployed(installation, "wait-for-approval", tmp_path)
    run = post(installation, workflow, "/", {"title": "Train", "amount": 80})["id"]
    assert installation.worker(workflow, f"/{run}").json()["status"] in (
        "queued",
        "running",
        "waiting",
    )

    post(installation, workflow, f"/{run}/decision", {"approved": True, "by": "Ada"})

    paid = output(ended(installation, workflow, run))
    assert paid == {"title": "Train", "amount": 80, "status": "paid", "by": "Ada"}
    rejected = post(installation, workflow, "/", {"title": "Boat", "amount": 9000})["id"]
    event = ("send_event", workflow, rejected, "decision", "--payload")
    installation.manage(*event, '{"approved": false, "by": "Grace"}')
    assert output(ended(installation, workflow, rejected))["status"] == "rejected"
    assert installation.worker(workflow, "/unknown").status_code == 404


@pytest.mark.long
def test_a_schedule_backs_up_the_database_to_the_bucket(
    installation: Installation, tmp_path: Path
) -> None:
    workflow = deployed(installation, "d1-backup", tmp_path)
    account = account_of(installation)
    api = f"{account.api_base_url}/accounts/{account.account_id}"
    headers = {"authorization": f"Bearer {account.api_token}"}
    (newest,) = installation.json("list_deployments", "--workflow", workflow, "--json")
    resources = resources_of(installation, newest["id"])
    query = f"{api}/d1/database/{resources['DB']}/query"
    request("POST", query, headers=headers, json={"sql": PEOPLE}).raise_for_status()

    fired = installation.worker(
        workflow, "/cdn-cgi/handler/scheduled?cron=0+3+*+*+*&time=1767582000000"
    )

    assert fired.status_code == 200, fired.text
    done = output(ended(installation, workflow, "backup-1767582000000"))
    assert done["rows"] == {"people": 1500}
    objects = f"{api}/r2/buckets/{resources['BUCKET']}/objects"
    second = request("GET", f"{objects}/{done['folder']}/people/2.ndjson", headers=headers)
    assert len(second.text.splitlines()) == 500
    assert json.loads(second.text.splitlines()[-1]) == {"id": 1499, "name": "n1499"}
    assert request("GET", f"{objects}/{done['folder']}/tables.json", headers=headers).is_success


def resources_of(installation: Installation, deployment: int) -> dict[str, str]:
    """Return the resources that a deployment is bound to, by the names of the bindings."""
    code = (
        "import json; from deployments.models import Deployment;"
        f"print(json.dumps(Deployment.objects.get(pk={deployment}).resources))"
    )
    rows = json.loads(installation.manage("shell", "-v", "0", "-c", code).stdout)
    return {row["name"]: row["resource"] for row in rows}


@pytest.fixture(scope="module")
def invoices(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    files = sample_files("invoices-with-retries")
    workflow = import_files(installation, files, tmp_path_factory.mktemp("invoices"))
    installation.manage("set_variable", "BILLING_KEY", SECRET, "--workflow", workflow, "--secret")
    return workflow


def invoice(
    installation: Installation, workflow: str, address: str, cents: int = 1250
) -> dict[str, Any]:
    installation.manage("set_variable", "BILLING_URL", address, "--workflow", workflow)
    deploy(installation, workflow)
    run = post(installation, workflow, "/", {"customer": "ada", "cents": cents})["id"]
    return ended(installation, workflow, run)


def test_an_invoice_is_sent_after_temporary_errors(
    installation: Installation, invoices: str
) -> None:
    with recorded({"/charges": [503, 429]}) as (address, requests):
        run = invoice(installation, invoices, address)

    assert output(run) == {"customer": "ada", "charge": "charge-1"}
    assert [path for path, _ in requests] == ["/charges"] * 3 + ["/emails"]
    assert SECRET not in json.dumps(run)


def test_a_final_error_is_not_retried(installation: Installation, invoices: str) -> None:
    with recorded({"/charges": [402]}) as (address, requests):
        run = invoice(installation, invoices, address)

    assert run["status"] == "errored"
    assert [path for path, _ in requests] == ["/charges"]


def test_a_failed_run_returns_the_money(installation: Installation, invoices: str) -> None:
    with recorded({"/emails": [500] * 3}) as (address, requests):
        run = invoice(installation, invoices, address)

    assert run["status"] == "errored"
    assert requests[-1] == ("/refunds", {"charge": "charge-1"})


@pytest.mark.long
def test_an_address_that_fails_does_not_stop_the_others(
    installation: Installation, tmp_path: Path
) -> None:
    workflow = deployed(installation, "parallel-steps", tmp_path)
    with recorded({"/1": [500], "/6": [500] * 3}) as (address, _):
        urls = [f"{address}/{number}" for number in range(8)]

        run = post(installation, workflow, "/", {"urls": urls})["id"]
        result = output(ended(installation, workflow, run))

    assert result == {"checked": 8, "failed": [urls[6]]}


@pytest.mark.long
def test_two_workflows_share_a_namespace(installation: Installation, tmp_path: Path) -> None:
    workflow = deployed(installation, "two-workflows", tmp_path)
    for cents in (450, 1050):
        order = post(installation, workflow, "/orders", {"item": "tea", "cents": cents})["id"]
        ended(installation, workflow, order, name="shop-orders")

    report = post(installation, workflow, "/reports", {})["id"]

    done = ended(installation, workflow, report, name="shop-reports")
    assert output(done) == {"orders": 2, "cents": 1500}
    listed = installation.json("list_runs", workflow, "--json")
    assert {run["id"] for run in listed} >= {order, report}


@pytest.mark.long
def test_a_message_starts_one_run(installation: Installation, tmp_path: Path) -> None:
    workflow = deployed(installation, "queue-consumer", tmp_path)

    post(installation, workflow, "/", {"email": "Ada@example.com"})
    send_message(account_of(installation), "signups", {"email": "Grace@example.com"})

    tips = {
        output(ended(installation, workflow, run))["to"]
        for run in started(installation, workflow, 2)
    }
    assert tips == {"ada@example.com", "grace@example.com"}


def started(installation: Installation, workflow: str, count: int) -> list[str]:
    """Wait for the runs that a queue starts, and return their ids."""
    for _ in range(60):
        runs = [str(run["id"]) for run in installation.json("list_runs", workflow, "--json")]
        if len(runs) >= count:
            return runs
    raise AssertionError(f"only {runs} were started")


@pytest.mark.long
def test_an_album_waits_for_the_runs_of_its_photos(
    installation: Installation, tmp_path: Path
) -> None:
    workflow = deployed(installation, "sub-workflow", tmp_path)

    album = post(installation, workflow, "/", {"photos": ["a.jpg", "bc.jpg"]})["id"]

    done = ended(installation, workflow, album, name="albums")
    assert output(done) == {"photos": 2, "bytes": 1100}
    photo = ended(installation, workflow, f"{album}-1", name="photos")
    assert output(photo) == {"name": "bc.jpg", "bytes": 600}
