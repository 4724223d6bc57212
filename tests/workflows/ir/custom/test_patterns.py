from __future__ import annotations

import pytest

from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import definition, problems, type_of, with_fields
from tests.workflows.monsters import NAMES, monsters
from workflows.ir.settings.patterns import InvalidPattern, UnsupportedPattern, read_pattern
from workflows.nodes.documents import parse


def test_a_pattern_matches_any_part_of_a_value() -> None:
    pattern = read_pattern(r"^\d{3}-[a-z]+$")

    assert pattern.matches("123-abc")
    assert not pattern.matches("123-")
    assert not pattern.matches("١٢٣-abc")  # \d has the digits 0 to 9, as in JavaScript


@pytest.mark.parametrize("monster", NAMES)
def test_no_pattern_takes_long_to_read(monster: str) -> None:
    with pytest.raises(InvalidPattern):
        read_pattern(monsters(1_000_000)[monster])


def test_a_pattern_that_would_backtrack_forever_matches_immediately() -> None:
    assert not read_pattern("(x+x+)+y").matches("x" * 1_000_000)
    types = type_of(with_fields(a={"validation": {"pattern": "(x+x+)+y"}}))

    parsed = parse(chain(node("n", "greet", a="x" * 1_000_000)), types)

    assert "must match the pattern (x+x+)+y" in str(parsed.problems[0])


@pytest.mark.parametrize("source", ["^(?!a)", r"(a)\1", r"\u0041", "(?<=a)b"])
def test_a_pattern_that_cannot_be_matched_in_bounded_time_is_a_warning(source: str) -> None:
    with pytest.raises(UnsupportedPattern):
        read_pattern(source)
    value = with_fields(a={"validation": {"pattern": source}})

    assert definition(value).fields[0].rules.pattern is None
    [problem] = problems(value)
    assert problem.startswith("configSchema.a.validation.pattern: uses syntax that RE2")
