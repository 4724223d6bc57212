"""The Dockerfile and compose.yaml, as far as they can be tested without Docker."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from django.core.management import get_commands

from awaitstep_site.env import Environment
from tests.support.checks.dockerfile import DOCKERFILE, Instruction, Stage, stages, variables
from tests.support.installation import PROJECT
from tests.support.repository import repository_files

SETTINGS = {"DATABASE_URL", *(f"AWAITSTEP_{name}".upper() for name in Environment.model_fields)}
STAGES = {stage.name: stage for stage in stages()}
IMAGE = STAGES[""]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "awaitstep"]


def last(stage: Stage, name: str) -> Instruction:
    return stage.named(name)[-1]


def copied(stage: Stage) -> Iterator[tuple[str, list[str]]]:
    """Yield from which stage files are copied ("" for the checkout), and which."""
    for found in stage.named("COPY"):
        source = re.match(r"--from=(\S+) ", found.value)
        yield source[1] if source else "", found.words


def ignored() -> list[str]:
    lines = (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    return [line.removeprefix("**/") for line in lines if line]


def is_ignored(name: str) -> bool:
    path = Path(name)
    candidates = [str(parent) for parent in (path, *path.parents)] + list(path.parts)
    return any(fnmatch.fnmatch(each, pattern) for each in candidates for pattern in ignored())


def test_everything_that_is_copied_exists() -> None:
    for stage in STAGES.values():
        for source, words in copied(stage):
            if source:
                assert source in STAGES
            else:
                assert all(
                    (PROJECT / word).exists() and not is_ignored(word) for word in words[:-1]
                )


def test_the_build_sees_every_file_of_the_repository() -> None:
    assert [name for name in repository_files() if is_ignored(name)] == []


def test_the_build_sees_no_data_no_keys_and_nothing_of_other_platforms() -> None:
    unwanted = ("var/keys/django", ".venv/bin/python", "toolchain/node_modules/esbuild/x", "a.env")

    assert all(is_ignored(name) for name in unwanted)


def test_base_images_have_a_version() -> None:
    images = [
        line.split("=")[1] for line in re.findall(r"^ARG (BASE=\S+)", DOCKERFILE.read_text(), re.M)
    ]
    images += [service["image"] for name, service in SERVICES.items() if name not in OURS]

    assert all(re.search(r":\d+\.\d+", image) for image in images)
    assert {last(stage, "FROM").words[0] for stage in STAGES.values()} == {"${BASE}"}


def test_packages_are_only_installed_with_their_hashes() -> None:
    commands = [c for s in STAGES.values() for run in s.named("RUN") for c in run.value.split("&&")]

    for command in commands:
        if "pip install" in command:
            assert "--require-hashes" in command or "--no-index" in command


def test_the_container_runs_as_a_user_who_owns_only_the_data() -> None:
    user = last(IMAGE, "USER").value

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert last(IMAGE, "VOLUME").value == variables(IMAGE)["AWAITSTEP_DATA_DIR"]
    assert not any("--chown" in found.value for found in IMAGE.named("COPY"))


def test_the_container_runs_a_command_in_production_mode() -> None:
    command = last(IMAGE, "CMD").words

    assert last(IMAGE, "ENTRYPOINT").words == ["awaitstep"]
    assert command[0] in get_commands()
    assert variables(IMAGE)["AWAITSTEP_MODE"] == "production"
    assert {name for name in variables(IMAGE) if "AWAITSTEP" in name} <= SETTINGS


class Health(BaseHTTPRequestHandler):
    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_server(
    monkeypatch: pytest.MonkeyPatch, status: int, exit_code: int
) -> None:
    monkeypatch.setattr(Health, "status", status)
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        text = last(IMAGE, "HEALTHCHECK").value.partition("CMD ")[2]
        words = Instruction("CMD", text).words
        port = {"AWAITSTEP_PORT": str(server.server_port)}
        done = subprocess.run([sys.executable, *words[1:]], env=os.environ | port, check=False)

    assert done.returncode == exit_code


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_runs_an_existing_command_with_existing_settings(name: str) -> None:
    service = SERVICES[name]

    assert service["command"][0] in get_commands()
    assert service["environment"].keys() <= SETTINGS
    assert "ports" not in service  # only the proxy can be reached from outside


def test_each_service_starts_when_what_it_needs_is_ready() -> None:
    conditions = {
        (name, needed): what["condition"]
        for name, service in SERVICES.items()
        for needed, what in service.get("depends_on", {}).items()
    }

    assert conditions == {
        ("migrate", "database"): "service_healthy",
        ("web", "migrate"): "service_completed_successfully",
        ("worker", "migrate"): "service_completed_successfully",
        ("proxy", "web"): "service_healthy",
    }


def test_what_serves_requests_has_a_health_check() -> None:
    assert SERVICES["web"].get("healthcheck") is None  # that of the image
    assert all("test" in SERVICES[name]["healthcheck"] for name in ("database", "proxy"))
    assert "web:8000" in COMPOSE["configs"]["caddyfile"]["content"]


def test_tasks_run_in_the_workers() -> None:
    assert {SERVICES[name]["environment"]["AWAITSTEP_TASKS"] for name in OURS} == {"worker"}
    assert "worker" in OURS


def test_every_volume_is_declared() -> None:
    used = {
        v.partition(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])
    }

    assert used == COMPOSE["volumes"].keys()
