from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from awaitstep_site.databases import database
from awaitstep_site.env import Environment
from tests.support.environment import free_port
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node

PROJECT = Path(__file__).resolve().parents[2]


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_page_lists_exactly_the_settings() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(?:AWAITSTEP_)?([A-Z_]+)`", page, re.M)

    assert sorted(rows) == sorted(name.upper() for name in Environment.model_fields)


def test_a_database_url_of_another_database_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWAITSTEP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "mysql://someone:sentinel@host/name")

    with pytest.raises(ImproperlyConfigured) as refused:
        Environment.read()

    assert str(refused.value).startswith("DATABASE_URL: must look like postgresql://")
    assert "sentinel" not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "[sentinel]",
        "[sentinel",
        "sentinel]x",
        "#sentinel",
        "/sentinel",
        "?sentinel",
        "12#sentinel",
        "12/sentinel",
        "12?sentinel",
        "sentinel:sentinel@sentinel/1",
    ],
)
def test_a_password_that_is_not_encoded_is_refused_without_showing_it(
    tmp_path: Path, password: str
) -> None:
    url = f"postgresql://someone:{password}@host/name"

    done = manage("check", AWAITSTEP_DATA_DIR=str(tmp_path), DATABASE_URL=url)

    assert done.returncode == 1
    assert "DATABASE_URL: must look like postgresql://" in done.stderr
    assert "with the password percent-encoded" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sentinel" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["migrate", "list_deployments"])
def test_a_database_that_does_not_respond_is_reported_without_its_password(
    tmp_path: Path, command: str
) -> None:
    url = f"postgresql://someone:sentinel@127.0.0.1:{free_port()}/name"

    done = manage(command, AWAITSTEP_DATA_DIR=str(tmp_path), DATABASE_URL=url)

    assert done.returncode == 1
    assert "The database at DATABASE_URL is not available: connection failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sentinel" not in done.stdout + done.stderr


def test_postgresql_is_used_if_there_is_a_database_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWAITSTEP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:p%40ss@host:5433/name?sslmode=require")

    found = database(Environment.read())

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert [found[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "someone",
        "p@ss",
        "host",
        5433,
        "name",
    ]
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["CONN_MAX_AGE"] == 0


def test_the_embedded_platform_is_off_in_production_by_default(tmp_path: Path) -> None:
    production = Environment(mode="production", data_dir=tmp_path)
    enabled = Environment(mode="production", data_dir=tmp_path, local_cloudflare=True)

    assert (production.offers_local_cloudflare, enabled.offers_local_cloudflare) == (False, True)


def test_production_must_name_its_hosts() -> None:
    with pytest.raises(ValidationError, match="AWAITSTEP_ALLOWED_HOSTS"):
        Environment(mode="production", allowed_hosts="*")


def test_awaitstep_is_not_served_on_a_name_that_workers_share(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"use 127\.0\.0\.1"):
        Environment(data_dir=tmp_path, allowed_hosts="127.0.0.1,localhost")

    alone = Environment(data_dir=tmp_path, allowed_hosts="localhost", local_cloudflare=False)
    assert alone.hosts == ["localhost"]


def test_the_keys_are_created_once_and_are_private(tmp_path: Path) -> None:
    first, second = (Environment(data_dir=tmp_path / "data") for _ in range(2))

    assert first.fernet_keys == second.fernet_keys
    modes = [path.stat().st_mode & 0o777 for path in sorted((tmp_path / "data").rglob("*"))]
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize(
    "package",
    [
        "workflows.ir",
        "workflows.codegen",
        "workflows.nodes.built_in",
        "deployments.pipeline.pipeline",
    ],
)
def test_the_pure_packages_load_without_django(package: str) -> None:
    code = f"import sys, {package}; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWAITSTEP_PORT", "abc"),
        ("AWAITSTEP_MODE", "x"),
        ("AWAITSTEP_DATA_DIR", "/proc/nowhere"),
        ("AWAITSTEP_TIME_ZONE", "Europe/Nowhere"),
        ("AWAITSTEP_TIME_ZONE", "../UTC"),
        ("AWAITSTEP_TIME_ZONE", ""),
    ],
)
def test_an_invalid_setting_is_named_without_a_traceback(variable: str, value: str) -> None:
    done = manage("check", **{variable: value})

    assert done.returncode == 1
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_on_an_unmigrated_database_says_how_to_migrate(tmp_path: Path) -> None:
    done = Installation(tmp_path / "data").manage("list_deployments", check=False)

    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr


def test_a_command_on_a_database_of_an_earlier_version_says_how_to_migrate(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.manage("migrate")
    with closing(sqlite3.connect(tmp_path / "data" / "db.sqlite3")) as database:
        database.execute("ALTER TABLE workflows_workflow DROP COLUMN description")
    document = tmp_path / "document.json"
    document.write_text(json.dumps(chain(node("a"))))

    done = installation.manage("import_workflow", str(document), check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "manage.py migrate" in done.stderr
