"""The order of completion items: first what a workflow's code uses, last the platform's types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from workflows.codegen.module.editing import EditingModule
from workflows.codegen.text.slots import SlotKey
from workflows.ir.reading.identifiers import LANGUAGE_GLOBALS

_VARIABLE: Final = 6  # kinds of the protocol
_KEYWORD: Final = 14
_IN_SCOPE: Final = "11"  # how the compiler sorts local names and members
_OPTIONAL: Final = frozenset({"12", "13"})  # members that an object may have
_CLASS_MEMBER: Final = "14"  # members of the class around the code
_MIN_LETTERS: Final = 3
_UNUSUAL: Final = frozenset({"arguments", "globalThis", "unescape", "escape", "require"})
_USUAL: Final = """
AbortController AbortSignal Blob Buffer FormData Headers Request Response TextDecoder TextEncoder URL
URLSearchParams atob btoa caches clearTimeout console crypto fetch performance scheduler setTimeout
structuredClone
"""
_USUAL_GLOBALS: Final = LANGUAGE_GLOBALS | frozenset(_USUAL.split())
_CONTENTS: Final = {"WorkflowStepEvent": "payload", "HttpResponse": "body"}

OUTPUT, PATH, LOCAL, MEMBER, IMPORTED, GLOBAL, KEYWORD, AMBIENT = range(8)


def ordered(
    items: Iterable[dict[str, Any]], *, word: str, outputs: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the items with their rank at the start of `sortText`.

    Names that hardly anybody writes by hand are only kept if they contain a `word` of some letters.
    """
    known, typed = frozenset(outputs), word.casefold()
    kept = []
    for item in items:
        rank = _rank(item, known)
        matches = len(typed) >= _MIN_LETTERS and typed in str(item.get("label", "")).casefold()
        if rank < AMBIENT or matches:
            kept.append({**item, "sortText": f"{rank}{item.get('sortText', '')}"})
    return sorted(kept, key=lambda item: (item["sortText"], item.get("label", "")))


def is_incomplete(word: str) -> bool:
    """Whether more items may match once the word is longer."""
    return len(word) < _MIN_LETTERS


def _rank(item: Mapping[str, Any], outputs: frozenset[str]) -> int:
    label, place = item.get("label", ""), item.get("sortText", "")
    if place == _CLASS_MEMBER or label in _UNUSUAL:
        return AMBIENT
    if label in outputs:
        return OUTPUT
    if place in _OPTIONAL:
        return MEMBER
    if place <= _IN_SCOPE:
        if item.get("kind") != _VARIABLE:
            return MEMBER
        return IMPORTED if label[:1].isupper() else LOCAL
    if item.get("kind") == _KEYWORD:
        return KEYWORD
    return GLOBAL if label in _USUAL_GLOBALS else AMBIENT


def paths(
    module: EditingModule, key: SlotKey, items: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the paths that start at names among the items: `event.payload`, `env.NAME`, `order.body`."""
    offered = {item["label"] for item in items if item.get("sortText", "") <= _IN_SCOPE}
    if "event" in offered:
        yield _path("event.payload", "Payload of the run")
    names = module.names(*key)
    for id_, variable in (names.outputs if names else {}).items():
        output = module.nodes[id_].type.output or ""
        part = next((part for type_, part in _CONTENTS.items() if output.startswith(type_)), "")
        if part and variable in offered:
            yield _path(f"{variable}.{part}", module.nodes[id_].name)
    for name in module.env_names if "env" in offered else ():
        yield _path(f"env.{name}", "Environment")


def _path(label: str, detail: str) -> dict[str, Any]:
    return {"label": label, "kind": _VARIABLE, "sortText": f"{PATH}", "detail": detail}
