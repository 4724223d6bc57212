"""The variables of AwaitStep's code, which are made of the nodes' display names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

_EXPORT: Final = "EXPORT_"


def display_names(nodes: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return the variable of each node by its id; `nodes` are ids and names in document order."""
    counts: dict[str, int] = {}
    names: dict[str, str] = {}
    for id_, name in nodes:
        base = _identifier(name.removeprefix(_EXPORT) or name) or _identifier(id_)
        counts[base] = counts.get(base, 0) + 1
        names[id_] = base if counts[base] == 1 else f"{base}_{counts[base]}"
    return names


def other_spelling(name: str) -> str:
    """Return the variable with an underscore for each character that a name cannot have."""
    letters = _letters(name.removeprefix(_EXPORT))
    return f"_{letters}" if letters[:1].isdigit() else letters


def _letters(text: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in text)


def _identifier(text: str) -> str:
    """Return the text as a name of letters, digits and single underscores."""
    single = "".join("_" if each == "_" else "".join(run) for each, run in groupby(_letters(text)))
    name = single.removesuffix("_")
    return f"_{name}" if name[:1].isdigit() else name


def queue_name(function: str) -> str:
    """Return the queue that a function consumes: `order-events` for `order_events` and `orderEvents`."""
    pieces: list[str] = []
    for at, character in enumerate(function):
        before = function[max(at - 1, 0) : at]
        if character.isupper() and (before.islower() or before.isdigit()):
            pieces.append("-")
        pieces.append(character.lower() if character.isalnum() else "-")
    return "-".join(filter(None, "".join(pieces).split("-")))
