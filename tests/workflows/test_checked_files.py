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
PACKAGE = '{"dependencies": {"flows": "1.0.0"}}'


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
    [problem] = [each for each in checked_files(project) if each.key.startswith("secrets")]
    assert (problem.line, problem.variable, problem.is_warning) == (14, "API_KEY", False)
    assert "requires the secret API_KEY" in problem.message

    EnvironmentVariable.objects.create(name="API_KEY", value="x", is_secret=True)
    assert "API_KEY" not in str(checked_files(project))


def test_files_that_cannot_be_read_are_reported_without_compiling(project: Workflow) -> None:
    project.files = {"../x": ""}
    [problem] = checked_files(project)
    assert str(problem) == "../x: points outside of the project (..)"


def test_a_class_that_is_not_exported_is_an_error(project: Workflow) -> None:
    project.files |= {MAIN: FILES[MAIN].replace("class MyWorkflow", "class Other")}

    [error] = [each for each in checked_files(project) if not each.is_warning]

    assert str(error) == (
        "wrangler.toml, line 12: workflows[0].class_name: src/index.ts does not export a class MyWorkflow"
    )


def test_a_class_of_another_file_or_of_a_package_can_be_exported(project: Workflow) -> None:
    project.files |= {MAIN: 'export * from "./flow";\n', "src/flow.ts": FILES[MAIN]}
    assert not [each for each in checked_files(project) if not each.is_warning]

    project.files |= {MAIN: 'export * from "flows";\n', "package.json": PACKAGE}
    assert not [each for each in checked_files(project) if not each.is_warning]


def test_code_with_a_syntax_error_is_not_said_to_export_nothing(project: Workflow) -> None:
    project.files |= {MAIN: "export class {"}

    errors = [str(each) for each in checked_files(project) if not each.is_warning]

    assert errors
    assert not [each for each in errors if "does not export" in each]


def test_what_a_deploy_ignores_is_a_note(project: Workflow) -> None:
    project.files |= {MAIN: FILES[MAIN], "package.json": '{"scripts": {"dev": "wrangler dev"}}'}

    found = checked_files(project)

    assert {each.key for each in found if each.is_note} >= {"scripts"}
    assert draft_problems(project) == []
