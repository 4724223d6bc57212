"""Zip files that could do harm, or that were not exported here, are refused with a reason."""

from __future__ import annotations

import io
import json
import stat
import struct
from collections.abc import Callable
from typing import Any
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from tests.workflows.ir.documents import chain, node
from workflows.documents.archive.content import Archive, InvalidArchive, WorkflowContent
from workflows.documents.archive.reading import read
from workflows.documents.archive.writing import files_of, write
from workflows.documents.archive.zip_files import MAX_ARCHIVE, MAX_FILES, read_files

ARCHIVE = Archive(
    workflows={"a": WorkflowContent(name="A", description="", document=chain(node("x")))}
)
Change = Callable[[ZipFile], None]


def zipped(change: Change | None = None, **files: Any) -> bytes:
    """Return the archive as a zip with other files, whose names have `__` for a slash; None leaves one out."""
    buffer, names = io.BytesIO(), {name.replace("__", "/"): data for name, data in files.items()}
    contents = dict(files_of(ARCHIVE)) | names
    with ZipFile(buffer, "w") as file:
        for name, data in contents.items():
            if data is not None:
                file.writestr(name, data if isinstance(data, bytes | str) else json.dumps(data))
        if change:
            change(file)
    return buffer.getvalue()


def refused(data: bytes) -> list[str]:
    with pytest.raises(InvalidArchive) as error:
        read(data)
    return [str(problem) for problem in error.value.problems]


def test_an_archive_is_read_as_it_was_written() -> None:
    assert read(write(ARCHIVE)) == ARCHIVE
    assert read(zipped()) == ARCHIVE


@pytest.mark.parametrize("name", ["", "  ", "\x01", "a\x07b", "\u200b", "x" * 257, 1, None])
def test_a_workflow_without_a_name_that_can_be_shown_is_refused(name: Any) -> None:
    files: dict[str, Any] = {"workflows__a__workflow.json": {"name": name}}

    assert "workflow.json: name must" in refused(zipped(**files))[0]


def test_an_archive_that_was_zipped_again_in_a_folder_can_be_read() -> None:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as file:
        for name, data in files_of(ARCHIVE):
            file.writestr(f"my export/{name}", data)
        file.writestr("__MACOSX/my export/._x", b"")
        file.writestr("my export/.DS_Store", b"")

    assert read(buffer.getvalue()) == ARCHIVE


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/../../x", "a//b", "a\\b", "C:x", "a/./b", "a/.. /b", " a", "a\nb", "x" * 301],
)
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    assert refused(zipped(lambda file: file.writestr(name, b"")))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("A.txt", "a.txt", 'differs from "A.txt" only in case'),
        ("\u00e4", "a\u0308", "only in case"),
        ("b", "b", "appears twice"),
    ],
)
def test_files_that_would_replace_each_other_are_refused(
    first: str, second: str, reason: str
) -> None:
    def add(file: ZipFile) -> None:
        file.writestr(first, b"")
        with catch_warnings():
            simplefilter("ignore")  # of a name that appears twice
            file.writestr(second, b"")

    assert reason in refused(zipped(add))[0]


def entry(name: str, **attributes: Any) -> Change:
    """Return a change that adds a file with these attributes."""
    info = ZipInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return lambda file: file.writestr(
        info, b"target", compress_type=attributes.get("compress_type")
    )


def test_links_and_other_methods_are_refused() -> None:
    link = entry("link", external_attr=(stat.S_IFLNK | 0o777) << 16)
    bzip2 = entry("file", compress_type=ZIP_BZIP2)

    assert refused(zipped(link)) == ["link: is a link or a special file"]
    assert "with a method that is not supported" in refused(zipped(bzip2))[0]


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(zipped(lambda file: file.writestr("secret", b"x")))
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1

    assert refused(bytes(data)) == ["secret: is encrypted"]


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    data = zipped(lambda file: file.writestr("bad-name", b"x")).replace(b"bad-name", b"b\xe4d-name")

    assert "not UTF-8" in refused(data)[0]


