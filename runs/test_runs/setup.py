"""What a user last tested a draft with, as the form shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runs.models import TestSetup
from runs.services.control import Refused, check_payload
from runs.services.payloads import read_unmasked
from runs.test_runs.services import TestInput
from workflows.documents.saved_tests.pins import (
    DEFAULT_MESSAGE,
    MAX_MESSAGE,
    MAX_TIMES,
    Failures,
    Pin,
    stored_pins,
)
from workflows.node_types.registered import types_for
from workflows.nodes.documents import parse

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from workflows.models import Workflow

SPEEDS: Final = (
    ("", "Skip sleeps, waits and retry delays"),
    ("86400", "One second for a day"),
    ("3600", "One second for an hour"),
    ("60", "One second for a minute"),
    ("1", "Real time"),
)
FAILS: Final = "fail"
TIMES_OUT: Final = "time_out"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_MAX_PAYLOAD: Final = 1024 * 1024 * 2  # characters
_MAX_PINS: Final = 10_000_000  # characters of JSON


def setup_of(workflow: Workflow, user: User) -> TestSetup:
    """Return the user's setup for the draft, or an unsaved one with the defaults."""
    found = TestSetup.objects.filter(workflow=workflow, user=user).first()
    return found or TestSetup(workflow=workflow, user=user)


def save_setup(workflow: Workflow, user: User, **changes: Any) -> TestSetup:
    """Save the changed fields of the user's setup for the draft. Raises Refused for a huge payload."""
    if len(changes.get("payload", "")) > _MAX_PAYLOAD:
        raise Refused("The payload is too large.")
    setup, _ = TestSetup.objects.update_or_create(workflow=workflow, user=user, defaults=changes)
    return setup


def save_pin(workflow: Workflow, user: User, node: str, pin: Pin | None) -> None:
    """Save the pin of a node, or remove it. Raises Refused if the pins get too large together."""
    pins = {id_: each for id_, each in setup_of(workflow, user).pins.items() if id_ != node}
    if pin:
        pins[node] = pin.as_json()
        if len(json.dumps(pins)) > _MAX_PINS:
            raise Refused("The pins of a draft can have at most 10 MB in total. Remove one first.")
    save_setup(workflow, user, pins=pins)


def rename_pinned(workflow_id: str, ids: Mapping[str, str]) -> None:
    """Keep the pins of nodes that have new ids: without its pin, a node would really do its work."""
    for setup in TestSetup.objects.filter(workflow=workflow_id).exclude(pins={}):
        pins = {ids.get(id_, id_): pin for id_, pin in setup.pins.items()}
        if pins != setup.pins:
            setup.pins = pins
            setup.save(update_fields=["pins"])


def read_speed(text: str) -> float | None:
    """Return the speed that was chosen; None skips everything. Raises Refused."""
    if text not in dict(SPEEDS):
        raise Refused("Choose how fast time passes.")
    return float(text) if text else None


def test_input(setup: TestSetup, *, until: str) -> TestInput:
    """Return the input of a test run; pins of nodes that were deleted are left out. Raises Refused."""
    document = setup.workflow.ir
    nodes = {node.id for node in parse(document, types_for(document)).nodes}
    pins = {id_: pin for id_, pin in stored_pins(setup.pins).items() if id_ in nodes}
    return TestInput(
        payload=read_unmasked(setup.payload), pins=pins, until=until, speed=setup.speed
    )


def pin_from_form(output: str, *, failure: str, times: str, message: str) -> Pin | None:
    """Return the pin that the form describes; None if it pins nothing. Raises Refused."""
    failures = None
    if failure in (FAILS, TIMES_OUT):
        text = _read_message(message) if failure == FAILS else None
        failures = Failures(times=_read_times(times), message=text)
    if not output.strip():
        return Pin(failures=failures) if failures else None
    try:
        value = read_unmasked(output)
        check_payload(value)
    except Refused as refused:
        message = str(refused).replace("The payload", "The pinned value", 1)
        raise Refused(message.replace("in the payload", "in the pinned value", 1)) from None
    return Pin(output=value, failures=failures)


def _read_times(text: str) -> int | None:
    if not text.strip():
        return None
    number = text.strip()
    if not (_NUMBER.fullmatch(number) and 1 <= int(number) <= MAX_TIMES):
        raise Refused(
            f"The number of failures must be a whole number from 1 to {MAX_TIMES:,}, or empty for always."
        )
    return int(number)


def _read_message(text: str) -> str:
    message = text.strip() or DEFAULT_MESSAGE
    if len(message) > MAX_MESSAGE:
        raise Refused(f"The error message can have at most {MAX_MESSAGE:,} characters.")
    return message
