"""Draws the picture of a class, with links to its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

from workflows.picture.drawing import Picture, render
from workflows.picture.from_code.items import Place
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import PLAIN, NodeState


def draw_class(
    picture: CodePicture,
    states: Mapping[str, NodeState] | None = None,
    *,
    base: str | None = None,
    uid: str = "picture",
    folded: Collection[str] | None = None,
) -> Picture:
    """Draw a class with the states of its nodes.

    Each node links to `base` followed by the path of its file and its line ("src/index.ts#L12"); without
    `base` there are no links.
    """
    if picture.ir is None:
        return Picture(uid=uid, message=picture.message)
    states = states or {}
    linked = {
        id_: replace(states.get(id_, PLAIN), href=link_to(place, base))
        for id_, place in picture.places.items()
    }
    return render(picture.ir, linked, uid=uid, folded=folded)


def link_to(place: Place, base: str | None) -> str:
    """Return the address of a line of a file, "" without a base."""
    return "" if base is None else f"{base}{quote(place.file)}#L{place.line}"