def test_a_bomb_is_refused_whatever_its_header_says() -> None:
    bomb = zipped(lambda file: file.writestr("zeros", b"\0" * 13_000_000, ZIP_DEFLATED))
    small = bomb.replace(struct.pack("<I", 13_000_000), struct.pack("<I", 10))

    assert refused(bomb) == ["zeros: is larger than 12 MB"]
    assert refused(small)


def test_many_files_are_refused_together_by_size_and_by_number() -> None:
    def large(file: ZipFile) -> None:
        for at in range(6):
            file.writestr(f"{at}", b"\0" * 12_000_000, ZIP_DEFLATED)

    def many(file: ZipFile) -> None:
        for at in range(MAX_FILES):
            file.writestr(f"{at}", b"")

    assert refused(zipped(large)) == ["The files are larger than 32 MB in total."]
    assert refused(zipped(many)) == ["The file has more than 2,000 entries."]
    assert refused(b"PK\x03\x04" + b"\0" * MAX_ARCHIVE) == ["The file is larger than 20 MB."]


def test_nothing_is_written_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ZipFile, "extract", fail)
    monkeypatch.setattr(ZipFile, "extractall", fail)

    assert read_files(zipped())


def test_broken_zips_are_refused() -> None:
    data = zipped()
    flipped = bytearray(data)
    flipped[60] ^= 0xFF

    for broken in (
        data[:-30],
        data[:50],
        b"PK\x03\x04",
        b"PK\x05\x06" + b"\0" * 18,
        bytes(flipped),
    ):
        assert refused(broken)


MANIFEST = {"format": 1, "workflows": ["a"], "nodeTypes": []}
NEWER = {"format": 2, "workflows": "other"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"awaitstep-export.json": None}, "The zip has no awaitstep-export.json"),
        ({"awaitstep-export.json": NEWER}, "by a newer version of AwaitStep (format 2; this version reads format 1)"),
        ({"awaitstep-export.json": MANIFEST | {"workflows": []}}, "lists no workflow"),
        ({"awaitstep-export.json": MANIFEST | {"workflows": ["b"]}}, "workflows/b/workflow.json: is missing"),
        ({"awaitstep-export.json": MANIFEST | {"workflows": [str(at) for at in range(300)]}}, "more than 200"),
        ({"awaitstep-export.json": MANIFEST | {"nodeTypes": ["x/1.0.0"]}}, "node-types/x/1.0.0/node.json: is missing"),
        ({"awaitstep-export.json": [1]}, "must be an object"),
        ({"awaitstep-export.json": "{"}, "is not valid JSON"),
        ({"workflows__a__workflow.json": {"name": ""}}, "name must have 1-256 characters"),
        ({"workflows__a__workflow.json": {"name": "A", "calls": {"x": "b"}}}, 'calls.x must be one of "a"'),
        ({"workflows__a__workflow.json": []}, "must be an object"),
        ({"workflows__a__document.ir.json": b"\xff"}, "is not valid UTF-8"),
        ({"workflows__a__entry-code.ts": b"\xff"}, "is not UTF-8"),
        ({"workflows__a__dependencies.json": {"zod": 4}}, "dependencies.json"),
        ({"workflows__a__bindings.json": {"store": "kv", "B": "x"}}, '"store" is not a name for a binding'),
        ({"workflows__a__deploy-settings.json": {"route": 1}}, "is not a deploy setting"),
        ({"workflows__a__variables.json": {"A": 1}}, "A must be text"),
    ],
)  # fmt: skip
def test_every_problem_names_its_file(files: dict[str, Any], reason: str) -> None:
    assert any(reason in problem for problem in refused(zipped(**files)))


def test_the_problems_of_a_file_are_listed_once_and_not_all_of_many() -> None:
    files: dict[str, Any] = {
        "workflows/a/tests.json": [{"name": "a", "payload": ["\ud800"] * 1000}]
    }
    problems = refused(zipped(**files))
    first = "workflows/a/tests.json: 0.payload.0: contains a lone surrogate (half a character): remove it"
    assert problems[0] == first
    assert len(problems) == len(set(problems)) == 100
