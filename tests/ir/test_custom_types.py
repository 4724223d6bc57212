from __future__ import annotations

from typing import Any

import pytest

from tests.ir.documents import chain, node
from tests.ir.node_jsons import definition, node_json, problems, type_of, types, with_fields
from workflows.ir.fields import length_of
from workflows.ir.registry import Registry
from workflows.ir.validate import parse

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


# Documents that use one


def told(value: dict[str, Any], **data: Any) -> list[str]:
    """Return what is wrong with a node of the type with these settings."""
    return said(type_of(value), node("a", "greet", **data))


def said(registry: Registry, *nodes: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in parse(chain(*nodes), registry).problems]


FITTING: list[tuple[dict[str, Any], Any]] = [
    ({}, "text {{ trigger.x }}"),
    ({"validation": {"maxLength": 3}}, "{{ trigger.long_name }}"),
    ({"validation": {"format": "email"}}, "ada@example.com"),
    ({"validation": {"format": "email"}}, ""),
    ({"validation": {"format": "duration"}}, "PT2H30M"),
    ({"validation": {"format": "date-time"}}, "2026-01-31T12:00:00.5+01:00"),
    ({"validation": {"pattern": "^[a-z]+$"}}, "abc"),
    (NUMBER, 10),
    (NUMBER, 1.5),
    (NUMBER, "{{ trigger.n }}"),
    ({"type": "boolean"}, False),
    ({"type": "boolean"}, "{{ trigger.x }}"),
    (SIZES, "large"),
    (SIZES, "{{ trigger.size }}"),
    (SIZES | {"type": "multiselect"}, ["small", "{{ trigger.size }}"]),
    (SIZES | {"type": "multiselect"}, "{{ trigger.sizes }}"),
    ({"type": "json"}, {"a": ["{{ trigger.x }}"]}),
    ({"type": "json"}, '{"a": {{ trigger.x }}}'),
    ({"type": "code"}, "trigger => trigger.x"),
    ({"type": "expression"}, "{{ trigger.x }} + 1"),
]


@pytest.mark.parametrize(("field", "value"), FITTING)
def test_a_value_that_fits_is_taken(field: dict[str, Any], value: Any) -> None:
    assert told(with_fields(a=field), a=value) == []


WRONG: list[tuple[dict[str, Any], Any, str]] = [
    ({}, 5, "must be text, not 5"),
    ({"required": True}, None, "is missing: write text (a)"),
    ({"required": True}, "", "must not be empty"),
    ({"validation": {"minLength": 2}}, "x", "must have at least 2 characters, not 1"),
    ({"validation": {"maxLength": 2}}, "xyz", "must have at most 2 characters, not 3"),
    ({"validation": {"pattern": "^[a-z]+$"}}, "A", 'must match the pattern ^[a-z]+$, and "A"'),
    ({"validation": {"format": "email"}}, "ada", 'must be an e-mail address, not "ada"'),
    ({"validation": {"format": "url"}}, "ftp://x", "must be an address that begins with https"),
    ({"validation": {"format": "uuid"}}, "1", "must be a UUID"),
    ({"validation": {"format": "date"}}, "2026-02-30", "must be a date such as"),
    ({"validation": {"format": "date-time"}}, "2026-01-31", "must be a moment such as"),
    ({"validation": {"format": "duration"}}, "P", "must be a duration such as"),
    (NUMBER, "5", 'must be a number, not "5"'),
    (NUMBER, True, "must be a number, not true"),
    (NUMBER, 0, "must be at least 1, not 0"),
    (NUMBER, "1{{ trigger.n }}", "must be a number, or one reference alone"),
    ({"type": "boolean"}, "yes", 'must be true or false, not "yes"'),
    (SIZES, "huge", 'must be one of "small", "large", not "huge"'),
    (SIZES | {"type": "multiselect"}, "small", "must be a list of"),
    (SIZES | {"type": "multiselect"}, ["huge", 1], '"huge", 1 are none of "small", "large"'),
    ({"type": "json"}, "{", 'must be JSON, or text that is JSON, not "{"'),
    ({"type": "code", "required": True}, "", "is missing: write an expression (a)"),
]


@pytest.mark.parametrize(("field", "value", "reason"), WRONG)
def test_a_value_that_does_not_fit_is_told(field: dict[str, Any], value: Any, reason: str) -> None:
    (found,) = told(with_fields(a=field), a=value)

    assert found.startswith("nodes.a.data.a: ")
    assert reason in found


def test_a_secret_in_a_document_is_refused_and_not_repeated() -> None:
    (found,) = told(with_fields(key=SECRET), key="hunter2")

    assert found.startswith("nodes.a.data.key: is a secret, which has no place in a document")
    assert "set the secret variable API_KEY" in found
    assert "hunter2" not in found


def test_a_setting_that_the_type_does_not_have_is_warned_of() -> None:
    (found,) = told(with_fields(name={}), nme="Ada")

    assert "nodes.a.data.nme: is not a setting of this type" in found


def test_the_type_has_its_own_retries_and_timeout_which_a_node_may_change() -> None:
    value = node_json(runtime={"defaultRetries": 2, "defaultTimeout": "30 seconds"})
    other = node("b", "greet") | {"config": {"retries": {"limit": 7}, "timeout": 1000}}

    ir = parse(chain(node("a", "greet"), other), type_of(value)).ir

    assert ir
    policies = [ir.nodes[id_].settings.policy for id_ in "ab"]
    assert [policy.limit for policy in policies] == [2, 7]
    assert [length_of(policy.timeout) for policy in policies] == [30_000, 1000]


def test_a_field_may_have_the_name_of_a_retry_setting() -> None:
    parsed = parse(chain(node("a", "greet", timeout="x")), type_of(with_fields(timeout={})))

    assert parsed.problems == ()
    assert parsed.ir
    assert length_of(parsed.ir.nodes["a"].settings.policy.timeout) == 600_000


# Versions


VERSIONS = types((node_json(), ""), (node_json(version="2.0.0", description="Better."), ""))


def test_a_node_has_the_version_that_it_pins() -> None:
    newer = node("b", "greet") | {"version": "2.0.0"}

    ir = parse(chain(node("a", "greet"), newer), VERSIONS).ir

    assert ir
    assert [ir.nodes[id_].type.version for id_ in "ab"] == ["1.0.0", "2.0.0"]


def test_an_unknown_version_names_the_known_ones() -> None:
    (found,) = said(VERSIONS, node("a", "greet") | {"version": "3.0.0"})

    assert found == 'nodes.a.version: must be one of "1.0.0", "2.0.0", not "3.0.0"'


def test_an_unknown_type_names_the_loaded_ones_too() -> None:
    (found,) = said(VERSIONS, node("a", "great"))

    assert '"great" is not a node type: use "step"' in found
    assert '"greet"' in found
