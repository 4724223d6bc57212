"""Exports: the download of a workflow, the action in the list, and the command."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.trail import SYSTEM
from tests.support.audit_entries import entries
from tests.support.sessions import LogIn
from tests.workflows.exchange.test_import_page import named
from tests.workflows.exchange.test_round_trip import make
from tests.workflows.ir.documents import chain, node
from workflows.codegen.analysis import code_reader
from workflows.codegen.syntax.code_facts import read_code
from workflows.documents.archive import writing
from workflows.exchange import candidates, exports
from workflows.exchange.exports import NotExported, export
from workflows.ir.reading.fields import Code
from workflows.ir.validation.validate import compact
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def folders(data: bytes) -> list[str]:
    with ZipFile(io.BytesIO(data)) as file:
        names = [name.split("/")[1] for name in file.namelist() if name.count("/") > 1]
    return list(dict.fromkeys(names))


def test_a_workflow_is_downloaded(admin_client: Client) -> None:
    workflow = make(named("Größe & Co."))

    response = admin_client.get(f"/workflows/{workflow.pk}/export/")

    assert response["Content-Disposition"] == 'attachment; filename="grosse-co.awaitstep.zip"'
    assert folders(response.content) == ["grosse-co"]
    entry = entries().get()
    assert (entry.action, entry.subject_id) == ("workflow exported", workflow.pk)


def test_the_chosen_workflows_of_the_list_are_exported_together(admin_client: Client) -> None:
    chosen = [make(named(name)).pk for name in ("A", "B")]
    make(named("C"))
    action = {"action": "export_workflows", "_selected_action": chosen}

    response = admin_client.post("/admin/workflows/workflow/", action)

    assert response["Content-Disposition"] == 'attachment; filename="workflows.awaitstep.zip"'
    assert folders(response.content) == ["a", "b"]


def test_viewers_can_export_and_others_cannot(log_in: LogIn) -> None:
    workflow = make(named("A"))

    assert (
        log_in("workflows.view_workflow").get(f"/workflows/{workflow.pk}/export/").status_code
        == 200
    )
    assert Client().get(f"/workflows/{workflow.pk}/export/").status_code == 302


def test_too_many_workflows_are_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_WORKFLOWS", 1)
    chosen = [make(named(name)).pk for name in ("A", "B")]
    action = {"action": "export_workflows", "_selected_action": chosen}

    response = admin_client.post("/admin/workflows/workflow/", action, follow=True)

    assert "An export can contain at most" in response.content.decode()


def test_the_commands_export_and_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "module_problems", lambda module: list(module.problems))
    ids = [make(named(name)).pk for name in ("A", "B")]
    file = tmp_path / "all.zip"
    call_command("export_workflow", *ids, "--output", str(file))
    Workflow.objects.all().delete()
    out = io.StringIO()

    call_command("import_workflow", str(file), stdout=out)

    new = {workflow.pk: workflow.name for workflow in Workflow.objects.all()}
    assert [new[id_] for id_ in out.getvalue().split()] == ["A", "B"]
    again = tmp_path / "again.zip"
    call_command("export_workflow", *new, "--output", str(again))
    assert again.read_bytes() == file.read_bytes()


def test_the_commands_refuse_what_they_cannot_do(tmp_path: Path) -> None:
    workflow = make(named("A")).pk
    file = tmp_path / "a.zip"
    call_command("export_workflow", workflow, "--output", str(file))

    with pytest.raises(CommandError, match="There is no workflow 'nobody'"):
        call_command("export_workflow", "nobody", "--output", str(file))
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_workflow", workflow, "--output", str(tmp_path / "no" / "a.zip"))
    with pytest.raises(CommandError, match="Leave out --workflow"):
        call_command("import_workflow", str(file), "--workflow", workflow)
    err = io.StringIO()
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(SystemExit):
        call_command("import_workflow", str(tmp_path / "bad.zip"), stderr=err)
    assert "not a zip file" in err.getvalue()


def test_only_code_that_can_use_env_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [f"return {at};" for at in range(3)] + ["return env.API_KEY;"]
    workflow = make(chain(*(node(f"n{at}", code=code) for at, code in enumerate(codes))))
    read: list[str] = []

    def reading(code: Code, **more: Any) -> Any:
        read.append(code.source)
        return read_code(code, **more)

    monkeypatch.setattr(code_reader, "read_code", reading)

    assert exports.content_of(workflow).variables == {"API_KEY": "variable"}
    assert read == ["return env.API_KEY;"]


def test_the_number_of_queries_does_not_depend_on_the_code() -> None:
    def queries(uses: int) -> int:
        code = "".join(f"use(env.KEY_{at});" for at in range(uses))
        workflow = make(chain(node("a", code=code)), name=str(uses))
        with CaptureQueriesContext(connection) as captured:
            export([workflow], by=SYSTEM)
        return len(captured)

    assert queries(9) == queries(1)


def test_workflows_that_are_too_large_are_refused_before_their_code_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workflow = make(named("A"))
    monkeypatch.setattr(exports, "MAX_CONTENT", 100)
    monkeypatch.setattr(exports, "parse", lambda *_: pytest.fail("read"))

    with pytest.raises(NotExported, match="Export fewer of them together"):
        export([workflow], by=SYSTEM)


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_ARCHIVE"])
def test_what_could_not_be_imported_is_not_exported(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    workflow = make(named("A"))
    monkeypatch.setattr(exports, limit, 2)

    with pytest.raises(NotExported):
        export([workflow], by=SYSTEM)
    assert not entries().exists()


def test_a_document_that_would_be_too_large_with_indentation_is_on_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workflow = make(named("A"))
    monkeypatch.setattr(writing, "MAX_TEXT", 200)

    with ZipFile(io.BytesIO(export([workflow], by=SYSTEM).data)) as file:
        document = file.read("workflows/a/document.ir.json").decode()

    assert document == compact(workflow.ir)
