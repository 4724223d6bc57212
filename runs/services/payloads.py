"""Payloads that users type, checked before anything is sent, and payloads of earlier runs."""

from __future__ import annotations

import json
from typing import Any, Final

from runs.models import Run, RunText
from runs.services.control import Refused, check_payload
from runs.steps.parsing import LONGEST_TEXT
from toolchain.redaction import MASK
from workflows.ir.reading import json_reader

_MASK_IN_JSON: Final = json.dumps(MASK)[1:-1]
_MASKED: Final = (
    f"A secret is masked as {MASK}: enter its value there, or remove it. A payload that really "
    f"contains {MASK} can be started with trigger_workflow."
)
_MAX_OFFERED: Final = 5
_RUNS_SEARCHED: Final = 30


class NotJson(Refused):
    """The text is not JSON."""


def read_payload(text: str, *, first_line: int = 1) -> Any:
    """Return the JSON value of the text, {} if it is empty. Raises Refused, which says where it fails.

    `first_line` is the line number of the text in its file.
    """
    if not text.strip():
        return {}
    try:
        payload = json_reader.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno + first_line - 1}, column {error.colno}"
        raise NotJson(f"The payload is not JSON: {error.msg}, at {where}.") from None
    except RecursionError:
        raise NotJson("The payload is nested too deeply.") from None
    except ValueError as error:
        raise NotJson(f"The payload is not JSON: {error}.") from None
    check_payload(payload)
    return payload


def read_unmasked(text: str) -> Any:
    """Return the JSON value like `read_payload`. Also raises Refused for a masked secret."""
    if note := mask_note(text):
        raise Refused(f"The payload is incomplete. {note}")
    return read_payload(text)


def mask_note(text: str) -> str:
    """Return what to do about masked secrets in a payload; "" if there are none."""
    return _MASKED if MASK in text or _MASK_IN_JSON in text.lower() else ""


def pretty(value: Any) -> str:
    """Return the value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def size(payload: Any) -> int:
    """Return how many bytes are sent."""
    return len(json.dumps(payload, ensure_ascii=False).encode())


def last_payloads(workflow_id: str) -> list[tuple[Run, str]]:
    """Return the last distinct payloads of a workflow's runs, each with the newest run that had it."""
    texts = RunText.objects.filter(run__workflow=workflow_id).exclude(params="")
    newest = texts.select_related("run").order_by("-run__created_at", "-run_id")
    run_of: dict[str, Run] = {}
    for text in newest[:_RUNS_SEARCHED]:
        if len(text.params) < LONGEST_TEXT:  # longer ones were truncated
            run_of.setdefault(text.params, text.run)
    return [(run, params) for params, run in run_of.items()][:_MAX_OFFERED]
