"""Files that `backup` has not written, or that someone has changed."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile, ZipInfo

import pytest

from maintenance.backup import archive
from maintenance.backup.manifest import InvalidBackup, Manifest

CONTENT = b"a database" * 1000


def manifest(content: bytes = CONTENT, /, **changes: Any) -> str:
    stored = {"name": "database", "bytes": len(content), "sha256": sha256(content).hexdigest()}
    values = {
        "format": 1,
        "product": "awaitstep",
        "version": "1.2.3",
        "created_at": "2026-01-02T03:04:05Z",
        "engine": "sqlite",
        "migrations": ["runs.0001_initial"],
        "database": stored | changes.pop("database", {}),
    }
    return json.dumps(values | changes)


def pack(folder: Path, files: Mapping[str | ZipInfo, bytes | str]) -> Path:
    path = folder / "backup.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def extract(path: Path, folder: Path) -> bytes:
    with archive.opened(path) as opened:
        opened.extract_database(folder / "database.sqlite3")
    return (folder / "database.sqlite3").read_bytes()


def link(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def lzma(name: str) -> ZipInfo:
    info = ZipInfo(name)
    info.compress_type = ZIP_LZMA
    return info


def refuse_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, "a file system without hard links")


def test_a_backup_is_extracted(tmp_path: Path) -> None:
    path = pack(tmp_path, {"database": CONTENT, "manifest.json": manifest()})

    assert extract(path, tmp_path) == CONTENT


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"manifest.json": manifest()}, "exactly two files"),
        ({"database": CONTENT}, "exactly two files"),
        (
            {"database": CONTENT, "manifest.json": manifest(), "../evil": b""},
            "exactly two files",
        ),
        ({"../database": CONTENT, "manifest.json": manifest()}, "exactly two files"),
        ({"/etc/passwd": CONTENT, "manifest.json": manifest()}, "exactly two files"),
        ({link("database"): "/etc/passwd", "manifest.json": manifest()}, "a link"),
        ({"database": CONTENT, link("manifest.json"): "/etc/passwd"}, "a link"),
        ({lzma("database"): CONTENT, "manifest.json": manifest()}, "unusual compression"),
        ({"database": CONTENT, lzma("manifest.json"): manifest()}, "unusual compression"),
        ({"database": CONTENT, "manifest.json": "{"}, "manifest is not valid"),
        ({"database": CONTENT, "manifest.json": manifest(version="\x1b[31m")}, "'version'"),
        ({"database": CONTENT, "manifest.json": manifest(engine="\x1b[31m")}, "'engine'"),
        ({"database": CONTENT, "manifest.json": manifest(migrations=["a.\x1b"])}, "migrations"),
        ({"database": CONTENT, "manifest.json": manifest(format=2)}, "has the format 2"),
        ({"database": CONTENT, "manifest.json": manifest(product="other")}, "product"),
        ({"database": CONTENT, "manifest.json": manifest(extra=1)}, "extra"),
        ({"database": CONTENT, "manifest.json": " " * 2_000_000}, "too large"),
        (
            {"database": CONTENT, "manifest.json": manifest(database={"name": "../x"})},
            "names a file other than",
        ),
        (
            {"database": CONTENT, "manifest.json": manifest(database={"bytes": 10**18})},
            "too little free space",
        ),
        (
            {"database": b"0" * 50_000_000, "manifest.json": manifest()},
            "larger than its manifest says",
        ),
        ({"database": CONTENT[:-1], "manifest.json": manifest()}, "checksum differs"),
        ({"database": CONTENT[:-1] + b"x", "manifest.json": manifest()}, "checksum differs"),
    ],
)
def test_what_backup_would_not_write_is_refused(
    tmp_path: Path, files: Mapping[str | ZipInfo, bytes | str], problem: str
) -> None:
    path = pack(tmp_path, files)

    with pytest.raises(InvalidBackup, match=problem):
        extract(path, tmp_path)

    written = sum(file.stat().st_size for file in tmp_path.glob("database*"))
    assert written <= len(CONTENT)


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, {"database": CONTENT, "manifest.json": manifest()})
    with ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("database", b"another")

    with pytest.raises(InvalidBackup, match="exactly two files"):
        extract(path, tmp_path)


@pytest.mark.parametrize("cut", [0, 10, 100, -1, -30])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = pack(tmp_path, {"database": CONTENT, "manifest.json": manifest()})
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(InvalidBackup, match="not a complete backup"):
        extract(path, tmp_path)


def test_a_byte_that_has_changed_is_found(tmp_path: Path) -> None:
    path = pack(tmp_path, {"database": CONTENT, "manifest.json": manifest()})
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)

    with pytest.raises(InvalidBackup):
        extract(path, tmp_path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, {"d\u00e4tabase": CONTENT, "manifest.json": manifest()})
    path.write_bytes(path.read_bytes().replace("\u00e4".encode(), b"\xff\xff"))

    with pytest.raises(InvalidBackup, match="not a complete backup"):
        extract(path, tmp_path)


@pytest.mark.parametrize("changes", [{"format": "\x1b" * 9000}, {"\x1b" * 9000: 1}])
def test_a_problem_is_printed_short_and_without_control_characters(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = pack(tmp_path, {"database": CONTENT, "manifest.json": manifest(**changes)})

    with pytest.raises(InvalidBackup) as refused:
        extract(path, tmp_path)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_a_backup_is_written_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse_links)
    (tmp_path / "copy").write_bytes(CONTENT)
    path = tmp_path / "backup.zip"

    def describe(_: object) -> Manifest:
        return Manifest.parse(manifest().encode())

    archive.write(path, tmp_path / "copy", describe)

    assert extract(path, tmp_path) == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        archive.write(path, tmp_path / "copy", describe)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "backup.zip",
        "copy",
        "database.sqlite3",
    ]
