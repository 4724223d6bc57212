"""Typed text becomes the intended value, or a sentence that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import branch, node
from tests.workflows.nodes.test_palette import CUSTOM
from workflows.ir.document.step_policy import RETRY_DELAY, RETRY_LIMIT, SENSITIVE, TIMEOUT
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.ir.settings.setting_field import SettingField, fields_by_name
from workflows.node_forms.changes import Change, form_changes, with_changes
from workflows.node_forms.field_kinds import ABSENT, Inputs, InvalidInput
from workflows.node_forms.inputs import shown, value_from_form
from workflows.nodes import branch as branch_type
from workflows.nodes import http_request, loop, sub_workflow
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.waits import sleep_until

(GREET,) = CUSTOM.versions("greet").values()
CUSTOM_FIELDS = fields_by_name(GREET.fields)
EVENT_TYPE = TRIGGER_TYPES["event"].fields[0]

TYPED: list[tuple[SettingField, Inputs, Any]] = [
    (RETRY_LIMIT, {"": [" 3 "]}, 3),
    (RETRY_LIMIT, {"": [""]}, ABSENT),
    (RETRY_DELAY, {"": ["2 hours"]}, "2 hours"),
    (RETRY_DELAY, {"": ["2h"]}, "2 hours"),
    (RETRY_DELAY, {"": ["1 Min"]}, "1 minute"),
    (RETRY_DELAY, {"": ["1.5 hours"]}, 5_400_000),
    (RETRY_DELAY, {"": ["500 ms"]}, 500),
    (RETRY_DELAY, {"": ["7200000"]}, 7_200_000),
    (RETRY_DELAY, {"": ["{{ trigger.wait }}"]}, "{{ trigger.wait }}"),
    (SENSITIVE, {"": ["no", "yes"]}, True),
    (SENSITIVE, {"": ["no"]}, False),
    (SENSITIVE, {"": [""]}, ABSENT),
    (sub_workflow.WAITS, {"": ["no"]}, False),
    (http_request.METHOD, {"": ["POST"]}, "POST"),
    (http_request.METHOD, {"": [""]}, ABSENT),
    (http_request.URL, {"": ["https://x.test/{{ a }}"]}, "https://x.test/{{ a }}"),
    (http_request.HEADERS, {"name": ["a", "", "b"], "value": ["1", "", ""]}, {"a": "1", "b": ""}),
    (http_request.HEADERS, {"name": [""], "value": [""]}, ABSENT),
    (http_request.BODY, {"": ['{"a": 1}']}, {"a": 1}),
    (http_request.BODY, {"": ['{"a": {{ trigger.a }}}']}, '{"a": {{ trigger.a }}}'),
    (http_request.BODY, {"": ["event.payload"]}, "event.payload"),
    (http_request.BODY, {"": ["{ a: 1 }"]}, "{ a: 1 }"),
    (loop.CONDITION, {"": ["a\r\nb"]}, "a\nb"),
    (sleep_until.TIMESTAMP, {"": ["2030-01-31T12:00"], "zone": ["Z"]}, "2030-01-31T12:00:00Z"),
    (sleep_until.TIMESTAMP, {"": ["2030-01-31T12:00:09"], "zone": ["+02:00"]}, "2030-01-31T12:00:09+02:00"),
    (sleep_until.TIMESTAMP, {"": [""], "zone": ["Z"], "expression": ["Date.now()"]}, "Date.now()"),
    (CUSTOM_FIELDS["count"], {"": ["3.5"]}, 3.5),
    (CUSTOM_FIELDS["count"], {"": ["{{ a }}"]}, "{{ a }}"),
    (CUSTOM_FIELDS["flag"], {"": ["no"]}, False),
    (CUSTOM_FIELDS["flag"], {"": [""]}, ABSENT),
    (CUSTOM_FIELDS["size"], {"": ["small"], "expression": ["{{ a }}"]}, "{{ a }}"),
    (CUSTOM_FIELDS["extras"], {"": ["", "salt"]}, ["salt"]),
    (CUSTOM_FIELDS["shape"], {"": ["[1, 2]"]}, [1, 2]),
    (CUSTOM_FIELDS["shape"], {"": ['{"a": {{ b }}}']}, '{"a": {{ b }}}'),
    (
        branch_type.BRANCHES,
        {"1.label": ["no"], "1.condition": [""], "0.label": ["yes"], "0.condition": ["a"],
         "2.label": [""], "2.condition": [""]},
        [{"label": "yes", "condition": "a"}, {"label": "no", "condition": ""}],
    ),
    (branch_type.BRANCHES, {"0.label": ["yes"], "0.condition": ["a"], "0.remove": ["yes"]}, ABSENT),
]  # fmt: skip

REFUSED: list[tuple[SettingField, Inputs, str]] = [
    (RETRY_LIMIT, {"": ["many"]}, 'Retries must be a whole number such as 5, not "many".'),
    (RETRY_LIMIT, {"": ["1.5"]}, 'Retries must be a whole number such as 5, not "1.5".'),
    (RETRY_LIMIT, {"": ["20000"]}, "Retries must be at most 10000, not 20000."),
    (RETRY_LIMIT, {"": ["{{ a }}"]}, "Retries must be a whole number"),
    (RETRY_DELAY, {"": ["soon"]}, 'Delay must be a number of milliseconds, or a number and a unit'),
    (RETRY_DELAY, {"": ["400 days"]}, "at most 365 days"),
    (TIMEOUT, {"": ["0 s"]}, "Timeout must be longer than 0."),
    (SENSITIVE, {"": ["perhaps"]}, "Sensitive must be yes or no"),
    (http_request.METHOD, {"": ["FETCH"]}, 'must be one of "GET"'),
    (http_request.HEADERS, {"name": ["a", "a"], "value": ["1", "2"]}, '"a" is listed twice'),
    (http_request.HEADERS, {"name": [""], "value": ["1"]}, 'Give the value "1" a name.'),
    (http_request.HEADERS, {"json": ["{"]}, "This is not valid JSON: "),
    (CUSTOM_FIELDS["shape"], {"": ["{a}"]}, "This is not valid JSON: "),
    (CUSTOM_FIELDS["shape"], {"": ["NaN"]}, "NaN is not a JSON value"),
    (CUSTOM_FIELDS["shape"], {"": ['{"a": 1, "a": 2}']}, 'has the key "a" twice'),
    (CUSTOM_FIELDS["shape"], {"": ["12345678901234567890123"]}, "that JavaScript cannot represent"),
    (CUSTOM_FIELDS["shape"], {"": ['{"aB": 1e999}']}, "aB is a number that is too large"),
    (CUSTOM_FIELDS["size"], {"expression": ["small"]}, "Write a reference such as {{ trigger.value }}"),
    (CUSTOM_FIELDS["count"], {"": ["5"]}, "must be at most 4"),
    (CUSTOM_FIELDS["text"], {"": ["ABC"]}, "must match the pattern"),
    (EVENT_TYPE, {"": ["a b"]}, "must be 1-100 letters, digits, - or _"),
    (sleep_until.TIMESTAMP, {"": ["tomorrow"], "zone": ["Z"]}, "must be a date and a time"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(TYPED)))
def test_typed_text_becomes_the_intended_value(case: int) -> None:
    field, inputs, value = TYPED[case]

    assert value_from_form(field, inputs) == value


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_invalid_input_gets_a_sentence(case: int) -> None:
    field, inputs, sentence = REFUSED[case]

    with pytest.raises(InvalidInput) as error:
        value_from_form(field, inputs)

    assert sentence in str(error.value)


def fields(name: str) -> tuple[SettingField, ...]:
    (type_,) = NODE_TYPES.versions(name).values()
    return type_.fields


def test_a_posted_field_only_changes_itself() -> None:
    item = node("a", "http_request", url="https://x.test", method="POST")

    found = form_changes(item, fields("http_request"), {"data.method": ["PUT"]})

    assert found.changes == (Change(path="data.method", value="PUT"),)
    assert with_changes(item, found.changes)["data"] == {"url": "https://x.test", "method": "PUT"}
    assert item["data"]["method"] == "POST"


def test_a_cleared_field_is_removed_and_gets_its_default() -> None:
    item = node("a", "http_request", url="https://x.test", method="POST")

    found = form_changes(item, fields("http_request"), {"data.method": [""]})

    assert with_changes(item, found.changes)["data"] == {"url": "https://x.test"}


def test_a_value_in_config_is_changed_in_config() -> None:
    item = node("a") | {"config": {"retries": {"limit": 3}}}
    names = {"config.retries.limit": [""], "data.timeout": ["1 minute"]}

    found = form_changes(item, fields("step"), names)
    changed = with_changes(item, found.changes)

    assert changed["data"]["timeout"] == "1 minute"
    assert "config" not in changed


def test_an_error_changes_nothing_and_names_its_field() -> None:
    item = node("a", "loop", loopType="times", count=3)
    names = {"data.count": ["lots"], "data.indexVar": ["n"]}

    found = form_changes(item, fields("loop"), names)

    assert found.changes == (Change(path="data.indexVar", value="n"),)
    assert found.errors == {"data.count": 'Count must be a whole number such as 5, not "lots".'}


def test_a_changed_condition_is_a_change_of_one_arm() -> None:
    item = branch("a", big="n > 1", small="")
    item["data"]["branches"][0]["id"] = 7
    posted = {
        "data.branches.0.label": ["big"], "data.branches.0.condition": ["n > 2"],
        "data.branches.0.rest": ['{"id": 7}'], "data.branches.1.label": ["small"],
        "data.branches.1.condition": [""], "data.branches.1.rest": [""],
        "data.branches.2.label": [""], "data.branches.2.condition": [""],
    }  # fmt: skip

    found = form_changes(item, fields("branch"), posted)

    assert found.changes == (Change(path="data.branches.0.condition", value="n > 2"),)
    changed = with_changes(item, found.changes)["data"]["branches"][0]
    assert changed == {"label": "big", "condition": "n > 2", "id": 7}


def test_a_new_arm_keeps_the_other_arms() -> None:
    item = branch("a", big="n > 1")
    item["data"]["branches"][0]["id"] = 7
    posted = {
        "data.branches.0.label": ["big"], "data.branches.0.condition": ["n > 1"],
        "data.branches.0.rest": ['{"id": 7}'], "data.branches.1.label": ["rest"],
        "data.branches.1.condition": [""],
    }  # fmt: skip

    (change,) = form_changes(item, fields("branch"), posted).changes

    assert change.path == "data.branches"
    assert change.value == [
        {"label": "big", "condition": "n > 1", "id": 7}, {"label": "rest", "condition": ""},
    ]  # fmt: skip


def test_arms_written_as_json_may_be_anything() -> None:
    item = branch("a", big="n > 1")
    (change,) = form_changes(item, fields("branch"), {"data.branches.json": ['["a", "b"]']}).changes

    assert (change.path, change.value) == ("data.branches", ["a", "b"])


def row_of(index: int, **values: str) -> dict[str, list[str]]:
    """Return what a browser posts for a field of an approval."""
    blank = {"name": "", "label": "", "type": "text", "options": "", "required": "no", "rest": ""}
    return {f"data.fields.{index}.{name}": [text] for name, text in (blank | values).items()}


def test_a_row_of_choices_without_text_is_blank() -> None:
    item = node("a", "human_approval", title="t", fields=[{"name": "x"}])
    posted = {**row_of(0, name="x"), **row_of(1, type="number", required="yes")}

    assert form_changes(item, fields("human_approval"), posted).changes == ()


def test_a_choice_in_a_row_changes_alone() -> None:
    item = node("a", "human_approval", title="t", fields=[{"name": "x", "required": True}])
    posted = row_of(0, name="x", type="number", required="no")

    changes = form_changes(item, fields("human_approval"), posted).changes

    assert changes == (
        Change(path="data.fields.0.type", value="number"),
        Change(path="data.fields.0.required", value=False),
    )


def test_a_new_row_has_all_its_values() -> None:
    posted = row_of(0, name="x", type="choice", options="a\r\nb", required="yes")

    (change,) = form_changes(
        node("a", "human_approval", title="t"), fields("human_approval"), posted
    ).changes

    assert change.value == [
        {"name": "x", "label": "", "type": "choice", "options": "a\nb", "required": True}
    ]


@pytest.mark.parametrize("value", [{"type": "date"}, {"required": "yes"}, {"options": ["a"]}])
def test_a_list_with_a_value_that_no_row_can_show_is_json(value: dict[str, Any]) -> None:
    field = fields_by_name(fields("human_approval"))["fields"]

    assert shown(field, [{"name": "x", **value}]).as_json


def test_a_trigger_changes_like_a_node() -> None:
    holder = {"trigger": {"type": "http", "path": "/a"}}

    found = form_changes(holder, TRIGGER_TYPES["http"].fields, {"trigger.path": ["/b"]})

    assert with_changes(holder, found.changes) == {"trigger": {"type": "http", "path": "/b"}}
