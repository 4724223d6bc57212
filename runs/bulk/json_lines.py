"""Lines of JSON, each of which starts a run; the page and the command read them alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Final
from uuid import uuid4

from django.template.defaultfilters import pluralize

from runs.services.control import INSTANCE_ID, INSTANCE_ID_RULE, Refused
from runs.services.payloads import read_payload
from runs.services.start_options import NO_OPTIONS, StartOptions

_KEYS: Final = frozenset({"id", "params"})
_PARAMS_LIKE: Final = ("params", "payload")  # keys that probably mean "params"
_ID_LIKE: Final = ("id", "instance_id", "instanceid")
_SIMILARITY: Final = 0.75  # how similar "parameters" is to "params"
_MAX_MISSPELLED: Final = 20  # keys; an object with more is a payload, in which none is misspelled
_MAX_ERRORS: Final = 10
_HINT: Final = 'To start a run with the whole line as its payload, write {"params": ...} around it.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One run of a batch: `params` is its payload as JSON, `repeats` an earlier line with its id.

    A run without an id gets one here, so that sending it twice starts it once. `options` are members
    of the request.
    """

    instance_id: str
    params: str
    is_named: bool
    number: int = 0
    repeats: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_request(self) -> dict[str, Any]:
        return {"instance_id": self.instance_id, "params": self.params, **self.options}


def read_lines(lines: Iterable[str], options: StartOptions = NO_OPTIONS) -> list[Line]:
    """Read a payload, or {"id": ..., "params": ...}, from each line that is not blank.

    Raises Refused, which names each invalid line; then no run may be started.
    """
    parsed: list[Line] = []
    errors: list[str] = []
    first_line_of: dict[str, int] = {}
    for number, text in enumerate(lines, 1):
        try:
            parsed += _read(number, text, first_line_of)
        except Refused as error:
            errors.append(f"Line {number}: {error}")
    if errors:
        raise Refused("\n".join(_shortened(errors)))
    request = options.as_request()
    return [replace(line, options=request) for line in parsed] if request else parsed


def _shortened(errors: list[str]) -> Iterator[str]:
    yield from errors[:_MAX_ERRORS]
    if more := len(errors[_MAX_ERRORS:]):
        yield f"{more:,} more line{pluralize(more)} cannot be read."


def _read(number: int, text: str, first_line_of: dict[str, int]) -> Iterator[Line]:
    """Yield the run of the line, if any; `first_line_of` maps ids to the line that first had them."""
    if not text.strip():
        return
    value = read_payload(text, first_line=number)
    given_id, payload = _unwrap(value) if _is_envelope(value) else ("", value)
    instance_id = given_id or str(uuid4())
    yield Line(
        instance_id=instance_id,
        params=json.dumps(payload),
        is_named=bool(given_id),
        number=number,
        repeats=first_line_of.get(instance_id, 0),
    )
    first_line_of.setdefault(instance_id, number)


def _is_envelope(value: Any) -> bool:
    """Whether the object wraps an id and a payload. Raises Refused if a key is misspelled."""
    if not isinstance(value, Mapping):
        return False
    others = [key for key in value if key not in _KEYS]
    has_id = any(key.lower() in _ID_LIKE for key in value)
    has_payload = "params" in value
    if has_id and not has_payload and len(value) > _MAX_MISSPELLED:
        return False
    if has_id and not has_payload:
        others = [
            key for key in others if get_close_matches(key.lower(), _PARAMS_LIKE, 1, _SIMILARITY)
        ]
    if has_id and others:
        raise Refused(f'Only "id" and "params" are allowed, not {_quoted(others[0])}. {_HINT}')
    return has_payload and not others


def _quoted(key: str) -> str:
    return json.dumps(key[:40], ensure_ascii=False)


def _unwrap(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the id ("" for none) and the payload."""
    if "id" not in value:
        return "", value["params"]
    instance_id = value["id"]
    if not isinstance(instance_id, str) or not INSTANCE_ID.fullmatch(instance_id):
        raise Refused(f"An id must have {INSTANCE_ID_RULE}.")
    return instance_id, value["params"]
