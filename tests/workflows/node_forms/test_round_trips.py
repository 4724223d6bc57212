"""An unchanged form changes nothing, whatever the document contains."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import node
from tests.workflows.ir.odd_values import CONDITIONS, EXPRESSIONS, NASTY, STATEMENTS, TIMES, VALUES
from tests.workflows.node_forms.browser import posted, rendered
from tests.workflows.nodes.test_palette import TYPES
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.ir.settings.setting_field import SettingField
from workflows.node_forms.changes import FormChanges, form_changes, with_changes
from workflows.node_forms.form import node_form, trigger_form

BY_NAME = {type_.name: type_ for type_ in TYPES}
LIKELY: tuple[Any, ...] = (
    "2 hours", 7_200_000, "5000", "2h", 5, -1, 1.0, 1e22, "{{ trigger.x }}", "line one\nline two",
    "line one\r\nline two", "\n\nleading", "\rlone", "GET", "yes", "always", "2030-01-31T12:00:00Z",
    "2030-01-31T12:00:05+02:00", "2030-99-31T12:00:00Z", "2030-01-31T12:00Z", "Date.now() + 1", True, False,
    {"a": "b", "c": "{{ trigger.x }}"}, {"a": 1}, {"a": ["b"]}, {"a\nb": "c"}, {"": "x"}, '{"a": {{ trigger.x }}}',
    '{"a": 1}', '"text"', ["salt"], ["salt", "salt"], ["pepper"], ["{{ trigger.x }}"],
    [{"label": "a", "condition": "b"}], [{"label": "a"}], [{"label": "a", "condition": None, "id": 7}],
    [{"label": 5, "condition": "x\ny"}], [{"label": "a\nb", "condition": ""}, {"label": "", "condition": ""}],
    [{}], ["x"], [], {}, "</textarea><script>", "\"'<>&amp;", "\x1f\x7f",
)  # fmt: skip
TEXTS = st.sampled_from(
    [*LIKELY, *NASTY, *VALUES, *STATEMENTS, *CONDITIONS, *EXPRESSIONS, *TIMES]
) | st.text(max_size=20)


def untouched(item: dict[str, Any], type_: NodeType) -> FormChanges:
    html = rendered(node_form(item, type_))
    return form_changes(item, type_.fields, posted(html))


def values_of(field: SettingField) -> st.SearchStrategy[Any]:
    options = [st.sampled_from(field.options)] if field.options else []
    return st.one_of(*options, TEXTS)


@pytest.mark.parametrize("name", sorted(BY_NAME))
@settings(
    deadline=None,
    max_examples=examples(15, 1000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_an_untouched_form_of_a_node_changes_nothing(name: str, data: st.DataObject) -> None:
    type_ = BY_NAME[name]
    item = node("a b", name, **type_.new_data())
    for field in type_.fields:
        if data.draw(st.booleans()):
            item["data"][field.name] = data.draw(values_of(field))
    if data.draw(st.booleans()):
        retries = {key: data.draw(TEXTS) for key in ("limit", "delay", "backoff")}
        item["config"] = data.draw(
            st.sampled_from(
                [
                    {"retries": retries},
                    {"retries": 5, "timeout": "1 minute"},
                    {"sensitive": True},
                    7,
                ]
            )
        )

    assert untouched(item, type_) == FormChanges(changes=(), errors={})


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_no_control_changes_a_typical_value(name: str) -> None:
    type_ = BY_NAME[name]

    for value in LIKELY:
        item = node("a", name, **{field.name: value for field in type_.fields})
        assert untouched(item, type_) == FormChanges(changes=(), errors={}), value


@pytest.mark.parametrize("name", TRIGGER_TYPES)
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_untouched_form_of_a_trigger_changes_nothing(name: str, data: st.DataObject) -> None:
    type_ = TRIGGER_TYPES[name]
    trigger = {"type": name, **{field.name: data.draw(values_of(field)) for field in type_.fields}}

    html = rendered(trigger_form(trigger, type_))

    assert form_changes({"trigger": trigger}, type_.fields, posted(html)).changes == ()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_applying_no_changes_returns_an_equal_node(name: str) -> None:
    item = node("a", name, **BY_NAME[name].new_data())

    assert with_changes(copy.deepcopy(item), ()) == item
