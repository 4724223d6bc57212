"""Archives that are damaged, or that could do harm, are refused with a reason."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from random import Random
from zipfile import ZIP_BZIP2, ZipFile, ZipInfo

import pytest

from tests.support.examples import examples
from tests.workflows.documents.projects.examples import FILES
from tests.workflows.documents.projects.packing import (
    Pack,
    each_format,
    reason_for,
    tar,
    tar_entry,
    with_checksum,
    zip_entry,
    zipped,
)
from workflows.documents.projects.files import (
    MAX_ARCHIVE_BYTES,
    MAX_FILE_BYTES,
    MAX_TOTAL_BYTES,
    InvalidProject,
    ReadProject,
    check_files,
    file_bytes,
    read_archive,
)
from workflows.documents.projects.reading import archive, tar_entries, zip_entries
from workflows.documents.projects.reading.limits import MAX_UNPACKED_BYTES


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK]
)
def test_a_zip_with_a_link_or_a_device_is_refused(kind: int) -> None:
    data = zip_entry("a.ts", b"/etc/passwd", external_attr=(kind | 0o777) << 16, create_system=3)
    reason = "a.ts: is a link" if kind == stat.S_IFLNK else "a.ts: is not a file"
    assert reason in reason_for(data)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "is not a file"),
        (tarfile.CHRTYPE, "is not a file"),
        (tarfile.BLKTYPE, "is not a file"),
        (tarfile.GNUTYPE_SPARSE, "is not a file"),
    ],
)
def test_a_tar_with_a_link_or_a_device_is_refused(kind: bytes, reason: str) -> None:
    data = tar_entry("a.ts", kind, target="/etc/passwd")
    for packed in (data, gzip.compress(data)):
        assert f"a.ts: {reason}" in reason_for(packed)


def test_links_in_folders_that_are_left_out_do_no_harm() -> None:
    link = tar_entry("node_modules/.bin/x", tarfile.SYMTYPE, target="../x")
    project = read_archive(
        link[:1024].rstrip(b"\0").ljust(512, b"\0") + tar({"a.ts": "a"}, mode="w")
    )
    assert list(project.files) == ["a.ts"]


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 50}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "a.ts: is encrypted" in reason_for(bytes(data))


def test_other_kinds_of_compression_are_refused() -> None:
    assert "method that is not supported" in reason_for(zipped({"a.ts": "x"}, method=ZIP_BZIP2))


@each_format
def test_an_incomplete_archive_is_refused(pack: Pack) -> None:
    data = pack({**FILES, "z": bytes(range(256)) * 8})
    for length in range(0, len(data.rstrip(b"\0")), 7):
        assert reason_for(data[:length])


@each_format
def test_random_damage_is_refused_or_does_no_harm(pack: Pack) -> None:
    random = Random(5)  # noqa: S311 - the same every time
    original = pack(dict(FILES))
    for _ in range(examples(150, 3_000)):
        data = bytearray(original)
        for _ in range(random.choice([1, 1, 2, 8])):
            data[random.randrange(len(data))] = random.randrange(256)
        with suppress(InvalidProject):
            project = read_archive(bytes(data))
            assert isinstance(project, ReadProject)
            assert not check_files(project.files)


def test_a_zip_that_lies_about_the_size_of_a_file_is_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 1000}))
    start = data.rindex(b"PK\x01\x02")
    for size in (10, 999, 1001, 10_000):
        data[start + 24 : start + 28] = struct.pack("<I", size)
        assert "a.ts: cannot be unpacked" in reason_for(bytes(data))


def test_entries_that_share_their_data_are_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 100, "b.ts": "y" * 100}))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    assert "shares its data with another entry" in reason_for(bytes(data))


def test_a_file_that_is_far_larger_than_its_compressed_form_is_refused() -> None:
    assert "times larger than its compressed form" in reason_for(
        zipped({"a.txt": bytes(MAX_FILE_BYTES)})
    )
    assert read_archive(zipped({"a.txt": " " * 60_000})).files


@each_format
def test_too_many_entries_are_refused_before_any_is_unpacked(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack({f"node_modules/{index}": "" for index in range(51)})
    for module in (zip_entries, tar_entries):
        monkeypatch.setattr(module, "MAX_ENTRIES", 51)
    assert "no files" in reason_for(data)
    for module in (zip_entries, tar_entries):
        monkeypatch.setattr(module, "MAX_ENTRIES", 50)
    monkeypatch.setattr(archive, "_project", None)
    assert "more than 20,000 files and folders" in reason_for(data)


def test_a_table_of_100_000_entries_is_counted_without_reading_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = zipped({"a.ts": "a"})
    start, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    many = data[:start] + data[start:end] * 100_000 + data[end:]
    monkeypatch.setattr(zip_entries, "ZipFile", None)
    assert "more than 20,000 files and folders" in reason_for(many)


def test_the_records_of_extended_headers_are_counted() -> None:
    records = b"6 a=b\n" * 10_000
    header = bytearray(tar_entry("x", b"x")[:512])
    header[124:136] = b"%011o\0" % len(records)
    part = with_checksum(header) + records.ljust(-(-len(records) // 512) * 512, b"\0")
    data = tar({"a.ts": "a"}, mode="w")
    assert read_archive(part * 20 + data).files == {"a.ts": "a"}
    assert "more than 20,000 files and folders" in reason_for(part * 21 + data)


def test_a_large_archive_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_entries", None)
    assert "larger than 20 MB" in reason_for(bytes(MAX_ARCHIVE_BYTES + 1))


def test_a_bomb_is_unpacked_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    original = zlib.decompressobj

    class Counting:
        """A decompressor that counts what it returns."""

        def __init__(self, wbits: int) -> None:
            self._inner = original(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            content = self._inner.decompress(data, most)
            unpacked.append(len(content))
            return content

    bomb = gzip.compress(tar({"a": bytes(4 * MAX_UNPACKED_BYTES)}, mode="w"), 9)
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert "unpacks to more than 32 MB" in reason_for(bomb)
    assert unpacked == [MAX_UNPACKED_BYTES + 1]


def test_a_zip_bomb_is_unpacked_only_up_to_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[int] = []
    reader = zip_entries._reader

    def counting(file: ZipFile, info: ZipInfo) -> Callable[[int], bytes]:
        read = reader(file, info)
        return lambda most: requested.append(most) or read(most)  # type: ignore[func-returns-value]

    monkeypatch.setattr(zip_entries, "_reader", counting)
    monkeypatch.setattr(zip_entries, "MAX_RATIO", 10_000)
    assert "in total" in reason_for(
        zipped({str(part): bytes(MAX_FILE_BYTES) for part in range(20)})
    )
    assert sum(requested) <= MAX_TOTAL_BYTES + 2 * MAX_FILE_BYTES


def test_archives_in_an_archive_are_never_unpacked() -> None:
    inner = zipped({"a.ts": "a"})
    assert "only contains other archives" in reason_for(
        zipped({"1.zip": inner, "2.tgz": gzip.compress(inner)})
    )
    project = read_archive(zipped({"a.ts": "a", "fixture.zip": inner}))
    assert file_bytes(project.files, "fixture.zip") == inner


@pytest.mark.parametrize(
    "records",
    [
        b"x path=a\n",
        b"9999 path=a\n",
        b"0 path=a\n",
        b"11 path=abc",
        b"12 size=123\n",
        b"99999999999999 path=a\n",
        b"21 GNU.sparse.major=1\n",
    ],
)
def test_a_tar_with_an_odd_extended_header_is_refused(records: bytes) -> None:
    header = bytearray(tar_entry("x", b"x")[:512])
    header[124:136] = b"%011o\0" % len(records)
    data = with_checksum(header) + records.ljust(512, b"\0") + tar({"a.ts": "a"}, mode="w")
    assert "tar file" in reason_for(data)


@pytest.mark.parametrize(
    "size", [b"-0000000001\0", b"\x80" + bytes(10) + b"\1", b"9" * 11 + b"\0", b"\0" * 12]
)
def test_a_tar_with_an_odd_size_is_refused(size: bytes) -> None:
    header = bytearray(tar_entry("x", b"0")[:512])
    header[124:136] = size
    assert "tar file" in reason_for(with_checksum(header) + bytes(1024))
