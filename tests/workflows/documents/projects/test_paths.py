"""Paths in archives: the same on every system, and visible."""

from __future__ import annotations

import io
from warnings import catch_warnings, simplefilter
from zipfile import ZipFile

import pytest

from tests.workflows.documents.projects.packing import (
    FORMATS,
    problems_of,
    reason_for,
    tar,
    with_checksum,
    zipped,
)
from workflows.documents.projects.files import (
    MAX_DEPTH,
    MAX_PATH_BYTES,
    check_files,
    read_archive,
)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../a", "points outside of the project"),
        ("a/../../b", "points outside of the project"),
        ("node_modules/../../b", "points outside of the project"),
        ("/etc/passwd", "is an absolute path"),
        ("C:/a", "starts with a drive letter"),
        ("c:a", "starts with a drive letter"),
        ("a\\b", "has a backslash"),
        ("\\\\server\\a", "has a backslash"),
        ("a//b", "has an empty part"),
        ("a/./b", "has an empty part"),
        ("a\nb", "has an invisible character"),
        ("a\x7f", "has an invisible character"),
        ("a\u202eb.ts", "has an invisible character"),
        ("a\u200bb.ts", "has an invisible character"),
        ("a\u3164.ts", "has an invisible character"),
        ("a\ufe0f.ts", "has an invisible character"),
        ("a\u00a0b", "has an invisible character"),
        ("\ufeffa", "has an invisible character"),
        ("con", "Windows reserves"),
        ("src/NUL.ts", "Windows reserves"),
        ("com1.tar.gz", "Windows reserves"),
        ("ab:c", "does not allow"),
        ("a?.ts", "does not allow"),
        ("a.", "ends with a dot"),
        (" a", "starts or ends with a space"),
        ("a /b", "starts or ends with a space"),
        ("x" * (MAX_PATH_BYTES + 1), f"more than {MAX_PATH_BYTES} bytes"),
        ("é" * (MAX_PATH_BYTES // 2 + 1), f"more than {MAX_PATH_BYTES} bytes"),
        ("wrangler.json/a.ts", "is in a folder with the name of a configuration file"),
        ("TSConfig.json/src/a.ts", "is in a folder with the name of a configuration file"),
        ("node_modules/" + "x" * 5_000, "has a path of more than 4,096 characters"),
        ("a/" * MAX_DEPTH + "b", f"is nested more than {MAX_DEPTH} folders deep"),
    ],
)
def test_paths_that_are_not_the_same_everywhere_are_refused(path: str, reason: str) -> None:
    archives = [zipped({path: "x", "wrangler.toml": ""}), tar({path: "x", "wrangler.toml": ""})]
    for data in archives:
        [problem] = problems_of(data)
        assert reason in problem.message
        assert problem.file.isprintable()
    assert not path.startswith("node_modules/") or check_files({path: "x"})
    [checked] = check_files({path: "x"})
    assert reason in checked.message


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("src/a.ts", "src/A.ts", "differs from src/a.ts only in case"),
        ("src/a.ts", "SRC/b.ts", "differs from src only in case"),
        ("gr\u00fc\u00df.ts", "gru\u0308\u00df.ts", "appears twice"),
        ("gru\u0308n.ts", "GR\u00dcN.ts", "only in case"),
        ("a", "a/b", "is in a, which is a file"),
        ("a/b/c", "a/b", "is a file and a folder"),
        ("A/b", "a", "is a file and a folder"),
    ],
)
def test_paths_that_are_the_same_on_some_systems_are_refused(
    first: str, second: str, reason: str
) -> None:
    for pack in FORMATS.values():
        assert reason in reason_for(pack({first: "x", second: "y", "wrangler.toml": ""}))


def test_a_name_in_another_normal_form_is_stored_in_nfc() -> None:
    assert list(read_archive(zipped({"gru\u0308n.ts": "x"})).files) == ["gr\u00fcn.ts"]
    [problem] = check_files({"gru\u0308n.ts": "x"})
    assert "normal form NFC" in problem.message


def test_a_file_that_is_there_twice_is_refused() -> None:
    data = io.BytesIO()
    with ZipFile(data, "w") as packed, catch_warnings():
        simplefilter("ignore")
        packed.writestr("a.ts", "1")
        packed.writestr("a.ts", "2")
    assert "a.ts: appears twice" in reason_for(data.getvalue())


def test_every_problem_of_the_names_is_reported() -> None:
    [first, second] = problems_of(zipped({"../a": "", "con": "", "b": ""}))
    assert (first.file, second.file) == ("../a", "con")


def test_names_of_macos_are_read_as_utf8_without_the_flag_for_it() -> None:
    data = bytearray(zipped({"größe.ts": "x"}))
    data[7] &= ~0x08
    data[data.rindex(b"PK\x01\x02") + 9] &= ~0x08
    assert list(read_archive(bytes(data)).files) == ["größe.ts"]


def test_names_in_other_encodings_are_refused() -> None:
    raw = zipped({"gr__e.ts": "x"})
    assert "has a name that is not UTF-8" in reason_for(raw.replace(b"gr__e.ts", b"gr\x94\xe1e.ts"))
    flagged = bytearray(raw.replace(b"gr__e.ts", b"gr\xff\xfee.ts"))
    flagged[7] |= 0x08
    flagged[flagged.rindex(b"PK\x01\x02") + 9] |= 0x08
    assert "name that is not UTF-8" in reason_for(bytes(flagged))
    packed = bytearray(tar({"gr__e.ts": "x"}, mode="w"))
    packed[2:4] = b"\xff\xfe"
    assert "has a name that is not UTF-8" in reason_for(with_checksum(packed))


def test_a_name_that_ends_at_a_nul_character_is_refused_with_what_is_after_it() -> None:
    data = zipped({"a.ts__evil": "x"}).replace(b"a.ts__evil", b"a.ts\0/evil")
    assert "NUL character" in reason_for(data)
