"""The problems of a project's files, in the editor and before a deploy."""

from __future__ import annotations

import pytest

from deployments.pipeline.check_report import CODE
from deployments.services.plan import code_check
from tests.workflows.documents.projects.examples import FILES
from workflows import checked_files as module
from workflows.checked_files import checked_files
from workflows.draft_problems import draft_problems
from workflows.models import EnvironmentVariable, Workflow
from workflows.projects import import_project

pytestmark = pytest.mark.django_db
MAIN = "src/index.ts"


@pytest.fixture
def project() -> Workflow:
    code = FILES[MAIN] + "const wrong: number = 'text';\n"
    return import_project({**FILES, MAIN: code})


def test_a_type_error_has_its_file_line_and_column(project: Workflow) -> None:
    [error] = [each for each in checked_files(project) if not each.is_warning]
    assert (error.file, error.line, error.column) == (MAIN, FILES[MAIN].count("\n") + 1, 7)
    assert error.message == "Type 'string' is not assignable to type 'number'. (TS2322)"


def test_the_checks_before_a_deploy_find_it_too(project: Workflow) -> None:
    [problem] = [each for each in draft_problems(project) if each.is_error]
    assert problem.path == f"{MAIN}, line 2"

    check = code_check(project)
    assert check.name == CODE
    assert "TS2322" in str(check.findings)


def test_the_same_files_are_compiled_once(
    project: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checked_files(project)
    monkeypatch.delattr(module, "check_project")
    assert checked_files(project) == found


def test_a_required_secret_that_is_not_set_is_an_error(project: Workflow) -> None:
    project.files["wrangler.toml"] += '[secrets]\nrequired = ["API_KEY"]\n'
    assert "requires the secret API_KEY" in str(checked_files(project))

    EnvironmentVariable.objects.create(name="API_KEY", value="x", is_secret=True)
    assert "API_KEY" not in str(checked_files(project))


def test_files_that_cannot_be_read_are_reported_without_compiling(project: Workflow) -> None:
    project.files = {"../x": ""}
    [problem] = checked_files(project)
    assert str(problem) == "../x: leads out of the project (..)"
