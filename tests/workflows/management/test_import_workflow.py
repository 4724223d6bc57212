from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.deployments.fakes import document
from tests.support.audit_entries import entries
from tests.workflows.ir.documents import chain, node
from workflows import services
from workflows.models import Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db


def write(folder: Path, value: Any) -> str:
    path = folder / "workflow.ir.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_workflow", *arguments, stdout=out)
    return out.getvalue().strip()


def refused(*arguments: str) -> list[str]:
    err = io.StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("import_workflow", *arguments, stderr=err)
    assert exit_.value.code == 1
    return err.getvalue().strip().splitlines()


def test_the_command_prints_only_the_id(tmp_path: Path) -> None:
    printed = run(write(tmp_path, document()))

    assert Workflow.objects.get().pk == printed
    entry = entries().get()
    assert (entry.action, entry.subject_id) == ("workflow imported", printed)
    assert entry.detail == {"version": 1}
    assert WorkflowVersion.objects.get().number == 1


def test_importing_into_a_workflow_creates_a_version_of_it(tmp_path: Path) -> None:
    first = run(write(tmp_path, document("return 1;")))

    again = run(write(tmp_path, document("return 2;")), "--workflow", first)
    same = run(write(tmp_path, document("return 2;")), "--workflow", first)

    assert first == again == same
    assert [version.number for version in WorkflowVersion.objects.all()] == [2, 1]


def test_a_file_becomes_the_entry_code_until_another_one_is_given(tmp_path: Path) -> None:
    entry_code = tmp_path / "entry.ts"
    entry_code.write_text("export function fetch() {}\n")

    id_ = run(write(tmp_path, document()), "--entry-code", str(entry_code))
    run(write(tmp_path, document("return 2;")), "--workflow", id_)

    newest, first = WorkflowVersion.objects.all()
    assert first.entry_code == newest.entry_code == "export function fetch() {}\n"


def test_an_entry_code_that_is_not_text_is_refused(tmp_path: Path) -> None:
    entry_code = tmp_path / "entry.ts"
    entry_code.write_bytes(b"\xff")

    with pytest.raises(CommandError, match="not UTF-8 text"):
        run(write(tmp_path, document()), "--entry-code", str(entry_code))
    assert not Workflow.objects.exists()


def test_every_problem_is_printed_on_a_line_with_its_node(tmp_path: Path) -> None:
    broken = document()
    broken["nodes"].append({"id": "lonely", "type": "sleep", "name": "Zz", "data": {}})
    broken["nodes"][0]["data"] = {"code": "return {{nobody}};"}

    lines = refused(write(tmp_path, broken))

    assert any("lonely" in line for line in lines)
    assert any("only" in line and "nobody" in line for line in lines)
    assert not Workflow.objects.exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("return getOrder.total;", 'node "Get order" ("get-order") is called get_order in code'),
        ("_output = { n: 1 };", "The output of a step is what its code returns"),
        ("return get_order.totl;", "Property 'totl' does not exist"),
    ],
)
def test_code_that_a_deploy_would_refuse_is_named_at_the_import(
    tmp_path: Path, code: str, said: str
) -> None:
    order = node("get-order", name="Get order", code="return { total: 5 };")
    errors = io.StringIO()

    call_command(
        "import_workflow",
        write(tmp_path, chain(order, node("a", code=code))),
        stdout=io.StringIO(),
        stderr=errors,
    )

    assert errors.getvalue().startswith("A deploy would fail: nodes.a.data.code: line 1, column ")
    assert said in errors.getvalue()


@pytest.mark.parametrize("text", ["{", "[]", '"text"', "", '{"nodes": NaN}'])
def test_text_that_is_not_a_document_is_refused(tmp_path: Path, text: str) -> None:
    assert len(refused(write(tmp_path, text))) >= 1


def test_an_invalid_document_leaves_the_draft_unchanged(tmp_path: Path) -> None:
    workflow = run(write(tmp_path, document()))

    refused(write(tmp_path, {"nodes": []}), "--workflow", workflow)

    assert Workflow.objects.get().ir == document()
    assert WorkflowVersion.objects.count() == 1


def test_a_document_that_is_imported_into_a_workflow_keeps_its_tests(tmp_path: Path) -> None:
    tests = [{"name": "kept", "expect": {"status": "complete"}}]
    workflow = services.import_document(document(), tests=tests)

    run(write(tmp_path, document("return 2;")), "--workflow", workflow.pk)

    workflow.refresh_from_db()
    assert workflow.tests == workflow.newest_version.tests == tests


def test_a_missing_file_and_an_unknown_workflow_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(str(tmp_path / "nothing.json"))
    with pytest.raises(CommandError, match="There is no workflow 'nobody'"):
        run(write(tmp_path, document()), "--workflow", "nobody")


def while_checking(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Make this change while an import checks its document."""
    check = services.check_draft

    def check_slowly(workflow: Workflow) -> services.CheckedDraft:
        checked = check(workflow)
        change()
        return checked

    monkeypatch.setattr(services, "check_draft", check_slowly)


def test_an_import_keeps_the_changes_of_others_outside_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = run(write(tmp_path, document()))
    changed = {"entry_code": "// changed", "dependencies": {"zod": "4.0.0"}}
    while_checking(monkeypatch, lambda: Workflow.objects.filter(pk=pk).update(**changed))

    run(write(tmp_path, document("return 2;")), "--workflow", pk)

    workflow = Workflow.objects.get()
    assert (workflow.entry_code, workflow.dependencies) == tuple(changed.values())
    assert workflow.ir == document("return 2;")


def test_an_import_does_not_restore_a_deleted_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = run(write(tmp_path, document()))
    while_checking(monkeypatch, Workflow.objects.all().delete)

    with pytest.raises(CommandError, match="was deleted in the meantime"):
        run(write(tmp_path, document()), "--workflow", pk)

    assert not Workflow.objects.exists()


def test_a_new_version_gets_the_note(tmp_path: Path) -> None:
    workflow = run(write(tmp_path, document("return 1;")), "--note", " First import ")

    err = io.StringIO()
    same = (write(tmp_path, document("return 1;")), "--workflow", workflow, "--note", "Again")
    call_command("import_workflow", *same, stdout=io.StringIO(), stderr=err)

    assert [version.note for version in WorkflowVersion.objects.all()] == ["First import"]
    assert err.getvalue().startswith("Nothing has changed since v1, so there is no new version")


@pytest.mark.parametrize("note", ["x" * 1_001, "\udcff"], ids=["long", "not UTF-8"])
def test_nothing_is_imported_with_an_invalid_note(tmp_path: Path, note: str) -> None:
    with pytest.raises(CommandError, match="note"):
        run(write(tmp_path, document()), "--note", note)
    assert not Workflow.objects.exists()
