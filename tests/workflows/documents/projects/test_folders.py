"""Folders of projects, in which no link is followed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.documents.projects.examples import FILES
from workflows.documents.projects.files import (
    MAX_DEPTH,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    InvalidProject,
    check_files,
    file_bytes,
    read_folder,
)
from workflows.documents.projects.reading import folder as folder_module

SECRET = "a secret outside the project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_text(SECRET)
    folder = tmp_path / "project"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
    return folder


def _reason(folder: Path) -> str:
    with pytest.raises(InvalidProject) as caught:
        read_folder(folder)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_read_with_every_byte(project: Path) -> None:
    (project / "b.bin").write_bytes(bytes(range(256)))
    files = read_folder(project).files
    assert files.keys() == {*FILES, "b.bin"}
    assert file_bytes(files, "b.bin") == bytes(range(256))
    assert not check_files(files)


def test_the_folder_itself_can_be_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    assert read_folder(tmp_path / "link").files == FILES


@pytest.mark.parametrize(
    "target", ["../outside.txt", "/etc/passwd", "wrangler.toml", "missing", ".", "/"]
)
def test_links_are_refused(project: Path, target: str) -> None:
    (project / "src" / "a.ts").symlink_to(target)
    assert _reason(project) == "src/a.ts: is a link: links are not followed"


def test_hard_links_are_refused(project: Path, tmp_path: Path) -> None:
    (project / "a.ts").hardlink_to(tmp_path / "outside.txt")
    assert _reason(project).startswith("a.ts: has a second name (a hard link)")


def test_pipes_and_sockets_are_refused_without_waiting_for_them(project: Path) -> None:
    os.mkfifo(project / "a.ts")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "b.ts"))
        assert _reason(project).count("is not a file: it is a device, a pipe or a socket") == 2


def test_a_pipe_called_gitignore_is_not_read(project: Path) -> None:
    os.mkfifo(project / ".gitignore")
    assert ".gitignore: is not a file" in _reason(project)


def test_a_link_called_gitignore_is_not_read(project: Path, tmp_path: Path) -> None:
    (tmp_path / "ignore").write_text("dist\n")
    (project / ".gitignore").symlink_to(tmp_path / "ignore")
    assert ".gitignore: is a link" in _reason(project)


def test_folders_that_are_left_out_are_not_opened(project: Path) -> None:
    for name in ("node_modules", ".git", ".wrangler", "dist", "src/node_modules"):
        (project / name).mkdir()
        (project / name / "link").symlink_to("/etc/passwd")
    (project / ".env").symlink_to("/etc/passwd")
    (project / ".dev.vars").write_text("TOKEN=x")
    (project / ".gitignore").write_text("dist\n")
    found = read_folder(project)
    assert found.files.keys() == {*FILES, ".gitignore"}
    assert [each.path for each in found.left_out] == [
        ".dev.vars", ".env", ".git/", ".wrangler/", "dist/", "node_modules/", "src/node_modules/",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [b"a\\b", b"a\nb", b"\xff.ts", b"con", b"a.", "a\u202eb".encode()])
def test_names_that_are_not_the_same_everywhere_are_refused(project: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(project) + b"/" + name))).write_text("x")
    assert "name" in _reason(project)


def test_names_that_differ_only_in_case_are_refused(project: Path) -> None:
    (project / "Src").mkdir()
    (project / "Src" / "b.ts").write_text("")
    assert "differs from Src only in case" in _reason(project)


def test_folders_that_are_nested_too_deeply_are_not_opened(project: Path) -> None:
    deep = project.joinpath(*["d"] * (MAX_DEPTH - 1))
    deep.mkdir(parents=True)
    (deep / "a.ts").write_text("")
    assert "/".join([*["d"] * (MAX_DEPTH - 1), "a.ts"]) in read_folder(project).files
    (deep / "d").mkdir()
    assert f"contains folders nested more than {MAX_DEPTH} levels deep" in _reason(project)


def test_the_limits_of_a_project_are_exact(project: Path) -> None:
    (project / "a").write_bytes(bytes(MAX_FILE_BYTES))
    assert "a" in read_folder(project).files
    (project / "a").write_bytes(bytes(MAX_FILE_BYTES + 1))
    assert _reason(project) == "a: is larger than 1 MB"
    (project / "a").unlink()
    for part in range(MAX_TOTAL_BYTES // MAX_FILE_BYTES):
        (project / f"{part}").write_bytes(bytes(MAX_FILE_BYTES))
    assert "larger than 8 MB in total" in _reason(project)


def test_the_number_of_files_is_limited(project: Path) -> None:
    for index in range(MAX_FILES):
        (project / f"{index}.ts").touch()
    assert "more than 1,000 files" in _reason(project)


def test_the_number_of_entries_that_are_looked_at_is_limited(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "MAX_ENTRIES", 10)
    for index in range(11):
        (project / f".env{index}").touch()
    monkeypatch.setattr(os, "stat", None)
    assert "more than 20,000 files and folders" in _reason(project)


def test_a_file_that_grows_is_read_only_up_to_the_limit(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "a").write_bytes(b"x")
    read: list[int] = []

    def growing(_file: int, size: int) -> bytes:
        read.append(size)
        return bytes(size)

    monkeypatch.setattr(os, "read", growing)
    assert "is larger than 1 MB" in _reason(project)
    assert sum(read) == MAX_FILE_BYTES + 1


def _replaced_after_stat(
    monkeypatch: pytest.MonkeyPatch, path: Path, replace: Callable[[], Any]
) -> None:
    """Replace a path after it was found to be a file or a folder, before it is opened."""
    original = os.stat

    def stat_then_replace(name: Any, *arguments: Any, **more: Any) -> os.stat_result:
        found = original(name, *arguments, **more)
        if name == path.name and "dir_fd" in more:
            replace()
        return found

    monkeypatch.setattr(os, "stat", stat_then_replace)


def test_a_file_that_becomes_a_link_is_not_followed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "wrangler.toml"

    def replace() -> None:
        path.unlink()
        path.symlink_to(tmp_path / "outside.txt")

    _replaced_after_stat(monkeypatch, path, replace)
    assert "something else has replaced it in the meantime" in _reason(project)


def test_a_folder_that_becomes_a_link_is_not_followed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.ts").write_text(SECRET)

    def replace() -> None:
        (project / "src").rename(tmp_path / "moved")
        (project / "src").symlink_to(tmp_path / "elsewhere")

    _replaced_after_stat(monkeypatch, project / "src", replace)
    assert "src: cannot be read: something else has replaced it" in _reason(project)


def test_a_file_that_becomes_a_pipe_is_not_waited_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "wrangler.toml"

    def replace() -> None:
        path.unlink()
        os.mkfifo(path)

    _replaced_after_stat(monkeypatch, path, replace)
    assert "wrangler.toml: is not a file" in _reason(project)


def test_a_folder_above_that_is_replaced_does_not_change_what_is_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace() -> None:
        project.rename(tmp_path / "moved")
        project.symlink_to(tmp_path)

    path = project / "src"
    _replaced_after_stat(monkeypatch, path, replace)
    assert read_folder(project).files == FILES


def test_nothing_stays_open(project: Path) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - only the number counts
    (project / "src" / "x").symlink_to("/")
    _reason(project)
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


@pytest.mark.parametrize("name", ["missing", "wrangler.toml"])
def test_what_is_not_a_folder_is_refused(project: Path, name: str) -> None:
    assert _reason(project / name).startswith("The folder cannot be read: ")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    assert _reason(tmp_path) == "There are no files to store."
