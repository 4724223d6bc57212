"""The form of a node: labels, help, problems, references, and hidden fields."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.workflows.ir.documents import branch, document, node
from tests.workflows.ir.node_jsons import type_of, with_fields
from tests.workflows.node_forms.browser import rendered
from tests.workflows.nodes.test_palette import CUSTOM, TYPES
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.ir.reading.problems import Problem
from workflows.ir.tree.scope_names import ScopeName
from workflows.node_forms.form import node_form, trigger_form
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse

SENTINEL = "sentinel-4f0a9c"


class Page(HTMLParser):
    """The elements of a page by id, the ids that labels name, and all controls."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labeled: set[str] = set()
        self.controls: list[dict[str, str]] = []
        self._labels = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.ids += [values["id"]] if "id" in values else []
        if tag == "label":
            self._labels += 1
            self.labeled.add(values.get("for", ""))
        if tag in ("input", "textarea", "select") and values.get("type") != "hidden":
            if self._labels or "aria-label" in values:
                self.labeled.add(values.get("id", ""))
            self.controls.append(values)

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"


def html_of(item: dict[str, Any], types: Registry = CUSTOM, **options: Any) -> str:
    (type_,) = types.versions(item["type"]).values()
    return rendered(node_form(item, type_, **options))


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_every_control_has_a_label_and_a_unique_id(type_: NodeType) -> None:
    page = Page(html_of(node("a b/ü", type_.name, **type_.new_data())))

    assert len(page.ids) == len(set(page.ids))
    assert all(re.fullmatch(r"[!-~]+", id_) for id_ in page.ids)
    assert {control["id"] for control in page.controls if "id" in control} <= page.labeled


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_every_description_exists(type_: NodeType) -> None:
    bad: dict[str, Any] = {field.name: {"bad": 1} for field in type_.fields}
    item = node("a", type_.name, **bad)
    page = Page(html_of(item, problems=parse(document([item]), CUSTOM).problems))

    described = [
        part for control in page.controls for part in control.get("aria-describedby", "").split()
    ]

    assert set(described) <= set(page.ids)
    assert described or not type_.fields


def test_a_problem_is_beside_its_control() -> None:
    item = node("a", "sleep", duration="1 eon")
    html = html_of(item, problems=parse(document([item])).problems)

    assert 'aria-invalid="true"' in html
    assert re.search(
        r'id="field-a-data-duration-problems">\s*<li class="tone-bad">must be a number of', html
    )


def test_a_problem_of_an_arm_is_in_its_row() -> None:
    item = branch("a", first="", last="true")
    html = html_of(item, problems=parse(document([item])).problems)

    assert 'id="field-a-data-branches-0-condition-problems"' in html
    assert html.count("but only the last arm can be the else arm") == 1


def test_many_arms_are_shown_as_json_with_their_problems() -> None:
    arms = [{"label": f"arm {number}", "condition": ""} for number in range(201)]
    item = node("a", "branch", branches=arms)
    html = html_of(item, problems=parse(document([item])).problems)
    few = html_of(node("a", "branch", branches=arms[:200]))

    assert 'name="data.branches.json"' in html
    assert "branches.0.label" not in html
    assert html.count("but only the last arm can be the else arm") == 200
    assert 'name="data.branches.199.label"' in few


def test_a_problem_without_a_control_is_at_the_top() -> None:
    form = node_form(
        node("a"), TYPES[0], problems=[Problem(path="nodes.a.name", message="is odd", node_id="a")]
    )

    assert [problem.message for problem in form.other_problems] == ["is odd"]


def test_code_fields_can_become_editors() -> None:
    html = html_of(node("a", code="return 1;"))

    tag = re.search(r"<textarea[^>]+>", html)
    assert tag
    for attribute in (
        "data-code-field", 'data-node="a"', 'data-field="data.code"', 'data-language="typescript"',
        'data-expression="false"', 'spellcheck="false"',
    ):  # fmt: skip
        assert attribute in tag[0]


