"""What differs between the files of two versions of a project."""

from __future__ import annotations

from typing import Any

from tests.workflows.documents.comparison.contents import content
from tests.workflows.ir.documents import chain, node
from workflows.documents.comparison.comparison import Comparison, compare
from workflows.ir.document.kinds import project_document


def differences(before: dict[str, Any], after: dict[str, Any], **changes: Any) -> Comparison:
    document = project_document("Shop")
    return compare(content(document, files=before), content(document, files=after, **changes))


def test_files_are_added_removed_and_changed() -> None:
    found = differences({"a.ts": "1;\n", "b.ts": "2;\n"}, {"b.ts": "3;\n", "c.ts": "4;\n"})

    assert [(file.path, file.how) for file in found.files] == [
        ("a.ts", "removed"),
        ("b.ts", "changed"),
        ("c.ts", "added"),
    ]
    assert found.summary == "1 file added, 1 removed, 1 changed"
    assert found
    assert found.has_places  # no remark about nodes


def test_changed_text_has_its_lines_with_numbers() -> None:
    (file,) = differences({"a.ts": "one\ntwo\n"}, {"a.ts": "one\n2\n"}).files

    lines = [line for block in file.lines().blocks for line in block.lines]
    assert [(line.sign, line.text, line.before, line.after) for line in lines] == [
        (" ", "one", 1, 1),
        ("-", "two", 2, None),
        ("+", "2", None, 2),
    ]


def test_binary_files_are_compared_by_size_and_hash() -> None:
    (file,) = differences({"a.png": {"base64": "/w=="}}, {"a.png": {"base64": "/v8="}}).files

    assert not file.has_lines
    assert file.before == "Binary, 1 byte, SHA-256 a8100ae6aa1940d0"
    assert file.after is not None
    assert file.after.startswith("Binary, 2 bytes, SHA-256 ")


def test_a_file_that_becomes_text_is_described_on_both_sides() -> None:
    (file,) = differences({"a": {"base64": "/w=="}}, {"a": "text"}).files

    assert file.after is not None
    assert file.after.startswith("Text, 4 bytes")


def test_other_line_breaks_are_noticed() -> None:
    (file,) = differences({"a.ts": "1;\r\n2;\r\n"}, {"a.ts": "1;\n2;\n"}).files

    assert file.differs_only_at_line_ends


def test_an_added_empty_file_is_a_difference() -> None:
    (file,) = differences({"a.ts": "1;"}, {"a.ts": "1;", "b.ts": ""}).files

    assert (file.how, bool(file.lines())) == ("added", False)


def test_the_name_and_the_packages_are_compared_too() -> None:
    before = content(project_document("Old"), files={"a.ts": ""}, dependencies={"zod": "1.0.0"})
    after = content(project_document("New"), files={"a.ts": ""}, dependencies={"zod": "2.0.0"})

    assert compare(before, after).summary == "Name and npm packages changed"


def test_a_graph_is_compared_with_the_project_that_it_became() -> None:
    graph = content(chain(node("load", name="Load")))
    found = compare(graph, content(project_document("Test"), files={"a.ts": "1;"}))

    assert [part.title for part in found.parts if part.title == "Kind"] == ["Kind"]
    assert [file.path for file in found.files] == ["a.ts"]


def test_equal_files_do_not_differ() -> None:
    assert not differences({"a.ts": "1;"}, {"a.ts": "1;"})


def test_only_so_many_lines_are_matched_on_one_page() -> None:
    lines = [f"{number % 3}\n" for number in range(1_500)]
    before, after = "".join(lines), "".join(reversed(lines)) + "end\n"
    names = [f"file{number:02}.txt" for number in range(30)]

    found = differences(dict.fromkeys(names, before), dict.fromkeys(names, after)).files

    matched = sum(file.is_matched for file in found)
    last = found[-1].lines()
    assert 0 < matched < len(found)
    assert not any(file.is_matched for file in found[matched:])
    assert (last.removed, last.added) == (1_500, 1_501)
