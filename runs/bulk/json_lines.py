"""Lines of JSON, each of which starts a run: read in one way by the page and by the command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final
from uuid import uuid4

from django.template.defaultfilters import pluralize

from runs.services.control import INSTANCE_ID, INSTANCE_ID_RULE, Refused
from runs.services.payloads import read_payload

_NAMES: Final = frozenset({"id", "params"})
_LIKELY: Final = ("params", "payload")  # what is written where "params" is meant
_IDS: Final = ("id", "instance_id", "instanceid")
_NEAR: Final = 0.75  # "parameters" is that near to "params"
_MOST_TOLD: Final = 10  # lines that are wrong
_WAY_OUT: Final = 'To start a run with the whole line, write {"params": ...} around it.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run that a line asks for; `params` is its payload as JSON, `repeats` the line of the same id.

    A run that the line does not name is given an id here: what is sent twice then starts it once.
    """

    instance_id: str
    params: str
    is_named: bool
    number: int = 0
    repeats: int = 0

    def as_call(self) -> dict[str, str]:
        """Return what the target is asked for."""
        return {"instance_id": self.instance_id, "params": self.params}


def read_lines(lines: Iterable[str]) -> list[Line]:
    """Read a payload, or {"id": ..., "params": ...}, from each line that is not blank.

    Raises Refused, which names each line that is neither; then nothing may be started.
    """
    found: list[Line] = []
    wrong: list[str] = []
    first: dict[str, int] = {}
    for number, text in enumerate(lines, 1):
        try:
            found += _read(number, text, first)
        except Refused as refused:
            wrong.append(f"Line {number}: {refused}")
    if wrong:
        raise Refused("\n".join(_told(wrong)))
    return found


def _told(wrong: list[str]) -> Iterator[str]:
    yield from wrong[:_MOST_TOLD]
    if more := len(wrong[_MOST_TOLD:]):
        yield f"{more:,} more line{pluralize(more)} cannot be read either."


def _read(number: int, text: str, first: dict[str, int]) -> Iterator[Line]:
    """Yield what the line asks for; `first` are the lines of the ids so far."""
    if not text.strip():
        return
    value = read_payload(text, first_line=number)
    named, payload = _named(value) if _is_envelope(value) else ("", value)
    instance_id = named or str(uuid4())
    yield Line(
        instance_id=instance_id,
        params=json.dumps(payload),
        is_named=bool(named),
        number=number,
        repeats=first.get(instance_id, 0),
    )
    first.setdefault(instance_id, number)


def _is_envelope(value: Any) -> bool:
    """Tell whether an object names a run or its payload; raises Refused where that is misspelt."""
    if not isinstance(value, Mapping):
        return False
    others = [name for name in value if name not in _NAMES]
    names_a_run = any(name.lower() in _IDS for name in value)
    has_payload = "params" in value
    if names_a_run and not has_payload:
        others = [name for name in others if get_close_matches(name.lower(), _LIKELY, 1, _NEAR)]
    if names_a_run and others:
        raise Refused(
            f'A run is asked for with "id" and "params" alone, and here is {_quoted(others[0])}. '
            f"{_WAY_OUT}"
        )
    return has_payload and not others


def _quoted(name: str) -> str:
    return json.dumps(name[:40], ensure_ascii=False)


def _named(value: Mapping[str, Any]) -> tuple[str, Any]:
    if "id" not in value:
        return "", value["params"]
    named = value["id"]
    if not isinstance(named, str) or not INSTANCE_ID.fullmatch(named):
        raise Refused(f"The id has {INSTANCE_ID_RULE}.")
    return named, value["params"]
