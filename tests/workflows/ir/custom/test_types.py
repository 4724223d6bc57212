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

INVALID: dict[str, tuple[Any, str]] = {
    "no object": ([], "document: must be an object, not []"),
    "a capital letter": (node_json("Greet"), "id: must consist of a-z"),
    "the id of a built-in type": (node_json("step"), 'id: "step" is a built-in node type'),
    "an incomplete version": (node_json(version="1.0"), "version: must be a version such as"),
    "a version with zeros in front": (node_json(version="01.0.0"), "version: must be a version"),
    "a long description": (node_json(description="x" * 121), "at most 120 characters, not 121"),
    "no description": (node_json(description=None), "description: is missing: write text"),
    "no settings": (node_json(configSchema=None), "configSchema: is missing: write an object"),
    "no providers": (node_json(providers=None), 'providers: is missing: write ["cloudflare"]'),
    "another provider": (node_json(providers=["temporal"]), 'providers: must include "cloudflare"'),
    "tags that are not texts": (node_json(tags=[1]), "tags: must be a list of strings"),
    "a URL with JavaScript": (node_json(docsUrl="javascript:x"), "docsUrl: must start with https"),
    "a package with a path": (
        node_json(dependencies={"a": "../a"}),
        "dependencies.a: must be a package name with a version",
    ),
    "retries that are not a number": (
        node_json(runtime={"defaultRetries": "3"}),
        "runtime.defaultRetries: must be a whole number",
    ),
    "an invalid timeout": (
        node_json(runtime={"defaultTimeout": "soon"}),
        "runtime.defaultTimeout: must be a number of milliseconds",
    ),
    "a timeout with a reference": (
        node_json(runtime={"defaultTimeout": "{{ a }} seconds"}),
        "runtime.defaultTimeout: cannot contain a {{ reference }}",
    ),
    "an unknown type": (with_fields(a={"type": "date"}), "configSchema.a.type: must be one of"),
    "a field without a type": (
        node_json(configSchema={"a": {"label": "A"}}),
        "configSchema.a.type: is missing",
    ),
    "an invalid key": (with_fields(**{"a-b": {}}), 'a-b: "a-b" must be a name'),
    "the prototype as a key": (with_fields(__proto__={}), "must be a name of letters"),
    "a secret without a variable": (
        with_fields(key={"type": "secret"}),
        "configSchema.key.envVarName: is missing",
    ),
    "a variable in lowercase": (
        with_fields(key=SECRET | {"envVarName": "api_key"}),
        "configSchema.key.envVarName: must be a name such as API_KEY",
    ),
    "a variable that names a resource": (
        with_fields(key=SECRET | {"envVarName": "X_BINDING_ID"}),
        "X_BINDING_ID is reserved",
    ),
    "a select without options": (
        with_fields(a={"type": "select"}),
        "configSchema.a.options: is missing",
    ),
    "a duplicate option": (
        with_fields(a=SIZES | {"options": ["a", "a"]}),
        "configSchema.a.options: lists an option twice",
    ),
    "a rule for another type": (
        with_fields(a={"validation": {"min": 1}}),
        "configSchema.a.validation.min: applies only to number fields, not to string: remove it",
    ),
    "a text rule for a number": (
        with_fields(a={"type": "number", "validation": {"pattern": "x"}}),
        "applies only to string and textarea fields, not to number: remove it",
    ),
    "a binding without a kind": (
        with_fields(a={"type": "binding"}),
        'configSchema.a.binding: is missing: write one of "kv", "d1"',
    ),
    "a binding of an unknown kind": (
        with_fields(a={"type": "binding", "binding": "redis"}),
        'configSchema.a.binding: must be one of "kv", "d1"',
    ),
    "a kind on a field that is not a binding": (
        with_fields(a={"binding": "kv"}),
        "configSchema.a.binding: applies only to binding fields, not to string: remove it",
    ),
    "a default that is not a name of a binding": (
        with_fields(a={"type": "binding", "binding": "kv", "default": "my kv"}),
        "configSchema.a.default: must be a name in capital letters such as MY_KV",
    ),
    "a field without references that is not text": (
        with_fields(a={"type": "number", "references": False}),
        "configSchema.a.references: applies only to string and textarea fields, not to number",
    ),
    "a condition on several fields": (
        with_fields(a=SIZES, b=SIZES, c={"shownWhen": {"a": ["small"], "b": ["small"]}}),
        "configSchema.c.shownWhen: must name one select field",
    ),
    "a condition on a field that is not a select": (
        with_fields(a={}, b={"shownWhen": {"a": ["small"]}}),
        'configSchema.b.shownWhen: "a" is not a select field of this type',
    ),
    "a condition on an unknown option": (
        with_fields(a=SIZES, b={"shownWhen": {"a": ["huge"]}}),
        'configSchema.b.shownWhen.a: must be a list of "small", "large", not ["huge"]',
    ),
    "a condition that is not a list": (
        with_fields(a=SIZES, b={"shownWhen": {"a": "small"}}),
        'configSchema.b.shownWhen.a: must be a list of "small", "large", not "small"',
    ),
    "a minimum above the maximum": (
        with_fields(a={"type": "number", "validation": {"min": 2, "max": 1}}),
        "configSchema.a.validation.min: must not be greater than max",
    ),
    "a minimum length above the maximum": (
        with_fields(a={"validation": {"minLength": 2, "maxLength": 1}}),
        "minLength: must not be greater than maxLength",
    ),
    "an invalid pattern": (
        with_fields(a={"validation": {"pattern": "("}}),
        "configSchema.a.validation.pattern: must be a regular expression",
    ),
    "an unknown format": (
        with_fields(a={"validation": {"format": "phone"}}),
        "configSchema.a.validation.format: must be one of",
    ),
    "a default of another type": (
        with_fields(a=NUMBER | {"default": "5"}),
        'configSchema.a.default: must be a number, not "5"',
    ),
    "a default that breaks its own rule": (
        with_fields(a=NUMBER | {"default": 11}),
        "configSchema.a.default: must be at most 10, not 11",
    ),
    "a default that is not an option": (
        with_fields(a=SIZES | {"default": "huge"}),
        "configSchema.a.default: must be one of",
    ),
    "a default with a reference": (
        with_fields(a={"default": "{{ b }}"}),
        "configSchema.a.default: cannot contain a {{ reference }}",
    ),
    "an output of an unknown type": (
        node_json(outputSchema={"id": {"type": "text"}}),
        "outputSchema.id.type: must be one of",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_problem_of_a_definition_has_its_path(name: str) -> None:
    value, expected = INVALID[name]

    (problem,) = problems(value)

    assert expected in problem


def test_all_problems_are_reported_together() -> None:
    fields = {"a": {"type": "select"}, "b": {"type": "secret"}}

    messages = problems(node_json("X", version="1", providers=[], configSchema=fields))

    assert [message.partition(":")[0] for message in sorted(messages)] == [
        "configSchema.a.options", "configSchema.b.envVarName", "id", "providers", "version",
    ]  # fmt: skip


def test_the_default_of_a_secret_is_a_problem_and_is_not_repeated() -> None:
    (problem,) = problems(with_fields(key=SECRET | {"default": "hunter2"}))

    assert "a secret cannot have a default" in problem
    assert "hunter2" not in problem


def test_there_is_a_warning_for_what_has_no_effect() -> None:
    (problem,) = problems(with_fields(a={"requird": True}))

    assert (
        problem
        == 'configSchema.a.requird: "requird" is not a field property and has no effect: check the spelling'
    )


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


def test_the_warning_for_a_deprecated_type_names_its_replacement() -> None:
    old = node_json(deprecated=True, deprecationMessage="Misspells names.", replacedBy="hello")

    parsed = parse(chain(node("a", "greet")), type_of(old))

    assert [str(problem) for problem in parsed.problems] == [
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
def test_no_definition_raises_an_exception(data: st.DataObject) -> None:
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
