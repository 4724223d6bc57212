"""Operations on the files of a project."""

from __future__ import annotations

import pytest

from workflows.documents.projects.editing import (
    FilesEdit,
    OutdatedFile,
    add_files,
    delete,
    move,
    replace_file,
    write_text,
)
from workflows.documents.projects.files import ProjectFiles, stored
from workflows.documents.projects.tags import tag_of
from workflows.editing.document.refusals import Refused

FILES: ProjectFiles = {"a.ts": "a", "src/b.ts": "b", "src/lib/c.ts": "c", "win.txt": "1\r\n2\r\n"}


def write(path: str, text: str) -> FilesEdit:
    return write_text(FILES, path, text, base=tag_of(FILES, path))


def moved(path: str, to: str) -> FilesEdit:
    return move(FILES, path, to, base=tag_of(FILES, path))


def test_a_text_is_replaced() -> None:
    edit = write("a.ts", "new")
    assert edit.files == {**FILES, "a.ts": "new"}
    assert (edit.summary, edit.touched, edit.opened) == ("Changed a.ts", ("a.ts",), "a.ts")


def test_the_same_text_changes_nothing_even_with_an_old_tag() -> None:
    assert write_text(FILES, "a.ts", "a", base="old").summary == ""


def test_a_file_keeps_its_line_breaks() -> None:
    assert write("win.txt", "1\n2\n").summary == ""
    assert write("win.txt", "1\n2\n3\n").files["win.txt"] == "1\r\n2\r\n3\r\n"
    assert write("a.ts", "1\r\n2").files["a.ts"] == "1\n2"


def test_a_file_that_somebody_else_changed_is_not_overwritten() -> None:
    for path in ("a.ts", "gone.ts"):
        with pytest.raises(OutdatedFile, match="has changed in the meantime"):
            write_text(FILES, path, "new", base="old")
    with pytest.raises(OutdatedFile):
        delete(FILES, "src/", base=tag_of({**FILES, "src/b.ts": "mine"}, "src/"))


def test_files_are_added_but_never_over_others() -> None:
    edit = add_files(FILES, {" ./src/new.ts ": "", "x.bin": stored(b"\0")})
    assert edit.summary == "Added src/new.ts, x.bin"
    assert edit.files["src/new.ts"] == ""
    with pytest.raises(Refused, match=r"There is already a file a\.ts"):
        add_files(FILES, {"a.ts": ""})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "Enter a path"),
        ("/", "Enter a path"),
        ("/etc/passwd", "is an absolute path"),
        ("../outside.ts", r"points outside of the project \(\.\.\)"),
        ("src/../../outside.ts", "points outside of the project"),
        ("a\\b.ts", "backslash"),
        ("src//x.ts", "empty part"),
        ("A.ts", "differs from a.ts only in case"),
        ("a.ts/x.ts", "is in a.ts, which is a file"),
        ("src", "is a file and a folder|which is a file"),
        (".env", "may hold secrets"),
        ("node_modules/x.js", "holds npm packages"),
        ("con.ts", "Windows reserves"),
        ("a\u202eb.ts", "invisible character"),
        ("x\ud800.ts", "is not UTF-8|invisible"),
        ("x" * 300, "more than 255 bytes"),
    ],
)
def test_paths_that_no_file_can_have_are_refused(path: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        add_files(FILES, {path: ""})
    with pytest.raises(Refused, match=reason):
        moved("win.txt", path)


def test_a_file_moves_to_a_path_or_into_a_folder() -> None:
    assert moved("a.ts", "src/d.ts").moved == {"a.ts": "src/d.ts"}
    edit = moved("a.ts", "src/")
    assert edit.files["src/a.ts"] == "a"
    assert (edit.summary, edit.opened) == ("Moved a.ts to src/a.ts", "src/a.ts")
    with pytest.raises(Refused, match=r"There is already a file src/b\.ts"):
        moved("a.ts", "src/b.ts")


def test_a_file_can_change_the_case_of_its_name() -> None:
    assert "A.ts" in moved("a.ts", "A.ts").files


def test_a_folder_moves_with_everything_in_it() -> None:
    edit = moved("src/", "code")
    assert edit.moved == {"src/b.ts": "code/b.ts", "src/lib/c.ts": "code/lib/c.ts"}
    assert edit.summary == "Moved src/ to code/"
    assert "src/src/b.ts" in moved("src/", "src/src").files


def test_files_and_folders_are_deleted_but_not_all_files() -> None:
    assert list(delete(FILES, "src/", base=tag_of(FILES, "src/")).files) == ["a.ts", "win.txt"]
    with pytest.raises(Refused, match=r"There is no file gone\.ts"):
        delete(FILES, "gone.ts", base="")
    with pytest.raises(Refused, match="needs at least one file"):
        delete({"a.ts": ""}, "a.ts", base=tag_of({"a.ts": ""}, "a.ts"))


def test_a_file_is_replaced_by_bytes() -> None:
    edit = replace_file(FILES, "a.ts", b"\0\1", base=tag_of(FILES, "a.ts"))
    assert edit.files["a.ts"] == {"base64": "AAE="}
    with pytest.raises(Refused, match="larger than 1 MB"):
        replace_file(FILES, "a.ts", b"x" * 1_100_000, base=tag_of(FILES, "a.ts"))


def test_text_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(Refused, match="NUL character"):
        write("a.ts", "a\0")
    with pytest.raises(Refused, match="lone surrogate"):
        write("a.ts", "\ud800")
