"""Lines of JSON, each of which starts a run: read in one way by the page and by the command."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from runs.control import INSTANCE_ID, INSTANCE_ID_RULE, Refused
from runs.payloads import read_payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run that a line asks for; `params` is its payload as JSON.

    A run that the line does not name is given an id here: what is sent twice then starts it once.
    """

    instance_id: str
    params: str
    is_named: bool

    def as_call(self) -> dict[str, str]:
        """Return what the target is asked for."""
        return {"instance_id": self.instance_id, "params": self.params}


def read_lines(lines: Iterable[str]) -> list[Line]:
    """Read a payload, or {"id": ..., "params": ...}, from each line that is not blank.

    Raises Refused for the first that is neither; then nothing has been started.
    """
    return [_read(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read(number: int, text: str) -> Line:
    try:
        value = read_payload(text)
        named, payload = _named(value) if _is_envelope(value) else ("", value)
    except Refused as refused:
        raise Refused(f"Line {number}: {refused} Nothing was started.") from None
    return Line(instance_id=named or str(uuid4()), params=json.dumps(payload), is_named=bool(named))


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and "params" in value and value.keys() <= {"id", "params"}


def _named(value: dict[str, Any]) -> tuple[str, Any]:
    if "id" not in value:
        return "", value["params"]
    named = value["id"]
    if not isinstance(named, str) or not INSTANCE_ID.fullmatch(named):
        raise Refused(f"The id has {INSTANCE_ID_RULE}.")
    return named, value["params"]
