"""Draws the picture of a class, with links to its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

from workflows.picture.drawing import Picture, render
from workflows.picture.from_code.items import Place
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import PLAIN, NodeState, State


def draw_class(
    picture: CodePicture,
    states: Mapping[str, NodeState] | None = None,
    *,
    base: str | None = None,
    uid: str = "picture",
    folded: Collection[str] | None = None,
) -> Picture:
    """Draw a class with the states of its nodes, or with marks where its code is broken.

    Each node links to `base` followed by the path of its file and its line ("src/index.ts#L12"); without
    `base` there are no links.
    """
    if picture.ir is None:
        return Picture(uid=uid, message=picture.message)
    known = broken_nodes(picture) if states is None else states
    linked = {
        id_: replace(known.get(id_, PLAIN), href=link_to(place, base))
        for id_, place in picture.places.items()
    }
    hints = {id_: f"{place.file}, line {place.line}" for id_, place in picture.places.items()}
    return render(picture.ir, linked, uid=uid, folded=folded, hints=hints)


def link_to(place: Place, base: str | None) -> str:
    """Return the address of a line of a file, "" without a base."""
    return "" if base is None else f"{base}{quote(place.file)}#L{place.line}"


def broken_nodes(picture: CodePicture) -> dict[str, NodeState]:
    """Return a mark for each innermost node in whose lines the code is broken."""
    nodes = {picture.node_at(problem.file, problem.line) for problem in picture.problems} - {""}
    return {id_: NodeState(state=State.PROBLEM) for id_ in nodes}
