"""A database after its migrations, made once for each state of the code.

Migrating takes seconds. All processes of the tests copy the same file, and so do later runs until the
code changes.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import psycopg

from tests.support.databases.postgresql import Postgresql

PROJECT: Final = Path(__file__).resolve().parents[3]
_FOLDER: Final = PROJECT / ".pytest_cache" / "migrated"
_TEMPLATE: Final = "migrated"
_OTHER_CODE: Final = ("awaitstep_site", "requirements-dev.lock")


def migrated_database() -> Path:
    """Return the file, which the first process makes while the others wait."""
    with _locked():
        file = _FOLDER / f"{_state_of_code()}.sqlite3"
        if not file.exists():
            for old in _FOLDER.glob("*.sqlite3"):
                old.unlink()
            _migrate(file)
    return file


@contextmanager
def _locked() -> Iterator[None]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state_of_code() -> str:
    """Return a hash of everything that the migrations can use."""
    digest = sha256(sys.version.encode())
    apps = (path.parent for path in sorted(PROJECT.glob("*/apps.py")))
    for path in (*apps, *(PROJECT / name for name in _OTHER_CODE)):
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def migrated_template(server: Postgresql) -> str:
    """Return the name of a database on the server, which the first process makes while the others wait."""
    with _locked(), psycopg.connect(server.url(), autocommit=True) as connection:
        exists = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]
        ).fetchone()
        if not exists:
            url = server.create("unfinished")
            with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
                _run_migrations(folder, DATABASE_URL=url)
            server.execute(f"ALTER DATABASE unfinished RENAME TO {_TEMPLATE}")
    return _TEMPLATE


def _run_migrations(folder: str, **more_env: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env=inherited | {"AWAITSTEP_DATA_DIR": folder} | more_env,
        check=True,
    )


def _migrate(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        _run_migrations(folder)
        with closing(sqlite3.connect(f"{folder}/db.sqlite3")) as migrated:
            migrated.execute("VACUUM INTO ?", [f"{folder}/whole.sqlite3"])
        Path(f"{folder}/whole.sqlite3").replace(target)
