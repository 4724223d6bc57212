"""The marks of a comparison in the pictures of both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workflows.documents.comparison.comparison import Comparison
from workflows.documents.comparison.content import Content
from workflows.documents.comparison.nodes import Kind
from workflows.picture.drawing import INVALID, Picture, render
from workflows.picture.states import NodeState, State

_STATES: Final[Mapping[Kind, State]] = {
    Kind.ADDED: State.ADDED,
    Kind.REMOVED: State.REMOVED,
    Kind.CHANGED: State.CHANGED,
    Kind.RENAMED: State.RENAMED,
    Kind.MOVED: State.MOVED,
}


def pictures(
    before: Content, after: Content, comparison: Comparison, *, base: str
) -> tuple[Picture, Picture]:
    """Draw both sides with marks; each marked node links to `base` followed by the change's number."""
    old: dict[str, NodeState] = {}
    new: dict[str, NodeState] = {}
    for number, change in enumerate(comparison.nodes, start=1):
        first, *others = change.kinds
        note = ", ".join(others)
        state = NodeState(state=_STATES[first], note=note, href=f"{base}{number}")
        if change.old_id:
            old[change.old_id] = state
        if change.id:
            new[change.id] = state
    return _picture(before, old, "before"), _picture(after, new, "after")


def _picture(content: Content, states: Mapping[str, NodeState], uid: str) -> Picture:
    if content.draft is None:
        return Picture(uid=uid, message=INVALID)
    return render(content.draft, states, uid=uid)
