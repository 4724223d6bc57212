"""The replacement of a database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maintenance.backup import sqlite_files
from tests.maintenance.test_archive import refuse_links


@pytest.mark.parametrize("link", [os.link, refuse_links])
def test_there_is_a_database_until_the_new_one_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: Callable[..., None]
) -> None:
    monkeypatch.setattr(os, "link", link)
    new, database, aside = (tmp_path / name for name in ("new", "database", "aside"))
    new.write_text("new")
    database.write_text("former")
    before: list[str] = []
    replace = Path.replace

    def record(source: Path, target: Path) -> Path:
        before.append(database.read_text())
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", record)

    sqlite_files.put_in_place(new, database, aside=aside)

    assert before == ["former"]
    assert (database.read_text(), aside.read_text()) == ("new", "former")


@pytest.mark.parametrize("start", [b"not a database", b"SQLite format 3\0 but no more"])
def test_a_damaged_database_has_content_and_no_process_uses_it(
    tmp_path: Path, start: bytes
) -> None:
    database = tmp_path / "database"
    database.write_bytes(start * 1000)

    assert sqlite_files.has_content(database)
    assert sqlite_files.close_log(database)
    assert database.read_bytes() == start * 1000


def test_the_log_of_a_damaged_database_is_kept_with_it(tmp_path: Path) -> None:
    new, database, aside = (tmp_path / name for name in ("new", "database", "aside"))
    new.write_text("new")
    database.write_bytes(b"not a database" * 1000)
    database.with_name("database-wal").write_bytes(b"a log")

    sqlite_files.has_content(database)
    sqlite_files.close_log(database)
    sqlite_files.put_in_place(new, database, aside=aside)

    assert aside.with_name("aside-wal").read_bytes() == b"a log"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["aside", "aside-wal", "database"]


def test_a_new_or_empty_database_has_no_content(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert not sqlite_files.has_content(tmp_path / "none")
    assert not sqlite_files.has_content(tmp_path / "empty")
