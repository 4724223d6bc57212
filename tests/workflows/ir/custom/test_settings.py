from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import node_json, type_of, types, with_fields
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.ir.document.registry import Registry
from workflows.ir.reading.fields import milliseconds_of
from workflows.ir.reading.problems import InvalidIR
from workflows.nodes.documents import parse

MODULE = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
SECRET = {"type": "secret", "envVarName": "API_KEY", "required": True}
NUMBER = {"type": "number", "validation": {"min": 1, "max": 10}}
STORE = {"type": "binding", "binding": "kv"}
SIZES = {"type": "select", "options": ["small", "large"]}


def problems_with(value: dict[str, Any], **data: Any) -> list[str]:
    """Return the problems of a node of the type with these settings."""
    return problems(type_of(value), node("a", "greet", **data))


def problems(registry: Registry, *nodes: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in parse(chain(*nodes), registry).problems]


VALID: list[tuple[dict[str, Any], Any]] = [
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
    (STORE, "ORDERS_2"),
    (STORE | {"default": "KV", "required": True}, ""),
]


@pytest.mark.parametrize(("field", "value"), VALID)
def test_a_value_that_fits_is_accepted(field: dict[str, Any], value: Any) -> None:
    assert problems_with(with_fields(a=field), a=value) == []


INVALID: list[tuple[dict[str, Any], Any, str]] = [
    ({}, 5, "must be text, not 5"),
    ({"required": True}, None, "is missing: write text (a)"),
    ({"required": True}, "", "must not be empty"),
    ({"validation": {"minLength": 2}}, "x", "must have at least 2 characters, not 1"),
    ({"validation": {"maxLength": 2}}, "xyz", "must have at most 2 characters, not 3"),
    ({"validation": {"pattern": "^[a-z]+$"}}, "A", 'must match the pattern ^[a-z]+$, but "A"'),
    ({"validation": {"format": "email"}}, "ada", 'must be an email address, not "ada"'),
    ({"validation": {"format": "url"}}, "ftp://x", "must be a URL that starts with https"),
    ({"validation": {"format": "uuid"}}, "1", "must be a UUID"),
    ({"validation": {"format": "date"}}, "2026-02-30", "must be a date such as"),
    ({"validation": {"format": "date-time"}}, "2026-01-31", "must be a date and time such as"),
    ({"validation": {"format": "date"}}, "\u0662026-01-01", "must be a date such as"),
    ({"validation": {"format": "duration"}}, "PT\u0663H", "must be a duration such as"),
    ({"validation": {"format": "duration"}}, "P", "must be a duration such as"),
    (NUMBER, "5", 'must be a number, not "5"'),
    (NUMBER, True, "must be a number, not true"),
    (NUMBER, 0, "must be at least 1, not 0"),
    (NUMBER, "1{{ trigger.n }}", "must be a number or a single reference"),
    ({"type": "boolean"}, "yes", 'must be true or false, not "yes"'),
    (SIZES, "huge", 'must be one of "small", "large", not "huge"'),
    (SIZES | {"type": "multiselect"}, "small", "must be a list of"),
    (SIZES | {"type": "multiselect"}, ["huge", 1], '"huge", 1 must be among "small", "large"'),
    ({"type": "json"}, "{", 'must be JSON or JSON text, not "{"'),
    ({"type": "code", "required": True}, "", "is missing: write an expression (a)"),
    ({"references": False}, "a {{ trigger.x }}", "cannot contain a {{ reference }}, whose value"),
    (STORE, "orders", "must be a name in capital letters such as MY_KV"),
    (STORE, "{{ trigger.x }}", "must be a name in capital letters such as MY_KV"),
    (STORE, 5, "must be text, not 5"),
    (STORE, "WORKFLOW", "WORKFLOW is reserved: choose a different name"),
    (STORE, "KV_BINDING_ID", "KV_BINDING_ID is reserved: choose a different name"),
    (STORE | {"required": True}, "", "is missing: write a name (a)"),
]


@pytest.mark.parametrize(("field", "value", "reason"), INVALID)
def test_a_value_that_does_not_fit_is_a_problem(
    field: dict[str, Any], value: Any, reason: str
) -> None:
    (problem,) = problems_with(with_fields(a=field), a=value)

    assert problem.startswith("nodes.a.data.a: ")
    assert reason in problem


