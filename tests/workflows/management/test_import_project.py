"""The command import_project: folders, archives and standard input; nothing is stored if one is refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.deployments.factories import make_workflow
from workflows.documents.projects.samples import samples
from workflows.models import Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db

STARTER = {path: str(text) for path, text in samples()[0].files.items()}


def zip_of(folder: Path, entries: Mapping[str, str]) -> str:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    path = folder / "project.zip"
    path.write_bytes(data.getvalue())
    return str(path)


def folder_of(folder: Path, entries: Mapping[str, str]) -> str:
    for name, text in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def imported(source: str, capsys: pytest.CaptureFixture[str], *options: str) -> Workflow:
    call_command("import_project", source, *options)
    return Workflow.objects.get(pk=capsys.readouterr().out.strip())


def refusal(source: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    before = Workflow.objects.count(), WorkflowVersion.objects.count()
    with pytest.raises(SystemExit) as ended:
        call_command("import_project", source, *options)
    assert ended.value.code == 1
    assert (Workflow.objects.count(), WorkflowVersion.objects.count()) == before
    output = capsys.readouterr()
    assert not output.out
    assert output.err.rstrip().endswith("Nothing was imported.")
    return output.err


def test_a_folder_is_imported_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = imported(folder_of(tmp_path, STARTER), capsys, "--note", "the guide")

    assert workflow.is_project
    assert (workflow.name, workflow.class_name) == ("workflows-starter", "MyWorkflow")
    assert workflow.files == STARTER
    assert workflow.newest_version.note == "the guide"


def test_an_archive_gives_the_same_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = {f"starter-main/{path}": text for path, text in STARTER.items()}

    assert imported(zip_of(tmp_path, entries), capsys).files == STARTER


def test_all_files_of_a_project_are_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = imported(zip_of(tmp_path, {**STARTER, "old.txt": "old"}), capsys)

    again = imported(zip_of(tmp_path, STARTER), capsys, "--workflow", workflow.pk)

    assert again.pk == workflow.pk
    assert again.files == STARTER
    assert again.newest_version.number == 2


def test_files_with_secrets_are_left_out_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder_of(
        tmp_path, {**STARTER, ".dev.vars": "TOKEN=hidden", "node_modules/a/b.js": ""}
    )

    call_command("import_project", source)

    output = capsys.readouterr()
    assert "Left out: .dev.vars" in output.err
    assert "hidden" not in output.err
    assert Workflow.objects.get(pk=output.out.strip()).files == STARTER


@pytest.mark.parametrize(
    "path", ["../evil.ts", "/etc/evil.ts", "src/../../evil.ts", "src\\..\\evil.ts", "C:/evil.ts"]
)
def test_an_archive_with_a_path_outside_of_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    assert "evil.ts" in refusal(zip_of(tmp_path, {**STARTER, path: "evil"}), capsys)


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in STARTER.items():
            archive.writestr(name, text)
        archive.writestr("large.txt", "0" * 30_000_000)

    assert "large.txt" in refusal(str(path), capsys)


def test_a_file_that_is_not_an_archive_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.zip").write_text("not an archive")

    refusal(str(tmp_path / "note.zip"), capsys)


def test_problems_of_the_configuration_are_printed_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = (
        STARTER["wrangler.toml"]
        + '[durable_objects]\nbindings = [{ name = "A", class_name = "A" }]\n'
    )

    printed = refusal(zip_of(tmp_path, {**STARTER, "wrangler.toml": toml}), capsys)

    assert "wrangler.toml, line 13" in printed


def test_a_project_does_not_replace_a_graph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    graph = make_workflow()

    printed = refusal(zip_of(tmp_path, STARTER), capsys, "--workflow", graph.pk)

    assert "has a document, not files" in printed
    with pytest.raises(CommandError, match="There is no workflow"):
        call_command("import_project", zip_of(tmp_path, STARTER), "--workflow", "nothing")
