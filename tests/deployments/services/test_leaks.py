"""A wrangler that prints secrets in every encoding: nothing is stored or shown."""

from __future__ import annotations

import base64
import json
import logging
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from awaitstep_site.log_format import json_formatter
from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from deployments.queue import runner
from deployments.stream import event_log
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import with_fields
from tests.workflows.node_types.test_node_types import KEY, loaded
from toolchain import process
from toolchain.spare_programs import Spares
from workflows.services import import_document, set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

SECRET = 'sen<tin&el"7f/3a 91+c2é\\e8d6'
OF_A_TYPE = "sentinel-of-a-type-5b0e7d"
LINES = "-----BEGIN-----\nfirst-line-of-the-key\nsecond-line-of-the-key\n-----END-----"
# It prints the secrets raw, in two writes, encoded, and in its machine-readable output.
ECHO = """
const fs = require("node:fs");
const said = JSON.parse(fs.readFileSync("secrets.json", "utf8"));
const hidden = [...Object.values(said), process.env.CLOUDFLARE_API_TOKEN];
for (const one of hidden) {
  process.stdout.write(one.slice(0, 7));
  process.stdout.write(one.slice(7) + "\\n");
  for (const before of ["", "x", "xy"])
    console.error(Buffer.from(before + one + "z").toString("base64"));
  console.log(encodeURIComponent(one), JSON.stringify({ one }), `--secret=${one}`);
  console.log(one.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;"));
}
for (let line = 0; line < 12; line++) console.log("filler");
console.log(hidden.join(" "));
const failed = { type: "command-failed", version: 1, message: `no: ${hidden.join(" ")}` };
if (process.env.HOME && !said.QUIET)
  fs.writeFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, JSON.stringify(failed) + "\\n");
process.exit(1);
"""


def forms(secret: str) -> list[bytes]:
    """Return the secret, and its invariant part in each encoding."""
    encoded = [base64.b64encode(b"x" * n + secret.encode())[8:-8] for n in range(3)]
    written = [secret, quote(secret), quote(secret, safe=""), json.dumps(secret), escape(secret)]
    return [*encoded, *(form.strip('"').encode() for form in written), secret[4:16].encode()]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def echoed(
    target: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Deployment:
    """A deployment whose wrangler printed every secret."""
    stub = tmp_path / "echo.js"
    stub.write_text(ECHO)
    monkeypatch.setattr(runner, "spare_wranglers", lambda: Spares(0, stub, env={}))
    loaded(with_fields(key=KEY))
    code = "return env.TOKEN + env.KEY + env.QUIET;"
    workflow = import_document(
        chain(node("only", code=code), node("hello", "greet"), trigger={"type": "manual"})
    )
    set_variable("API_KEY", OF_A_TYPE, workflow=workflow)  # its node type alone makes it a secret
    set_variable("TOKEN", SECRET, workflow=workflow, is_secret=True)
    set_variable("KEY", LINES, workflow=workflow, is_secret=True)
    set_variable("QUIET", "", workflow=workflow)
    with caplog.at_level(logging.DEBUG):
        return deploy(workflow, target)


def everything(echoed: Deployment, target: Target, caplog: pytest.LogCaptureFixture) -> bytes:
    """Return everything that the product stores, logs, streams and shows."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as database:
        kept = "\n".join(database.iterdump())
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    address = f"/deployments/{echoed.pk}/"
    tabs = ("", "output/", "code/", "wrangler-json/", "variables/", "snapshot/")
    pages = [client.get(address + tab).content for tab in tabs]
    lists = ["/", "/admin/deployments/deployment/", "/admin/audit/entry/"]
    pages += [client.get(path).content for path in lists]
    pages += [client.get(f"/admin/targets/target/{target.pk}/change/").content]
    stream = b"".join(
        event_log.encode(event_log.stage_event(record)) for record in echoed.records.all()
    )
    result = event_log.encode(event_log.result_event(echoed))
    formats = (caplog.handler.format, json_formatter().format)
    records = caplog.get_records("setup")
    logged = "\n".join(format_(record) for format_ in formats for record in records)
    return b"\n".join([kept.encode(), logged.encode(), stream, result, *pages])


def test_no_secret_printed_by_wrangler_is_stored_or_shown(
    echoed: Deployment, target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    assert (echoed.state, echoed.stage) == (Status.FAILED, Stage.DEPLOYING)
    found = everything(echoed, target, caplog)

    assert b"filler" in found
    for secret in (SECRET, OF_A_TYPE, target.api_token):
        assert [form for form in forms(secret) if form in found] == []
    for line in ("first-line-of-the-key", "second-line-of-the-key"):
        assert line.encode() not in found


def test_no_api_response_and_no_error_page_shows_a_secret(
    echoed: Deployment, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError(f"{SECRET} {target.api_token}")

    monkeypatch.setattr("deployments.views.deployments.live_page", broken)
    client, other = Client(raise_request_exception=False), Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("ada"))
    other.force_login(User.objects.create_user("nobody", is_staff=True))
    address, stream = f"/deployments/{echoed.pk}/", f"/api/workflows/{echoed.workflow_id}/"
    send = partial(client.post, content_type="application/json")

    answers = [
        client.get(address),
        client.get(f"{address}output/999/"),
        other.get(address),
        other.post(address),
        send(f"{stream}deploy-stream", "[]"),
        send(f"{stream}deploy-stream", '{"target": "no-such"}'),
        send("/api/events/order-created", "{}"),
    ]

    assert [answer.status_code for answer in answers] == [500, 404, 403, 403, 400, 400, 404]
    for secret in (SECRET, target.api_token):
        assert not [item for item in answers for form in forms(secret) if form in item.content]


def test_the_directory_with_the_secrets_is_removed(echoed: Deployment) -> None:
    folders = list((settings.AWAITSTEP.data_dir / "deploys").glob(f"{echoed.pk}-*"))

    assert folders == []


def test_a_program_gets_a_minimal_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "of-the-server")
    monkeypatch.setenv("AWAITSTEP_ENCRYPTION_KEYS", "of-the-server")
    monkeypatch.setenv("DATABASE_URL", "of-the-server")

    made = process.environment(home=Path("/nowhere"), CI="1")

    assert "of-the-server" not in made.values()
    assert set(made) <= {"PATH", "HOME", "LANG", "CI", *process.NETWORK_VARIABLES}


def test_the_file_of_the_secrets_is_private_while_it_exists(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "mode"
    look = f"""
const fs = require("node:fs");
const mode = (path) => (fs.statSync(path).mode & 0o777).toString(8);
fs.writeFileSync({json.dumps(str(seen))}, mode("secrets.json") + " " + mode("."));
process.exit(1);
"""
    stub = tmp_path / "look.js"
    stub.write_text(look)
    monkeypatch.setattr(runner, "spare_wranglers", lambda: Spares(0, stub, env={}))
    workflow = make_workflow("return env.TOKEN;")
    set_variable("TOKEN", SECRET, workflow=workflow, is_secret=True)

    deploy(workflow, target)

    assert seen.read_text() == "600 700"