def test_fields_that_take_references_offer_the_names_in_scope() -> None:
    scope = [ScopeName(name="order", title="Load </script>", type="any")]
    html = html_of(node("a", "loop", collection="order"), scope=scope)

    assert '<script id="field-a-scope" type="application/json">' in html
    assert "Load \\u003C/script\\u003E" in html
    controls = {control["name"]: control for control in Page(html).controls}
    assert controls["data.collection"]["data-references"] == "field-a-scope"
    assert "data-references" not in controls["data.itemVar"]


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        ("2 hours", "2 hours = 7,200,000 ms"),
        (90_000, "1 minute 30 seconds = 90,000 ms"),
        (90, ">90 ms<"),
        ("{{ a }}", ""),
    ],
)
def test_a_duration_is_shown_in_words(duration: Any, words: str) -> None:
    html = html_of(node("a", "sleep", duration=duration))

    assert (words in html) if words else ("field-hint" not in html)


def test_a_body_may_be_code_and_a_schema_is_json_only() -> None:
    request = Page(html_of(node("a", "http_request", url="https://example.com"))).controls
    wait = Page(html_of(node("a", "wait_for_event", eventType="paid"))).controls
    takes_code = {control["name"]: "data-takes-code" in control for control in [*request, *wait]}

    assert takes_code["data.body"]
    assert not takes_code["data.schema"]


def test_the_default_of_a_choice_is_listed_once_and_is_chosen() -> None:
    html = " ".join(html_of(node("a", "loop", collection="[]")).split())

    assert '<option value="forEach" selected>forEach (default)</option>' in html
    assert html.count("forEach</option>") == 0


def test_the_settings_of_another_kind_of_loop_are_hidden() -> None:
    form = node_form(
        node("a", "loop", loopType="while", condition="x"), *NODE_TYPES.versions("loop").values()
    )

    hidden = {
        control.field.name
        for group in form.groups
        for control in group.controls
        if control.is_hidden
    }

    assert hidden == {"collection", "count", "itemVar"}


def test_retries_are_folded_and_show_the_defaults() -> None:
    _, retries, _ = node_form(node("a"), *NODE_TYPES.versions("step").values()).groups

    assert (retries.title, retries.is_open) == ("Retries and timeout", False)
    assert (
        retries.summary
        == "By default 5 retries, first after 10 seconds, at most 10 minutes per attempt"
    )


@pytest.mark.parametrize(
    ("settings", "summary"),
    [
        ({}, "Nothing is undone if the run fails"),
        ({"rollback": "return;"}, "Undoes this node if the run fails"),
    ],
)
def test_a_rollback_is_folded_and_says_whether_there_is_one(
    settings: dict[str, str], summary: str
) -> None:
    rollback = node_form(node("a", **settings), *NODE_TYPES.versions("step").values()).groups[-1]

    assert (rollback.title, rollback.summary, rollback.is_open) == ("Rollback", summary, False)


def test_settings_from_other_tools_are_only_shown_if_a_document_has_them() -> None:
    assert "data.inline" not in html_of(node("a"))
    assert "data.inline" in html_of(node("a", inline=True))


def test_a_secret_in_a_document_is_never_shown() -> None:
    types = type_of(with_fields(key={"type": "secret", "envVarName": "API_KEY"}))
    item = node("a", "greet", key=SENTINEL)

    html = html_of(
        item, types, problems=parse(document([item]), types).problems, set_variables=frozenset()
    )

    assert SENTINEL not in html
    assert "API_KEY" in html
    assert "is not set yet" in html
    assert 'name="data.key.remove"' in html


def test_the_form_of_a_trigger_has_its_fields_and_problems() -> None:
    trigger = {"type": "http", "path": "no"}
    problems = parse(document([node("a")], trigger=trigger)).problems

    html = rendered(trigger_form(trigger, TRIGGER_TYPES["http"], problems=problems))

    assert 'name="trigger.path"' in html
    assert "must start with &quot;/&quot;" in html
