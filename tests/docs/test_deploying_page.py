"""docs/deploying.md lists every deploy setting with its default, and every cause of failure."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deployments.models import DriftState
from targets.cloudflare.errors import Cause
from tests.docs.test_docs import PROJECT
from tests.workflows.ir.test_deploy_settings import COMPLETE
from workflows.ir.deploy.deploy_settings import InvalidSettings, read_settings

PAGE = (PROJECT / "docs" / "deploying.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|", PAGE, re.M))


def names(settings: dict[str, Any], path: str = "") -> set[str]:
    """Return the paths of the settings; a list of objects has the paths of its first object."""
    found = set()
    for key, value in settings.items():
        inner = value[0] if isinstance(value, list) and value else value
        found |= names(inner, f"{path}{key}.") if isinstance(inner, dict) else set()
        if not isinstance(value, dict):
            found.add(path + key)
    return found


def with_value(name: str, value: Any) -> dict[str, Any]:
    """Return settings with this value at the path `name`."""
    section, _, key = name.partition(".")
    if section == "queueConsumers":
        return {section: [{"queue": "jobs", key: value}]}
    return {section: {key: value}} if key else {section: value}


def without(name: str) -> dict[str, Any]:
    return {"queueConsumers": [{"queue": "jobs"}]} if name.startswith("queueConsumers") else {}


def test_the_table_lists_exactly_the_settings() -> None:
    assert names(COMPLETE) == ROWS.keys()


@pytest.mark.parametrize("name", [name for name, default in ROWS.items() if "`" in default])
def test_an_omitted_setting_has_the_documented_default(name: str) -> None:
    default = json.loads(ROWS[name].strip("`"))

    assert read_settings(with_value(name, default)) == read_settings(without(name))


def test_the_complete_example_is_valid() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)

    assert read_settings(json.loads(example)).routes


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        (name, int(least), int(most))
        for name, least, most in re.findall(r"^\| `([\w.]+)` \|.*?\b(\d+) to (\d+)\b", PAGE, re.M)
        if name != "compatibilityDate"
    ],
)
def test_the_documented_limits_are_those_of_the_reader(name: str, least: int, most: int) -> None:
    read_settings(with_value(name, least))
    read_settings(with_value(name, most))
    for beyond in (least - 1, most + 1):
        with pytest.raises(InvalidSettings):
            read_settings(with_value(name, beyond))


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_of_failure_has_a_row(cause: Cause) -> None:
    assert f"\n| {cause.label} | " in PAGE


@pytest.mark.parametrize("state", DriftState)
def test_every_drift_state_has_a_row(state: DriftState) -> None:
    assert f"\n| {state.label} | " in PAGE
