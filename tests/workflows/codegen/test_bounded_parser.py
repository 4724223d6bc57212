from __future__ import annotations

from dataclasses import replace

import pytest

from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import node_json, type_of
from tests.workflows.monsters import NAMES, monsters
from toolchain import bounded_calls
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.syntax import bounded_parser
from workflows.codegen.syntax.bounded_parser import MAX_CODE, MAX_DEPTH, syntax_of
from workflows.codegen.syntax.parser import Syntax
from workflows.compilation.from_document import generate_from_document
from workflows.ir.reading import fields
from workflows.ir.reading.problems import InvalidIR

SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
SIZE = 30_000


def mistakes(source: str, *, is_expression: bool = False) -> list[str]:
    code = fields.code("data.code", source, is_expression=is_expression)
    return [mistake.message for mistake in syntax_of(code).mistakes()]


@pytest.mark.parametrize("monster", sorted(set(NAMES) - {"digits", "letters"}))
def test_code_that_is_slow_to_parse_is_refused_without_parsing_it_here(monster: str) -> None:
    code = fields.code("data.code", monsters(SIZE)[monster], is_expression=False)

    syntax = syntax_of(code)

    assert len(list(syntax.mistakes())) == 1
    assert syntax.tree.root_node.descendant_count == 1


def test_the_problem_names_the_node_and_the_field() -> None:
    code = "!" * SIZE

    with pytest.raises(InvalidIR) as invalid:
        generate_from_document(chain(node("a"), node("b", code=code)), SETTINGS)

    assert [problem.path for problem in invalid.value.problems] == ["nodes.b.data.code"]


def test_entry_code_that_is_slow_to_parse_has_a_problem() -> None:
    with pytest.raises(InvalidIR) as invalid:
        generate_from_document(chain(node("a")), replace(SETTINGS, entry_code="[" * SIZE))

    assert [problem.path for problem in invalid.value.problems] == ["entryCode"]


def test_a_template_that_is_slow_to_parse_has_a_problem() -> None:
    types = type_of(node_json("greet"), "f<T," * (SIZE // 4))

    with pytest.raises(InvalidIR) as invalid:
        generate_from_document(chain(node("a", "greet")), SETTINGS, types)

    assert len(invalid.value.problems) == 1


def test_code_may_have_the_maximum_length_and_no_more() -> None:
    longest = "/" * 2 + "x" * (MAX_CODE - 2)

    assert mistakes(longest) == []
    assert mistakes(longest + "x") == ["is longer than 250 KB: split it"]
    assert mistakes("//" + "é" * (MAX_CODE // 2)) == ["is longer than 250 KB: split it"]


def test_code_may_be_nested_to_the_maximum_depth_and_no_more() -> None:
    def nested(depth: int) -> str:
        return "!" * depth + "x"

    statement, name = 1, 1

    assert mistakes(" " * 600 + nested(MAX_DEPTH - statement - name)) == []
    assert mistakes(" " * 600 + nested(MAX_DEPTH - name)) == [
        "is nested more than 1,000 levels deep: split it into statements"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "const a = 1;\nreturn a +;\n",
        "return 'é' + [1, 2;",
        "return {{ a }} + (1;",
        "\\u0061 = 1;",
        "#!/bin/sh\n",
    ],
)
def test_long_code_has_the_same_mistakes_as_short_code(source: str) -> None:
    short = fields.code("data.code", source, is_expression=False)
    long = fields.code("data.code", source + "\n" + "//" + "x" * 1000, is_expression=False)

    assert list(syntax_of(long).mistakes()) == list(Syntax(short).mistakes())


def test_valid_code_is_inspected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    code = fields.code("data.code", "return 1; //" + "inspected once " * 100, is_expression=False)
    syntax_of(code)
    monkeypatch.setattr(bounded_calls, "call", None)

    assert list(syntax_of(code).mistakes()) == []


def test_one_monster_among_many_codes_is_the_only_one_refused() -> None:
    codes = [
        fields.code("data.code", f"return {number}; //" + "y" * 600, is_expression=False)
        for number in range(3)
    ]
    monster = fields.code("data.code", "f<T," * 5_000, is_expression=False)

    bounded_parser.inspect([*codes[:2], monster, *codes[2:]])

    assert [list(syntax_of(code).mistakes()) for code in codes] == [[]] * 3
    assert list(syntax_of(monster).mistakes())
