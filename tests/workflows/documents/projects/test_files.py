"""The files of a project, from folders, archives and editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.documents.projects.examples import FILES, zipped
from workflows.documents.projects.files import (
    InvalidProject,
    LeftOut,
    check_files,
    file_bytes,
    read_archive,
    read_folder,
    text_of,
)


def test_a_zip_of_a_git_host_is_read_without_its_folder() -> None:
    assert read_archive(zipped(FILES, prefix="starter-main/")).files == FILES


def test_text_keeps_its_exact_bytes_and_other_content_is_base64() -> None:
    content = {"a.txt": b"\xef\xbb\xbfone\r\ntwo\r", "b.wasm": b"\0asm\xff"}
    files = read_archive(zipped(content)).files
    assert {path: file_bytes(files, path) for path in files} == content
    assert (text_of(files, "a.txt"), text_of(files, "b.wasm")) == ("\ufeffone\r\ntwo\r", None)
    assert not check_files(files)


def test_files_that_may_hold_secrets_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("a")
    (tmp_path / ".dev.vars").write_text("TOKEN=secret")
    project = read_folder(tmp_path)
    assert project.files == {"a.ts": "a"}
    [left_out] = project.left_out
    assert left_out == LeftOut(path=".dev.vars", reason=left_out.reason)
    assert "may hold secrets" in left_out.reason


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ts").symlink_to("/etc/passwd")
    with pytest.raises(InvalidProject, match=r"a\.ts: is a link"):
        read_folder(tmp_path)
