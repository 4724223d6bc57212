"""The wrangler configuration of a project."""

from __future__ import annotations

from tests.workflows.documents.projects.examples import FILES, STARTER
from workflows.documents.projects.config import ProjectConfig, read_config


def _read(toml: str) -> ProjectConfig:
    return read_config({**FILES, "wrangler.toml": toml})


def test_the_configuration_of_the_starter_is_read() -> None:
    config = read_config(dict(FILES))
    [workflow] = config.workflows
    assert not config.problems
    assert (config.main, workflow.name, workflow.class_name) == (
        "src/index.ts",
        "workflows-starter",
        "MyWorkflow",
    )
    assert (workflow.binding, workflow.line) == ("MY_WORKFLOW", 8)


def test_durable_objects_are_refused_with_their_line() -> None:
    config = _read(STARTER + '[[durable_objects.bindings]]\nname = "A"\nclass_name = "A"\n')
    [problem] = config.problems
    assert (problem.key, problem.line) == ("durable_objects", 13)
    assert str(problem).startswith("wrangler.toml, line 13: durable_objects: is not supported")


def test_a_misspelled_key_is_reported_with_the_key_that_is_similar() -> None:
    [problem] = _read(STARTER + 'clas_name = "A"\n').problems
    assert str(problem) == (
        "wrangler.toml, line 13: workflows[0].clas_name: is not a key that wrangler knows here: did you "
        "mean class_name?"
    )
