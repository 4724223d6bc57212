"""docs/production.md: the manifest, the unit and the settings name what exists."""

from __future__ import annotations

import re
from configparser import ConfigParser
from typing import Any

import yaml
from django.core.management import get_commands

from awaitstep_site.env import Environment
from tests.docs.test_docs import PROJECT
from tests.support.checks.dockerfile import stages

PAGE = (PROJECT / "docs" / "production.md").read_text("utf-8")
SETTINGS = {"DATABASE_URL", *(f"AWAITSTEP_{name}".upper() for name in Environment.model_fields)}
IMAGE = stages()[-1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def manifest() -> dict[str, Any]:
    (text,) = blocks("yaml")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def containers() -> list[dict[str, Any]]:
    pod = manifest()["Deployment"]["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


def test_every_variable_on_the_page_is_a_setting() -> None:
    assert set(re.findall(r"\bAWAITSTEP_[A-Z_]+\b", PAGE)) <= {*SETTINGS, "AWAITSTEP_HOST"}


def test_every_command_of_the_program_exists() -> None:
    used = re.findall(r"(?:bin/|`|-- |^ {4})awaitstep ([a-z]\w+)", PAGE, re.M)

    assert {"migrate", "serve", "check", "createsuperuser"} <= set(used)
    assert set(used) <= get_commands().keys()


def test_the_containers_are_confined() -> None:
    pod = manifest()["Deployment"]["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in containers():
        confined = container["securityContext"]
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["capabilities"] == {"drop": ["ALL"]}


def test_the_containers_run_the_commands_of_the_image_as_its_user() -> None:
    pod = manifest()["Deployment"]["spec"]["template"]["spec"]
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"

    assert IMAGE.named("USER")[-1].value == user
    assert containers()[-1]["args"] == IMAGE.named("CMD")[-1].words
    assert all(container["args"][0] in get_commands() for container in containers())


def test_the_manifest_uses_what_it_declares() -> None:
    pod = manifest()["Deployment"]["spec"]["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}

    assert {m["name"] for c in containers() for m in c["volumeMounts"]} == volumes
    assert manifest()["Service"]["spec"]["selector"] == {"app": "awaitstep"}
    assert manifest()["Secret"]["stringData"].keys() <= SETTINGS


def test_the_unit_reads_its_settings_and_updates_the_database() -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    (text,) = [block for block in blocks("ini") if "[Service]" in block]
    unit.read_string(text)
    service = unit["Service"]

    assert service["ExecStartPre"].endswith("awaitstep migrate --no-input")
    assert service["EnvironmentFile"] in PAGE.replace(text, "")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "yes")
