from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import definition, node_json, problems, type_of, with_fields
from workflows.ir.custom.definition import read_definition
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse

SECRET = {"type": "secret", "envVarName": "API_KEY", "required": True}
NUMBER = {"type": "number", "validation": {"min": 1, "max": 10}}
SIZES = {"type": "select", "options": ["small", "large"]}

BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([], "document: must be an object, not []"),
    "a capital letter": (node_json("Greet"), "id: must be a name of a-z"),
    "a name that is taken": (node_json("step"), 'id: "step" is a built-in node type'),
    "a version that is none": (node_json(version="1.0"), "version: must be a version such as"),
    "a version with zeros in front": (node_json(version="01.0.0"), "version: must be a version"),
    "a long description": (node_json(description="x" * 121), "at most 120 characters, not 121"),
    "no description": (node_json(description=None), "description: is missing: write text"),
    "no settings": (node_json(configSchema=None), "configSchema: is missing: write an object"),
    "no providers": (node_json(providers=None), 'providers: is missing: write ["cloudflare"]'),
    "another provider": (node_json(providers=["temporal"]), 'providers: must hold "cloudflare"'),
    "tags that are no texts": (node_json(tags=[1]), "tags: must be a list of texts"),
    "an address that runs": (node_json(docsUrl="javascript:x"), "docsUrl: must begin with https"),
    "a package by its path": (
        node_json(dependencies={"a": "../a"}),
        "dependencies.a: write a package's name and its version",
    ),
    "retries that are no number": (
        node_json(runtime={"defaultRetries": "3"}),
        "runtime.defaultRetries: must be a whole number",
    ),
    "a timeout that is none": (
        node_json(runtime={"defaultTimeout": "soon"}),
        "runtime.defaultTimeout: write a number of milliseconds",
    ),
    "a timeout by reference": (
        node_json(runtime={"defaultTimeout": "{{ a }} seconds"}),
        "runtime.defaultTimeout: must hold no {{ reference }}",
    ),
    "an unknown kind": (with_fields(a={"type": "date"}), "configSchema.a.type: must be one of"),
    "a field without a kind": (
        node_json(configSchema={"a": {"label": "A"}}),
        "configSchema.a.type: is missing",
    ),
    "a key that is no name": (with_fields(**{"a-b": {}}), 'a-b: "a-b" must be a name'),
    "the prototype as a key": (with_fields(__proto__={}), "must be a name of letters"),
    "a secret without a variable": (
        with_fields(key={"type": "secret"}),
        "configSchema.key.envVarName: is missing",
    ),
    "a variable in small letters": (
        with_fields(key=SECRET | {"envVarName": "api_key"}),
        "configSchema.key.envVarName: must be as in API_KEY",
    ),
    "a variable that names a resource": (
        with_fields(key=SECRET | {"envVarName": "X_BINDING_ID"}),
        "X_BINDING_ID means something else",
    ),
    "a choice of nothing": (
        with_fields(a={"type": "select"}),
        "configSchema.a.options: is missing",
    ),
    "an option twice": (
        with_fields(a=SIZES | {"options": ["a", "a"]}),
        "configSchema.a.options: holds an option twice",
    ),
    "a rule for another kind": (
        with_fields(a={"validation": {"min": 1}}),
        "configSchema.a.validation.min: is a rule for number, not for string",
    ),
    "a rule for texts": (
        with_fields(a={"type": "number", "validation": {"pattern": "x"}}),
        "is a rule for string and textarea, not for number",
    ),
    "bounds the wrong way": (
        with_fields(a={"type": "number", "validation": {"min": 2, "max": 1}}),
        "configSchema.a.validation.min: must not be larger than max",
    ),
    "lengths the wrong way": (
        with_fields(a={"validation": {"minLength": 2, "maxLength": 1}}),
        "minLength: must not be larger than maxLength",
    ),
    "a pattern that is none": (
        with_fields(a={"validation": {"pattern": "("}}),
        "configSchema.a.validation.pattern: cannot be read as a regular expression",
    ),
    "a format that is none": (
        with_fields(a={"validation": {"format": "phone"}}),
        "configSchema.a.validation.format: must be one of",
    ),
    "a default of another kind": (
        with_fields(a=NUMBER | {"default": "5"}),
        'configSchema.a.default: must be a number, not "5"',
    ),
    "a default that breaks its own rule": (
        with_fields(a=NUMBER | {"default": 11}),
        "configSchema.a.default: must be at most 10, not 11",
    ),
    "a default that is no option": (
        with_fields(a=SIZES | {"default": "huge"}),
        "configSchema.a.default: must be one of",
    ),
    "a default that refers": (
        with_fields(a={"default": "{{ b }}"}),
        "configSchema.a.default: must hold no {{ reference }}",
    ),
    "an output of no type": (
        node_json(outputSchema={"id": {"type": "text"}}),
        "outputSchema.id.type: must be one of",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_definition_is_told_with_its_path(name: str) -> None:
    value, told = BROKEN[name]

    (found,) = problems(value)

    assert told in found


def test_all_problems_are_told_at_once() -> None:
    fields = {"a": {"type": "select"}, "b": {"type": "secret"}}

    found = problems(node_json("X", version="1", providers=[], configSchema=fields))

    assert [one.partition(":")[0] for one in sorted(found)] == [
        "configSchema.a.options", "configSchema.b.envVarName", "id", "providers", "version",
    ]  # fmt: skip


def test_the_default_of_a_secret_is_refused_and_not_repeated() -> None:
    (told,) = problems(with_fields(key=SECRET | {"default": "hunter2"}))

    assert "a secret has no default" in told
    assert "hunter2" not in told


def test_what_has_no_effect_is_said() -> None:
    (told,) = problems(with_fields(a={"requird": True}))

    assert told == "configSchema.a.requird: is no part of a field: it has no effect"


OUTPUTS = {
    "{ id: string; when: string | null }": {
        "id": {"type": "string"},
        "when": {"type": "string", "nullable": True},
    },
    "({ n: number })[]": {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "number"}}},
    },
    '{ "a-b": any[]; type: Record<string, any> }': {
        "a-b": {"type": "array"},
        "type": {"type": "object"},
    },
    "any": None,
}


