"""Archives of projects: what people have, and what could do harm."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from tests.support.examples import examples
from tests.workflows.documents.projects.examples import FILES, zipped
from workflows.documents.projects.files import (
    MAX_ARCHIVE_BYTES,
    MAX_DEPTH,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_LOCK_BYTES,
    MAX_PATH_BYTES,
    MAX_TOTAL_BYTES,
    InvalidProject,
    ProjectProblem,
    ReadProject,
    check_files,
    file_bytes,
    read_archive,
)
from workflows.documents.projects.reading import archive, tar_entries, zip_entries
from workflows.documents.projects.reading.limits import MAX_UNPACKED_BYTES

Content = dict[str, str | bytes]
Pack = Callable[[Content], bytes]


def _tar(
    files: Content, *, mode: str = "w:gz", kind: int = tarfile.PAX_FORMAT, prefix: str = ""
) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode, format=kind) as packed:  # type: ignore[call-overload]
        for path, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(prefix + path)
            info.size = len(body)
            packed.addfile(info, io.BytesIO(body))
    return data.getvalue()


def _tar_entry(name: str, kind: bytes, *, target: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        packed.addfile(info)
    return data.getvalue()


FORMATS: Final[dict[str, Pack]] = {
    "zip": lambda files: zipped(files),
    "zip without compression": lambda files: _zip(files, ZIP_STORED),
    "tar": lambda files: _tar(files, mode="w"),
    "tar.gz": lambda files: _tar(files),
    "GNU tar": lambda files: _tar(files, kind=tarfile.GNU_FORMAT),
    "POSIX tar": lambda files: _tar(files, kind=tarfile.USTAR_FORMAT),
}
each_format = pytest.mark.parametrize("pack", FORMATS.values(), ids=FORMATS)


def _zip(files: Content, method: int) -> bytes:
    data = io.BytesIO()
    with ZipFile(data, "w", method) as packed, catch_warnings():
        simplefilter("ignore")  # names that are there twice
        for path, content in files.items():
            packed.writestr(path, content)
    return data.getvalue()


def _zip_entry(name: str, content: bytes = b"x", **fields: int) -> bytes:
    data = io.BytesIO()
    info = ZipInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    with ZipFile(data, "w", ZIP_DEFLATED) as packed:
        packed.writestr(info, content)
    return data.getvalue()


def _problems(data: bytes) -> tuple[ProjectProblem, ...]:
    with pytest.raises(InvalidProject) as caught:
        read_archive(data)
    return caught.value.problems


def _reason(data: bytes) -> str:
    return "\n".join(map(str, _problems(data)))


@each_format
def test_every_byte_of_a_file_is_kept(pack: Pack) -> None:
    long = "/".join(["folder-with-a-long-name"] * 8) + "/größe.ts"
    files: Content = {
        "a.ts": "1\r\n",
        "b.bin": bytes(range(256)),
        "empty": "",
        "src/x.ts": "\ufeffx",
        long: "y",
    }
    project = read_archive(pack(files))
    assert {path: file_bytes(project.files, path) for path in project.files} == {
        path: content.encode() if isinstance(content, str) else content
        for path, content in files.items()
    }
    assert list(project.files) == sorted(files)
    assert not check_files(project.files)


@each_format
def test_a_common_folder_is_not_part_of_the_paths(pack: Pack) -> None:
    files: Content = {f"repo-1.0/{path}": text for path, text in FILES.items()}
    assert read_archive(pack(files)).files == FILES
    assert read_archive(pack({**files, "README.md": "x"})).files.keys() == {*files, "README.md"}


def test_what_macos_adds_next_to_the_folder_does_not_count() -> None:
    files = {"repo/src/a.ts": "a", "__MACOSX/repo/src/._a.ts": "x", "repo/.DS_Store": "x"}
    project = read_archive(zipped(files))
    assert project.files == {"src/a.ts": "a"}
    assert [each.path for each in project.left_out] == [".DS_Store", "__MACOSX/"]


def test_an_archive_of_git_is_read(tmp_path: Path) -> None:
    for path, text in {**FILES, ".gitignore": "dist/\n", "x" * 120 + "/größe.ts": "x"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    def git(*arguments: str) -> bytes:
        command = [
            "git",
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "-C",
            str(tmp_path),
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "A")
    for kind in ("zip", "tar", "tar.gz"):
        project = read_archive(git("archive", f"--format={kind}", "--prefix=repo/", "HEAD"))
        assert project.files.keys() == {*FILES, ".gitignore", "x" * 120 + "/größe.ts"}


@each_format
def test_files_that_are_never_stored_are_left_out(pack: Pack) -> None:
    secret = "TOKEN=very-secret"
    files: Content = {
        "src/a.ts": "a",
        ".env": secret,
        ".env.local": secret,
        "src/.dev.vars.production": secret,
        ".npmrc": secret,
        "node_modules/zod/index.js": "x",
        "packages/a/node_modules/zod/index.js": "x",
        ".git/config": "x",
        ".wrangler/state/x": "x",
    }
    project = read_archive(pack(files))
    assert list(project.files) == ["src/a.ts"]
    assert [each.path for each in project.left_out] == [
        ".env", ".env.local", ".git/", ".npmrc", ".wrangler/", "node_modules/", "packages/a/node_modules/",
        "src/.dev.vars.production",
    ]  # fmt: skip
    assert secret not in repr(project)


@each_format
def test_build_output_is_left_out_only_if_git_ignores_it(pack: Pack) -> None:
    files: Content = {"a.ts": "a", "dist/a.js": "x", "src/dist/b.js": "x", "build/c.js": "x"}
    assert read_archive(pack(files)).files.keys() == files.keys()
    ignored = read_archive(pack({**files, ".gitignore": "# output\n/dist/\nbuild\n"}))
    assert ignored.files.keys() == {".gitignore", "a.ts", "src/dist/b.js"}
    assert [each.path for each in ignored.left_out] == ["build/", "dist/"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../a", "leads out of the project"),
        ("a/../../b", "leads out of the project"),
        ("node_modules/../../b", "leads out of the project"),
        ("/etc/passwd", "is an absolute path"),
        ("C:/a", "is an absolute path"),
        ("c:a", "is an absolute path"),
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
        ("node_modules/" + "x" * 5_000, "has a path of more than 4,096 characters"),
        ("a/" * MAX_DEPTH + "b", f"is in more than {MAX_DEPTH} folders"),
    ],
)
def test_paths_that_are_not_the_same_everywhere_are_refused(path: str, reason: str) -> None:
    archives = [zipped({path: "x", "wrangler.toml": ""}), _tar({path: "x", "wrangler.toml": ""})]
    for data in archives:
        [problem] = _problems(data)
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
        ("gr\u00fc\u00df.ts", "gru\u0308\u00df.ts", "is there twice"),
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
        assert reason in _reason(pack({first: "x", second: "y", "wrangler.toml": ""}))


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
    assert "a.ts: is there twice" in _reason(data.getvalue())


def test_every_problem_of_the_names_is_reported() -> None:
    [first, second] = _problems(zipped({"../a": "", "con": "", "b": ""}))
    assert (first.file, second.file) == ("../a", "con")


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK]
)
def test_a_zip_with_a_link_or_a_device_is_refused(kind: int) -> None:
    data = _zip_entry("a.ts", b"/etc/passwd", external_attr=(kind | 0o777) << 16, create_system=3)
    reason = "a.ts: is a link" if kind == stat.S_IFLNK else "a.ts: is not a file"
    assert reason in _reason(data)


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
    data = _tar_entry("a.ts", kind, target="/etc/passwd")
    for packed in (data, gzip.compress(data)):
        assert f"a.ts: {reason}" in _reason(packed)


def test_links_in_folders_that_are_left_out_do_no_harm() -> None:
    link = _tar_entry("node_modules/.bin/x", tarfile.SYMTYPE, target="../x")
    project = read_archive(
        link[:1024].rstrip(b"\0").ljust(512, b"\0") + _tar({"a.ts": "a"}, mode="w")
    )
    assert list(project.files) == ["a.ts"]


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 50}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "a.ts: is encrypted" in _reason(bytes(data))


def test_other_kinds_of_compression_are_refused() -> None:
    assert "method that is not supported" in _reason(_zip({"a.ts": "x"}, ZIP_BZIP2))


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"hello", b"\x1f\x8b", b"BZh91AY&SY", b"7z\xbc\xaf\x27\x1c", b"\0" * 1024]
)
def test_what_is_not_an_archive_is_refused(data: bytes) -> None:
    assert _reason(data)


@each_format
def test_an_incomplete_archive_is_refused(pack: Pack) -> None:
    data = pack({**FILES, "z": bytes(range(256)) * 8})
    for length in range(0, len(data.rstrip(b"\0")), 7):
        assert _reason(data[:length])


@each_format
def test_random_damage_is_refused_or_does_no_harm(pack: Pack) -> None:
    random = Random(5)  # noqa: S311 - the same every time
    original = pack(dict(FILES))
    for _ in range(examples(150, 10_000)):
        data = bytearray(original)
        for _ in range(random.choice([1, 1, 2, 8])):
            data[random.randrange(len(data))] = random.randrange(256)
        with suppress(InvalidProject):
            project = read_archive(bytes(data))
            assert isinstance(project, ReadProject)
            assert not check_files(project.files)


def test_names_of_macos_are_read_as_utf8_without_the_flag_for_it() -> None:
    data = bytearray(zipped({"größe.ts": "x"}))
    data[7] &= ~0x08
    data[data.rindex(b"PK\x01\x02") + 9] &= ~0x08
    assert list(read_archive(bytes(data)).files) == ["größe.ts"]


def test_names_in_other_encodings_are_refused() -> None:
    raw = zipped({"gr__e.ts": "x"})
    assert "has a name that is not UTF-8" in _reason(raw.replace(b"gr__e.ts", b"gr\x94\xe1e.ts"))
    flagged = bytearray(raw.replace(b"gr__e.ts", b"gr\xff\xfee.ts"))
    flagged[7] |= 0x08
    flagged[flagged.rindex(b"PK\x01\x02") + 9] |= 0x08
    assert "name that is not UTF-8" in _reason(bytes(flagged))
    tar = bytearray(_tar({"gr__e.ts": "x"}, mode="w"))
    tar[2:4] = b"\xff\xfe"
    tar[148:156] = b"%06o\0 " % (sum(tar[:148]) + 8 * 32 + sum(tar[156:512]))
    assert "has a name that is not UTF-8" in _reason(bytes(tar))


def test_a_name_that_ends_at_a_nul_character_is_refused_with_what_is_after_it() -> None:
    data = zipped({"a.ts__evil": "x"}).replace(b"a.ts__evil", b"a.ts\0/evil")
    assert "NUL character" in _reason(data)


def test_a_zip_that_lies_about_the_size_of_a_file_is_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 1000}))
    start = data.rindex(b"PK\x01\x02")
    for size in (10, 999, 1001, 10_000):
        data[start + 24 : start + 28] = struct.pack("<I", size)
        assert "a.ts: cannot be unpacked" in _reason(bytes(data))


def test_entries_that_share_their_data_are_refused() -> None:
    data = bytearray(zipped({"a.ts": "x" * 100, "b.ts": "y" * 100}))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    assert "shares its data with another entry" in _reason(bytes(data))


def test_a_file_that_is_far_larger_than_its_compressed_form_is_refused() -> None:
    assert "times larger than its compressed form" in _reason(
        zipped({"a.txt": bytes(MAX_FILE_BYTES)})
    )
    assert read_archive(zipped({"a.txt": " " * 60_000})).files


@each_format
def test_the_limits_of_a_project_are_exact(pack: Pack) -> None:
    random = Random(1).randbytes(MAX_FILE_BYTES + 1)  # noqa: S311 - not compressible
    assert read_archive(pack({"a": random[1:]})).files
    assert "a: is larger than 1 MB" in _reason(pack({"a": random}))
    assert read_archive(pack({"package-lock.json": random * 3})).files
    lock = random * 3 + random[:MAX_LOCK_BYTES]
    assert "package-lock.json: is larger than 4 MB" in _reason(pack({"package-lock.json": lock}))
    parts: Content = {str(part): random[1:] for part in range(MAX_TOTAL_BYTES // MAX_FILE_BYTES)}
    assert read_archive(pack(parts)).files
    assert "larger than 8 MB together" in _reason(pack({**parts, "b": "x"}))


@each_format
def test_the_number_of_files_is_limited(pack: Pack) -> None:
    files: Content = {f"{index}.ts": "" for index in range(MAX_FILES)}
    assert len(read_archive(pack(files)).files) == MAX_FILES
    assert "more than 1,000 files" in _reason(pack({**files, "a.ts": ""}))


@each_format
def test_too_many_entries_are_refused_before_any_is_unpacked(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack({f"node_modules/{index}": "" for index in range(51)})
    for module in (zip_entries, tar_entries):
        monkeypatch.setattr(module, "MAX_ENTRIES", 51)
    assert "no files" in _reason(data)
    for module in (zip_entries, tar_entries):
        monkeypatch.setattr(module, "MAX_ENTRIES", 50)
    monkeypatch.setattr(archive, "_project", None)
    assert "more than 20,000 files and folders" in _reason(data)


def test_a_table_of_100_000_entries_is_counted_without_reading_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = zipped({"a.ts": "a"})
    start, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    many = data[:start] + data[start:end] * 100_000 + data[end:]
    monkeypatch.setattr(zip_entries, "ZipFile", None)
    assert "more than 20,000 files and folders" in _reason(many)


def test_a_large_archive_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_entries", None)
    assert "larger than 20 MB" in _reason(bytes(MAX_ARCHIVE_BYTES + 1))


def test_a_bomb_is_unpacked_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    original = zlib.decompressobj

    class Counting:
        def __init__(self, *arguments: int) -> None:
            self._inner = original(*arguments)

        def decompress(self, data: bytes, most: int) -> bytes:
            content = self._inner.decompress(data, most)
            unpacked.append(len(content))
            return content

    bomb = gzip.compress(_tar({"a": bytes(4 * MAX_UNPACKED_BYTES)}, mode="w"), 9)
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert "unpacks to more than 32 MB" in _reason(bomb)
    assert unpacked == [MAX_UNPACKED_BYTES + 1]


def test_a_zip_bomb_is_unpacked_only_up_to_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    reader = zip_entries._reader

    def counting(file: ZipFile, info: ZipInfo) -> Callable[[int], bytes]:
        read = reader(file, info)
        return lambda most: asked.append(most) or read(most)  # type: ignore[func-returns-value]

    monkeypatch.setattr(zip_entries, "_reader", counting)
    monkeypatch.setattr(zip_entries, "MAX_RATIO", 10_000)
    assert "together" in _reason(zipped({str(part): bytes(MAX_FILE_BYTES) for part in range(20)}))
    assert sum(asked) <= MAX_TOTAL_BYTES + 2 * MAX_FILE_BYTES


def test_archives_in_an_archive_are_never_unpacked() -> None:
    inner = zipped({"a.ts": "a"})
    assert "only contains other archives" in _reason(
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
    ],
)
def test_a_tar_with_an_odd_extended_header_is_refused(records: bytes) -> None:
    header = bytearray(_tar_entry("x", b"x")[:512])
    header[124:136] = b"%011o\0" % len(records)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    data = bytes(header) + records.ljust(512, b"\0") + _tar({"a.ts": "a"}, mode="w")
    assert "tar file" in _reason(data)


@pytest.mark.parametrize(
    "size", [b"-0000000001\0", b"\x80" + bytes(10) + b"\1", b"9" * 11 + b"\0", b"\0" * 12]
)
def test_a_tar_with_an_odd_size_is_refused(size: bytes) -> None:
    header = bytearray(_tar_entry("x", b"0")[:512])
    header[124:136] = size
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    assert "tar file" in _reason(bytes(header) + bytes(1024))


def test_an_archive_without_files_is_refused() -> None:
    assert "no files" in _reason(zipped({}))
    assert "no files" in _reason(zipped({"a/": ""}))
    assert "no files" in _reason(zipped({".env": "A=1"}))