def test_a_field_is_only_required_where_it_applies() -> None:
    value = with_fields(
        action={"type": "select", "options": ["Send it", "Look up"], "default": "Send it"},
        text={"required": True, "shownWhen": {"action": ["Send it"]}},
        id={"required": True, "shownWhen": {"action": ["Look up"]}},
    )

    assert problems_with(value, text="a") == []
    assert problems_with(value, action="Look up", id="a") == []
    assert problems_with(value, action="{{ trigger.action }}") == []
    assert problems_with(value) == ["nodes.a.data.text: is missing: write text (text)"]
    assert problems_with(value, action="Look up", text="a") == [
        "nodes.a.data.id: is missing: write text (id)"
    ]


def test_a_secret_is_only_needed_where_it_applies() -> None:
    value = with_fields(
        action={"type": "select", "options": ["Send", "Receive"], "default": "Send"},
        key=SECRET | {"shownWhen": {"action": ["Send"]}},
    )

    needed, spare = (
        generate_from_document(chain(node("a", "greet", action=action)), MODULE, type_of(value))
        for action in ("Send", "Receive")
    )

    assert [use.name for use in needed.env_uses] == ["API_KEY"]
    assert (spare.env_uses, "API_KEY?: string;" in spare.source) == ((), True)


def test_a_secret_in_a_document_is_refused_and_not_repeated() -> None:
    (problem,) = problems_with(with_fields(key=SECRET), key="hunter2")

    assert problem.startswith("nodes.a.data.key: is a secret and must not be in the document")
    assert "set the secret variable API_KEY" in problem
    assert "hunter2" not in problem


def test_there_is_a_warning_for_an_unknown_setting() -> None:
    (problem,) = problems_with(with_fields(name={}), nme="Ada")

    assert 'nodes.a.data.nme: "nme" is not a setting of this node type' in problem


def test_a_node_can_override_the_retries_and_timeout_of_its_type() -> None:
    value = node_json(runtime={"defaultRetries": 2, "defaultTimeout": "30 seconds"})
    other = node("b", "greet") | {"config": {"retries": {"limit": 7}, "timeout": 1000}}

    ir = parse(chain(node("a", "greet"), other), type_of(value)).ir

    assert ir
    policies = [ir.nodes[id_].settings.policy for id_ in "ab"]
    assert [policy.limit for policy in policies] == [2, 7]
    assert [milliseconds_of(policy.timeout) for policy in policies] == [30_000, 1000]


def test_a_field_can_have_the_name_of_a_retry_setting() -> None:
    parsed = parse(chain(node("a", "greet", timeout="x")), type_of(with_fields(timeout={})))

    assert parsed.problems == ()
    assert parsed.ir
    assert milliseconds_of(parsed.ir.nodes["a"].settings.policy.timeout) == 600_000


# Versions


VERSIONS = types((node_json(), ""), (node_json(version="2.0.0", description="Better."), ""))


def test_a_node_uses_the_version_that_it_pins() -> None:
    newer = node("b", "greet") | {"version": "2.0.0"}

    ir = parse(chain(node("a", "greet"), newer), VERSIONS).ir

    assert ir
    assert [ir.nodes[id_].type.version for id_ in "ab"] == ["1.0.0", "2.0.0"]


def test_the_problem_of_an_unknown_version_lists_the_known_versions() -> None:
    (problem,) = problems(VERSIONS, node("a", "greet") | {"version": "3.0.0"})

    assert problem == 'nodes.a.version: must be one of "1.0.0", "2.0.0", not "3.0.0"'


def test_the_problem_of_an_unknown_type_lists_similar_types_first() -> None:
    (problem,) = problems(VERSIONS, node("a", "great"))

    assert '"great" is not a node type: use one of "greet", "step"' in problem


KINDS: list[dict[str, Any]] = [
    {}, NUMBER, SIZES, SIZES | {"type": "multiselect", "required": True}, SECRET,
    {"type": "boolean"}, {"type": "code"}, {"type": "json"}, {"type": "textarea", "required": True},
    {"validation": {"pattern": "^[a-z]*$", "format": "url"}},
]  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(
            ["{{ trigger.x }}", "{{ no }}", "a {{ trigger }}", "small", "{", "\0", "`"]
        ),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=examples(60, 1000))
@given(field=st.sampled_from(KINDS), value=VALUES)
def test_no_value_raises_an_exception(field: dict[str, Any], value: Any) -> None:
    """Every value results in a problem or in a program."""
    ir_document = chain(node("a", "greet", a=value))
    registry = type_of(with_fields(a=field))
    parsed = parse(ir_document, registry)

    with suppress(InvalidIR):
        assert generate_from_document(ir_document, MODULE, registry).source
    assert (parsed.ir is None) == any(problem.is_error for problem in parsed.problems)