@pytest.mark.parametrize("typescript", OUTPUTS)
def test_the_output_has_a_type(typescript: str) -> None:
    assert definition(node_json(outputSchema=OUTPUTS[typescript])).output == typescript


def test_a_type_that_is_deprecated_says_what_to_use() -> None:
    old = node_json(deprecated=True, deprecationMessage="Misspells names.", replacedBy="hello")

    parsed = parse(chain(node("a", "greet")), type_of(old))

    assert [str(one) for one in parsed.problems] == [
        "nodes.a.type: greet 1.0.0 is deprecated: Misspells names: use hello instead"
    ]
    assert parsed.ir


ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(
            ["{{ a }}", "select", "secret", "[[a]", "(?i", "cloudflare", "\0", "\ud800"]
        ),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
WHOLE = node_json(
    configSchema={
        "a": {"type": "string", "label": "A", "default": "x", "validation": {"pattern": "x"}},
        "b": {"type": "select", "options": ["x", "y"], "default": "x", "required": True},
        "c": SECRET,
        "d": NUMBER | {"default": 2},
        "e": {"type": "code", "default": "1 + 1"},
    },
    outputSchema={"id": {"type": "object", "properties": {"n": {"type": "number"}}}},
    dependencies={"zod": "4.1.0"},
    runtime={"defaultRetries": 1, "defaultTimeout": "1 minute"},
)


@settings(deadline=None, max_examples=examples(60, 1000))
@given(data=st.data())
def test_no_definition_raises(data: st.DataObject) -> None:
    mutant = copy.deepcopy(WHOLE)
    container: Any = mutant
    while isinstance(
        inner := container[key := data.draw(st.sampled_from(sorted(container)))], dict
    ):
        if not inner or data.draw(st.booleans()):
            break
        container = inner
    container[key] = data.draw(ODD)

    read = read_definition(mutant, built_in=NODE_TYPES.names)

    assert (read.definition is None) == any(problem.is_error for problem in read.problems)
    assert all(str(problem) for problem in read.problems)
