"""`manage.py check --deploy` says what an installation lacks for production, and what to set."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pydantic import SecretStr
from pytest_django import Settings

from awaitstep_site.env import Environment
from deployments.installation import production_checks
from tests.support.installation import PROJECT
from toolchain import node_tools

KEYS = {"secret_key": "k" * 50, "encryption_keys": Fernet.generate_key().decode()}
COMPLETE = {
    "mode": "production",
    "allowed_hosts": "deploys.example.com",
    "trusted_origins": "https://deploys.example.com",
    "metrics_token": "0123456789abcdef",
    **KEYS,
}


@pytest.fixture(autouse=True)
def _postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    use_database(monkeypatch, "postgresql")


def use_database(monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
    monkeypatch.setattr(production_checks, "connection", SimpleNamespace(vendor=vendor))


def ids(settings: Settings, tmp_path: Path, **changed: Any) -> list[str]:
    """Return the ids of our messages about an installation that is complete but for the changes."""
    settings.AWAITSTEP = Environment(data_dir=tmp_path, **{**COMPLETE, **changed})
    messages = run_checks(tags=["security"], include_deployment_checks=True)
    ours = {str(message.id): message for message in messages if "awaitstep" in str(message.id)}
    assert all(message.hint for message in ours.values())
    return list(ours)


def test_a_complete_installation_lacks_nothing(settings: Settings, tmp_path: Path) -> None:
    assert ids(settings, tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"mode": "development"}, ["W001", "W003", "W005"]),
        ({"allowed_hosts": "127.0.0.1,[::1]"}, ["W002"]),
        ({"https": False}, ["W003"]),
        ({"trusted_origins": "http://deploys.example.com"}, ["W004"]),
        ({"local_cloudflare": True}, ["W005"]),
        ({"secret_key": None}, ["W007"]),
        ({"encryption_keys": None}, ["W007"]),
        ({"metrics_token": None}, ["I002"]),
        ({"encryption_keys": "not a key"}, ["E001"]),
    ],
)
def test_what_is_missing_is_reported(
    settings: Settings, tmp_path: Path, changed: dict[str, Any], found: list[str]
) -> None:
    assert ids(settings, tmp_path, **changed) == [f"awaitstep.{id_}" for id_ in found]


def test_missing_tools_are_reported(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_tools, "WRANGLER", tmp_path / "nothing")

    assert ids(settings, tmp_path) == ["awaitstep.W006"]


def test_a_database_in_a_file_serves_one_host_which_may_keep_its_keys(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(monkeypatch, "sqlite")

    assert ids(settings, tmp_path, encryption_keys=None) == ["awaitstep.I001", "awaitstep.I003"]


def test_an_unusable_encryption_key_stops_every_command(settings: Settings, tmp_path: Path) -> None:
    settings.AWAITSTEP = Environment(data_dir=tmp_path, encryption_keys=SecretStr("secret text"))

    with pytest.raises(SystemCheckError, match="AWAITSTEP_ENCRYPTION_KEYS") as raised:
        call_command("check")

    assert "secret text" not in str(raised.value)


def test_the_page_lists_every_message() -> None:
    page = (PROJECT / "docs" / "production.md").read_text("utf-8")
    source = Path(production_checks.__file__).read_text("utf-8")

    defined = re.findall(r'id="(awaitstep\.\w+)"', source)

    assert sorted(re.findall(r"^\| `(awaitstep\.\w+)`", page, re.M)) == sorted(defined)
