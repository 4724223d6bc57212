"""Payloads as people type them: JSON, checked before anything is sent."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from runs.models import Run, RunText
from runs.services.control import Refused, check_payload
from runs.steps.parsing import LONGEST_TEXT
from targets.cloudflare.redaction import MASK

_MASK_IN_JSON: Final = json.dumps(MASK)[1:-1]
_MASKED: Final = (
    f"Where it says {MASK}, a secret was taken out of what is shown: write the value there, or take "
    "it out. A payload that is meant to say that can be started with trigger_workflow."
)
_OFFERED: Final = 5
_LOOKED_AT: Final = 30


def read_payload(text: str, *, first_line: int = 1) -> Any:
    """Return the JSON value of a text, {} for an empty one; raises Refused, which says where it is wrong.

    `first_line` is the number of its first line in what it was taken from.
    """
    if not text.strip():
        return {}
    try:
        payload = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno + first_line - 1}, column {error.colno}"
        raise Refused(f"The payload is not JSON: {error.msg}, at {where}.") from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"The payload is not JSON: {error}.") from None
    check_payload(payload)
    return payload


def read_whole(text: str) -> Any:
    """Return the JSON value as `read_payload` does; raises Refused too where a mask stands in it."""
    if note := mask_note(text):
        raise Refused(f"The payload is not whole. {note}")
    return read_payload(text)


def mask_note(text: str) -> str:
    """Return what to do with a payload of which a secret was taken out; "" for a whole one."""
    return _MASKED if MASK in text or _MASK_IN_JSON in text.lower() else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def size(payload: Any) -> int:
    """Return how many bytes are sent."""
    return len(json.dumps(payload, ensure_ascii=False).encode())


def last_payloads(workflow_id: str) -> list[tuple[Run, str]]:
    """Return the last different payloads of a workflow's runs, with a run that had each."""
    texts = RunText.objects.filter(run__workflow=workflow_id).exclude(params="")
    found: dict[str, Run] = {}
    for text in texts.select_related("run").order_by("-run__created_at", "-run_id")[:_LOOKED_AT]:
        if len(text.params) < LONGEST_TEXT:  # what is longer was cut
            found.setdefault(text.params, text.run)
    return [(run, params) for params, run in found.items()][:_OFFERED]
