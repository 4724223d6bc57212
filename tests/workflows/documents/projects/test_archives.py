"""Archives of projects as people have them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.workflows.documents.projects.examples import FILES
from tests.workflows.documents.projects.packing import (
    Content,
    Pack,
    each_format,
    reason_for,
    zipped,
)
from workflows.documents.projects.files import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_LOCK_BYTES,
    MAX_TOTAL_BYTES,
    check_files,
    file_bytes,
    read_archive,
)


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
    "data", [b"", b"PK", b"hello", b"\x1f\x8b", b"BZh91AY&SY", b"7z\xbc\xaf\x27\x1c", b"\0" * 1024]
)
def test_what_is_not_an_archive_is_refused(data: bytes) -> None:
    assert reason_for(data)


@each_format
def test_the_limits_of_a_project_are_exact(pack: Pack) -> None:
    random = Random(1).randbytes(MAX_FILE_BYTES + 1)  # noqa: S311 - not compressible
    assert read_archive(pack({"a": random[1:]})).files
    assert "a: is larger than 1 MB" in reason_for(pack({"a": random}))
    assert read_archive(pack({"package-lock.json": random * 3})).files
    lock = random * 3 + random[:MAX_LOCK_BYTES]
    assert "package-lock.json: is larger than 4 MB" in reason_for(pack({"package-lock.json": lock}))
    parts: Content = {str(part): random[1:] for part in range(MAX_TOTAL_BYTES // MAX_FILE_BYTES)}
    assert read_archive(pack(parts)).files
    assert "larger than 8 MB in total" in reason_for(pack({**parts, "b": "x"}))


@each_format
def test_the_number_of_files_is_limited(pack: Pack) -> None:
    files: Content = {f"{index}.ts": "" for index in range(MAX_FILES)}
    assert len(read_archive(pack(files)).files) == MAX_FILES
    assert "more than 1,000 files" in reason_for(pack({**files, "a.ts": ""}))


def test_an_archive_without_files_is_refused() -> None:
    assert "no files" in reason_for(zipped({}))
    assert "no files" in reason_for(zipped({"a/": ""}))
    assert "no files" in reason_for(zipped({".env": "A=1"}))
