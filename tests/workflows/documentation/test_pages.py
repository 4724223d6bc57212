"""The pages of the documentation: contents, anchors, links, and what is not shown as HTML."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from workflows.documentation.markdown import html, link_target, parsed
from workflows.documentation.pages import DOCS, Page, contents, neighbors, pages
from workflows.documentation.places import place_of_problem, place_of_setting, url_of
from workflows.documentation.search import search
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TRIGGER_TYPES, TriggerType
from workflows.ir.reading.problems import Problem
from workflows.ir.settings.setting_field import Group, SettingField
from workflows.nodes.built_in import BUILT_IN

HTTP_REQUEST = next(type_ for type_ in BUILT_IN if type_.name == "http_request")
TYPES: tuple[NodeType | TriggerType, ...] = (*BUILT_IN, *TRIGGER_TYPES.values())
FIELDS: list[tuple[NodeType | TriggerType, SettingField]] = [
    (type_, field)
    for type_ in TYPES
    for field in type_.fields
    if field.group is not Group.COMPATIBILITY
]


def page_with(text: str) -> Page:
    return Page(address="guide/start", title="Start", text=text)


def shown(text: str) -> str:
    return html(
        page_with(text),
        address_of=lambda address: f"/docs/{address}/",
        block_html=lambda block: f"[{block.at}: {block.language}]",
    )


def anchors(place: str) -> set[str]:
    return parsed(pages()[place.partition("#")[0].removesuffix(".md")]).anchors


def test_the_contents_list_every_page_once() -> None:
    listed = [
        address
        for section in contents()
        for entry in section.entries
        for address in (entry.address, *(child.address for child in entry.children))
    ]

    assert sorted(listed) == sorted(pages().keys() - {"index"})


def test_pages_follow_each_other_in_the_order_of_the_contents() -> None:
    before, after = neighbors("nodes/index")

    assert (before and before.address, after and after.address) == (
        "versions",
        "nodes/step",
    )


def test_the_first_and_the_last_page_have_one_neighbor() -> None:
    assert neighbors("index")[0] is None
    assert neighbors("architecture")[1] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[steps](../steps.md#results)", '<a href="/docs/steps/#results">steps</a>'),
        ("[steps](../nodes/../steps.md)", '<a href="/docs/steps/">steps</a>'),
        ("[below](#end)", '<a href="#end">below</a>'),
        ("[site](https://example.com)", '<a href="https://example.com">site</a>'),
        ("[code](../../workflows/models.py)", "code"),
        ("[secret](../../../../etc/passwd.md)", "secret"),
        ("[script](javascript:alert(1))", "[script](javascript:alert(1))"),
    ],
)
def test_links_lead_to_pages_of_the_product(text: str, expected: str) -> None:
    assert shown(text) == f"<p>{expected}</p>\n"


def test_html_is_shown_as_text_or_left_out() -> None:
    text = shown("A <b>bold</b> word\n\n<script>alert(1)</script>\n")

    assert "<script>" not in text
    assert "&lt;b&gt;bold" in text


def test_headings_have_the_anchors_of_github() -> None:
    assert '<h2 id="the-document-as-text">' in shown("## The document, as `text`")


def test_settings_in_tables_have_anchors() -> None:
    text = "<!-- settings of loop -->\n| setting |\n| --- |\n| `body[].count`, `limit` |\n<!-- end of settings -->\n\n| `other` |\n| --- |\n| `x` |"

    assert parsed(page_with(text)).anchors == {"loop-body-count", "loop-limit"}


def test_code_is_rendered_by_the_caller() -> None:
    assert shown("```ts\nlet a;\n```\n\n    ls\n") == "[0: ts][1: ]"


@pytest.mark.parametrize(("type_", "field"), FIELDS, ids=lambda each: each.name)
def test_every_setting_has_its_place(type_: NodeType | TriggerType, field: SettingField) -> None:
    place = place_of_setting(type_, field.name)

    assert place.partition("#")[2] in anchors(place)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("nodes.a.data.url", "nodes/http_request.md#http_request-url"),
        ("nodes.a.data.headers.x-id", "nodes/http_request.md#http_request-headers"),
        ("nodes.a.data.retryDelay", "nodes/http_request.md#http_request-retryDelay"),
        ("nodes.a.data.misspelled", "nodes/http_request.md"),
        ("nodes.a.version", "nodes/http_request.md"),
    ],
)
def test_a_problem_in_a_node_leads_to_its_setting(path: str, place: str) -> None:
    problem = Problem(path=path, message="is wrong", node_id="a")

    assert place_of_problem(problem, HTTP_REQUEST) == place


@pytest.mark.parametrize(
    "path",
    [
        "",
        "edges.3.target",
        "nodes.7",
        "entryNodeId",
        "metadata.name",
        "entryCode",
        "kind",
        "trigger",
    ],
)
def test_a_problem_in_the_document_leads_to_a_place_that_exists(path: str) -> None:
    place = place_of_problem(Problem(path=path, message="is wrong"), None)

    page, _, anchor = place.partition("#")
    assert page.removesuffix(".md") in pages()
    assert not anchor or anchor in anchors(place)


def test_a_problem_in_a_schedule_leads_to_its_setting() -> None:
    problem = Problem(path="trigger.expression", message="is wrong")

    assert place_of_problem(problem, TRIGGER_TYPES["cron"]) == "triggers.md#cron-expression"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("nodes/step.md", "/docs/nodes/step/"),
        ("triggers.md#http", "/docs/triggers/#http"),
        ("index.md", "/docs/"),
        ("https://example.com/docs", "https://example.com/docs"),
    ],
)
def test_a_place_has_a_url(place: str, url: str) -> None:
    assert url_of(place) == url


def test_no_link_leads_to_a_page_that_does_not_exist() -> None:
    dead = [
        (page.address, link)
        for page in pages().values()
        for link in parsed(page).links
        if not (has_anchor(page, link) if link_target(page.address, link) else has_file(page, link))
    ]

    assert dead == []


def has_anchor(page: Page, link: str) -> bool:
    address, anchor = link_target(page.address, link) or ("", "")
    return not anchor or anchor in parsed(pages()[address]).anchors


def has_file(page: Page, link: str) -> bool:
    """Return whether a link that is not to the documentation leads to a file, or to another site."""
    parts = urlsplit(link)
    return bool(parts.scheme) or (DOCS / page.file).parent.joinpath(parts.path).exists()


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("waiting for approval", "nodes/wait_for_event"),
        ("rolling back", "deploying"),
        ("http_request", "nodes/http_request"),
        ("secre", "environment"),
    ],
)
def test_a_search_finds_other_forms_of_its_words(query: str, page: str) -> None:
    assert page in {result.page for result in search(query)[:5]}


@pytest.mark.parametrize("query", ["", "   ", '"', "a" * 10_000, "NEAR(", "x* OR y:z", "¡"])
def test_any_query_can_be_searched(query: str) -> None:
    assert search(query) == search(query)


def test_found_words_are_marked() -> None:
    excerpts = (
        search("idempotent")[0].excerpts if search("idempotent") else search("retry")[0].excerpts
    )

    assert any(part.is_match for part in excerpts)
