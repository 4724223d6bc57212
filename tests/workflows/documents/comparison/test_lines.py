"""Lines of two texts side by side."""

from __future__ import annotations

from random import Random

import pytest

from workflows.documents.comparison.lines import CONTEXT, LineDiff, compare_lines


def signed(diff: LineDiff) -> list[str]:
    return [f"{line.sign}{line.text}" for block in diff.blocks for line in block.lines]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("a", "a", [" a"]),
        ("", "a\nb\n", ["+a", "+b"]),
        ("a\nb", "", ["-a", "-b"]),
        ("a\nb\nc", "a\nx\nc", [" a", "-b", "+x", " c"]),
        ("a\nb", "b", ["-a", " b"]),
        ("a\n", "a\n\n", [" a", "+"]),
    ],
)
def test_lines_are_aligned(before: str, after: str, expected: list[str]) -> None:
    assert signed(compare_lines(before, after)) == expected


def test_lines_have_their_numbers_on_both_sides() -> None:
    diff = compare_lines("a\nb\nc", "b\nx\nc")

    numbers = [(line.before, line.after) for block in diff.blocks for line in block.lines]
    assert numbers == [(1, None), (2, 1), (None, 2), (3, 3)]


def test_unchanged_lines_that_are_not_near_a_change_are_folded() -> None:
    before = [str(number) for number in range(50)]
    after = [*before[:20], "new", *before[20:]]

    blocks = compare_lines("\n".join(before), "\n".join(after)).blocks

    assert [block.is_folded for block in blocks] == [True, False, True]
    assert [len(block.lines) for block in blocks] == [17, 2 * CONTEXT + 1, 27]


def test_equal_texts_are_folded_and_have_no_differences() -> None:
    diff = compare_lines("a\n" * 9, "a\n" * 9)

    assert not diff
    assert [block.is_folded for block in diff.blocks] == [True]


def test_each_side_can_be_read_from_the_aligned_lines() -> None:
    random = Random(1)  # noqa: S311 - reproducible
    for _ in range(300):
        before, after = (
            "\n".join(random.choices("abcdef", k=random.randrange(1, 30))) for _ in range(2)
        )
        rows = signed(compare_lines(before, after))
        assert "\n".join(row[1:] for row in rows if row[0] != "+") == before
        assert "\n".join(row[1:] for row in rows if row[0] != "-") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x\n" * 40_000, "y\nx\n" * 20_000),
        ("\n".join(map(str, range(30_000))), "\n".join(map(str, range(30_000, 0, -1)))),
        ("a\nb\n" * 900 + "c\n" * 900, "b\na\n" * 900 + "c\n" * 900),
    ],
    ids=["too many pairs", "reversed", "in another process"],
)
def test_lines_that_would_take_long_are_still_all_there(before: str, after: str) -> None:
    rows = signed(compare_lines(before, after))

    assert "\n".join(row[1:] for row in rows if row[0] != "+") == before.removesuffix("\n")
    assert "\n".join(row[1:] for row in rows if row[0] != "-") == after.removesuffix("\n")
