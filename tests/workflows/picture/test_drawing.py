"""A picture as markup: user text is escaped, nodes are links, and states have labels."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import branch, chain, document, every_type, node
from tests.workflows.ir.odd_values import VALUES
from workflows.nodes.documents import parse_valid
from workflows.picture.drawing import INVALID, Picture, picture_of, render
from workflows.picture.problem_marks import mark_problems
from workflows.picture.states import NodeState, State
from workflows.picture.text_width import NAME, shortened, width_of

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*names: str, **states: NodeState) -> Picture:
    nodes = [node(f"n{at}", name=name) for at, name in enumerate(names)]
    return render(parse_valid(chain(*nodes)), states)


def texts(picture: Picture, kind: str) -> list[str]:
    root = ET.fromstring(picture.svg)  # noqa: S314 - our own
    return ["".join(item.itertext()) for item in root.iter() if item.get("class") == kind]


def titles(picture: Picture) -> list[str | None]:
    return [title.text for title in ET.fromstring(picture.svg).iter(f"{SVG}title")]  # noqa: S314


@settings(deadline=None, max_examples=examples(40, 600))
@given(name=st.text(min_size=1, max_size=256))
def test_any_name_gives_well_formed_markup(name: str) -> None:
    picture = picture_of(chain(node("a", name=name)), base="#node=")

    if picture:
        ET.fromstring(picture.svg)  # noqa: S314
        ET.fromstring(picture.outline)  # noqa: S314


def test_a_name_is_escaped() -> None:
    hostile = '</title><script>alert("1")</script>'
    picture = drawn(hostile)

    assert "<script" not in picture.svg + picture.outline
    assert f"{hostile} (Step)" in titles(picture)


def test_ids_and_labels_are_escaped() -> None:
    nodes = [branch("b", **{'"><script>': "1", "y": ""}), node('"><img src=x>'), node("c")]
    picture = picture_of(document(nodes, 'b c y', 'b "><img src=x> "><script>') | {"edges": [
        {"id": "1", "source": "b", "target": '"><img src=x>', "label": '"><script>'},
        {"id": "2", "source": "b", "target": "c", "label": "y"},
    ]}, base="#node=")  # fmt: skip

    assert picture
    assert "<script" not in picture.svg + picture.outline
    assert "<img" not in picture.svg + picture.outline


def test_a_long_name_is_shortened_in_the_middle_and_complete_in_the_title() -> None:
    name = "Send the confirmation e-mail to the customer of order 4711"
    picture = drawn(name)

    [short] = texts(picture, "pic-name")
    assert short.startswith("Send the")
    assert short.endswith("4711")
    assert "…" in short
    assert f"{name} (Step)" in titles(picture)


@settings(deadline=None, max_examples=examples(30, 300))
@given(name=st.text(max_size=300))
def test_a_shortened_name_fits(name: str) -> None:
    assert width_of(shortened(name, 150, size=NAME), NAME) <= 150


@pytest.mark.parametrize("state", [state for state in State if state is not State.PLAIN])
def test_every_state_has_an_icon_and_a_label(state: State) -> None:
    picture = drawn("A", n0=NodeState(state=state))

    assert texts(picture, "pic-words") == [state.label]
    assert f"{state.label}</span>" in picture.outline
    assert f'href="#picture-i-{state.icon}"' in picture.svg
    assert f'id="picture-i-{state.icon}"' in picture.svg


def test_a_state_shows_duration_attempts_and_iterations() -> None:
    state = NodeState(state=State.DONE, duration="1.4 s", attempts=3, iterations=5)

    assert "Done · 1.4 s · 3 attempts · 5 times" in drawn("A", n0=state).outline


def test_nodes_are_links_for_pointers_in_the_svg_and_for_keyboards_in_the_outline() -> None:
    picture = drawn("A", "B", n0=NodeState(href="/there?a=1&b=2"))

    assert 'href="/there?a=1&amp;b=2" tabindex="-1"' in picture.svg
    assert '<a href="/there?a=1&amp;b=2"><bdi>A</bdi></a>' in picture.outline
    assert picture.outline.count("<a") == 1


def test_a_javascript_url_is_not_a_link() -> None:
    picture = drawn("A", n0=NodeState(href=" javascript:alert(1)"))

    assert "javascript" not in picture.svg + picture.outline


def test_an_id_is_percent_encoded_in_its_link() -> None:
    picture = picture_of(chain(node("a b/ü&c")), base="#node=")

    assert 'href="#node=a%20b%2F%C3%BC%26c"' in picture.svg


def test_the_picture_is_one_image_with_a_title_and_a_description() -> None:
    picture = picture_of(every_type())

    assert 'role="img"' in picture.svg
    assert "Picture of test" in titles(picture)
    assert "16 nodes from top to bottom" in picture.svg


def test_the_outline_has_every_node_and_arm_and_where_it_continues() -> None:
    drawn = document(
        [branch("b", x="1", y="2"), node("p"), node("s")], "b p x", "p s", "b s y",
    )  # fmt: skip
    words = re.sub(r"<[^>]+>", " ", picture_of(drawn).outline).split()

    assert (
        " ".join(words)
        == "Started by hand b Branch x: p Step y: continues otherwise: continues s Step End"
    )


def test_two_pictures_on_a_page_have_different_ids() -> None:
    ir = parse_valid(every_type())
    both = render(ir, uid="one").svg + render(ir, uid="two").svg

    ids = re.findall(r' id="([^"]+)"', both)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("value", [*VALUES, {}, {"nodes": []}, {"nodes": [{"id": 1}], "edges": {}}])
def test_an_invalid_document_gives_a_message(value: Any) -> None:
    picture = picture_of(value)

    assert (picture.svg, picture.message) == ("", INVALID)


def test_nodes_with_problems_are_marked() -> None:
    ids = chain(node("a"), node("a.b"), node("c"))
    marks = mark_problems(
        ids, errors=["nodes.a.b.data.code", "entryNodeId"], warnings=["nodes.a.data", "nodes.c"]
    )

    assert marks == {"a": State.WARNING, "c": State.WARNING, "a.b": State.PROBLEM}
    assert texts(picture_of(ids, problems=marks), "pic-words") == [
        "Warning", "Problem", "Warning",
    ]  # fmt: skip
