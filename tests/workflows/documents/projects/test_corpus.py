"""Configurations mean the same here as for wrangler's own reader."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.workflows.documents.projects.corpus import BAD, GOOD, Case
from tests.workflows.documents.projects.wrangler_reader import read_with_wrangler
from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.wrangler.binding_keys import SECTIONS
from workflows.ir.reading.bindings import BindingKind

_BUNDLER_DEFAULTS: Final = {
    "define": {},
    "rules": [],
    "jsx_factory": "React.createElement",
    "jsx_fragment": "React.Fragment",
}
_BUNDLER: Final = (
    *_BUNDLER_DEFAULTS,
    "alias",
    "minify",
    "keep_names",
    "tsconfig",
    "find_additional_modules",
    "base_dir",
    "upload_source_maps",
)


_SEVERAL: Final = (
    ("wrangler.json", "wrangler.jsonc", "wrangler.toml"),
    ("wrangler.jsonc", "wrangler.toml"),
    ("wrangler.json", "wrangler.toml"),
)


def _several(names: tuple[str, ...]) -> ProjectFiles:
    """Return a project with several configurations, each with its own name."""
    return {
        file: f'name = "{index}"' if file.endswith(".toml") else f'{{"name": "{index}"}}'
        for index, file in enumerate(names)
    }


@pytest.fixture(scope="module")
def by_wrangler(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("configs")
    projects = {case.name: case.files for case in [*GOOD, *BAD]}
    assert len(projects) == len(GOOD) + len(BAD)
    projects |= {"+".join(names): _several(names) for names in _SEVERAL}
    return read_with_wrangler(folder, projects) | {"folder": folder / "projects"}


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_what_wrangler_accepts_means_the_same(case: Case, by_wrangler: dict[str, Any]) -> None:
    expected, config = by_wrangler[case.name]["config"], read_config(case.files)
    assert {problem.key for problem in config.problems} == case.problems
    root = by_wrangler["folder"] / case.name
    assert _facts(config, case.problems) == _expected(expected, root, case.problems)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_what_wrangler_refuses_has_problems(case: Case, by_wrangler: dict[str, Any]) -> None:
    assert by_wrangler[case.name].get("error"), "wrangler accepts this"
    config = read_config(case.files)
    assert {problem.key for problem in config.problems} == case.problems
    line, error = by_wrangler[case.name]["line"], by_wrangler[case.name]["error"]
    for problem in config.problems:
        if line:
            assert abs(problem.line - line) <= 1
        else:
            assert any(part in error for part in re.findall("[a-z_]+", problem.key))


@pytest.mark.parametrize("names", _SEVERAL)
def test_the_same_file_takes_precedence(
    names: tuple[str, ...], by_wrangler: dict[str, Any]
) -> None:
    config, expected = read_config(_several(names)), by_wrangler["+".join(names)]["config"]
    assert (config.file, config.name) == (
        expected["userConfigPath"].split("/")[-1],
        expected["name"],
    )
    assert "takes precedence" in config.notes[0].message


def test_every_problem_has_the_line_of_its_key() -> None:
    for case in [*GOOD, *BAD]:
        for problem in read_config(case.files).problems:
            last = problem.key.split(".")[-1].split("[")[0]
            if problem.line and last and "is missing" not in problem.message:
                lines = case.text.splitlines()[problem.line - 1 :]
                assert last in "".join(lines[:1]) or last not in case.text, (case.name, problem)


def _facts(config: ProjectConfig, problems: frozenset[str]) -> dict[str, Any]:
    """Return what can be compared; parts with problems are left out."""
    settings = config.settings
    facts: dict[str, Any] = {
        "name": config.name,
        "variables": config.variables,
        "workflows": {
            (each.name, each.binding, each.class_name, _frozen(each.settings))
            for each in config.workflows
        },
        "bindings": {
            (
                each.kind,
                each.name,
                each.resource,
                each.class_name,
                each.script,
                _frozen(each.settings),
            )
            for each in config.bindings
        },
        "bundler": {**_BUNDLER_DEFAULTS, **config.bundling},
        "crons": list(settings.crons),
        "logpush": settings.logpush,
        "flags": list(settings.compatibility_flags),
        "cpu": settings.cpu_ms,
        "workers_dev": settings.workers_dev,
        "preview_urls": settings.preview_urls,
        "consumers": [each.queue for each in settings.consumers],
        "subrequests": config.worker_options.get("limits", {}).get("subrequests"),
        "secrets": list(config.secrets),
        "main": config.main,
        "date": settings.compatibility_date,
        "routes": [
            *((route.pattern, route.zone) for route in settings.routes),
            *((domain, "") for domain in settings.custom_domains),
        ],
    }
    return _without(facts, problems)


def _expected(config: dict[str, Any], root: Path, problems: frozenset[str]) -> dict[str, Any]:
    routes = config.get("routes") or ([config["route"]] if config.get("route") else [])
    facts: dict[str, Any] = {
        "name": config.get("name", ""),
        "variables": config["vars"],
        "workflows": {
            (each["name"], each["binding"], each["class_name"], _frozen(_workflow_settings(each)))
            for each in config["workflows"]
            if each.get("script_name", config.get("name")) == config.get("name")
        },
        "bindings": {*_bindings(config)},
        "bundler": {key: _relative(root, key, config[key]) for key in _BUNDLER if key in config},
        "crons": config["triggers"].get("crons", []),
        "logpush": config.get("logpush", False),
        "flags": config["compatibility_flags"],
        "cpu": config.get("limits", {}).get("cpu_ms"),
        "workers_dev": config.get("workers_dev", not routes),
        "preview_urls": config.get("preview_urls", False),
        "consumers": [each["queue"] for each in config["queues"].get("consumers", [])],
        "subrequests": config.get("limits", {}).get("subrequests"),
        "secrets": config.get("secrets", {}).get("required", []),
        "main": _relative(root, "main", config.get("main", "")),
        "date": config.get("compatibility_date"),
        "routes": [
            (each["pattern"], each.get("zone_name", ""))
            for each in routes
            if isinstance(each, dict)
        ],
    }
    return _without(facts, problems)


def _without(facts: dict[str, Any], problems: frozenset[str]) -> dict[str, Any]:
    names = {key.split("[")[0].split(".")[0] for key in problems}
    hidden = {"compatibility_date": "date", "route": "routes"}
    return {
        key: value
        for key, value in facts.items()
        if key not in {hidden.get(name, name) for name in names}
    }


def _relative(root: Path, key: str, value: Any) -> Any:
    if key in ("main", "base_dir") and value:
        return os.path.relpath(value, root)
    return value.removeprefix("./") if key == "tsconfig" else value


def _bindings(config: dict[str, Any]) -> list[tuple[Any, ...]]:
    found = []
    for key, section in SECTIONS.items():
        entries = config.get(key) or []
        for entry in [entries] if isinstance(entries, dict) else entries:
            extra = {name: entry[name] for name in section.extra if name in entry}
            resource = entry.get(section.resource, "")
            found.append((section.kind, entry[section.name], resource, "", "", _frozen(extra)))
    found += [
        (BindingKind.QUEUE, entry["binding"], entry["queue"], "", "", _frozen({}))
        for entry in config["queues"].get("producers", [])
    ]
    for each in config["workflows"]:
        script = each.get("script_name", "")
        if script not in ("", config.get("name")):
            values = (each["binding"], each["name"], each["class_name"], script, _frozen({}))
            found.append((BindingKind.WORKFLOW, *values))
    return found


def _workflow_settings(entry: dict[str, Any]) -> dict[str, Any]:
    names = {"name", "binding", "class_name", "script_name"}
    settings = {key: value for key, value in entry.items() if key not in names}
    if isinstance(settings.get("schedules"), str):
        settings["schedules"] = [settings["schedules"]]
    return settings


def _frozen(value: Any) -> str:
    return repr(sorted(value.items()))
