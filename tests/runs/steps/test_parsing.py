"""Parsing runs in the format of Cloudflare's API."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from runs.index import writer
from runs.models import Run, RunStep, RunText, max_length
from runs.steps.parsing import LONGEST_TEXT, read_details
from tests.runs.examples import START, attempted_step, make_run, waiting_step
from workflows.picture.timestamps import parse_timestamp

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-a-text"


def test_secrets_are_masked_before_texts_are_truncated() -> None:
    run = make_run(read_at=timezone.now())
    longest = (LONGEST_TEXT, max_length(Run, "error") - 7)
    text, error = ("x" * (length - 10) + SECRET for length in longest)
    data = {
        "status": "errored",
        "params": text,
        "output": text,
        "error": {"name": "Error", "message": error},
    }

    writer.apply_details(run, data, secrets=[SECRET])

    stored = RunText.objects.get(run=run)
    assert "sent" not in stored.params + stored.output + stored.error + run.error
    assert len(stored.output) <= LONGEST_TEXT


def test_texts_are_truncated_to_the_lengths_of_their_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = [(Run, "error"), (Run, "waits_for"), (RunStep, "name"), (RunStep, "label")]
    for length, (model, name) in enumerate(fields, 30):
        monkeypatch.setattr(model._meta.get_field(name), "max_length", length)
    long = "x" * 40
    waiting = waiting_step(name=long, event_type=long)

    details = read_details({"status": "running", "error": {"message": long}, "steps": [waiting]})

    (step,) = details.steps
    lengths = [len(each) for each in (details.error, details.waits_for, step.name, step.label)]
    assert lengths == [30, 31, 32, 33]


def test_a_malformed_step_does_not_hide_the_others() -> None:
    whole = attempted_step((0, 1, True))
    odd = {**whole, "start": "soon", "attempts": ["?", *whole["attempts"]]}

    details = read_details({"status": "running", "steps": ["?", odd, waiting_step()]})

    assert [(step.name, step.seconds, step.attempts) for step in details.steps] == [
        ("charge-1", None, 1),
        ("waitForEvent-1", None, 0),
    ]
    assert details.waits_for == "go"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01T12:00:00Z", START),
        ("2026-01-01T13:00:00+01:00", START),
        ("2026-01-01T12:00:00", START),
        (START, START),
        ("soon", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_timestamps_are_parsed(value: object, expected: datetime | None) -> None:
    assert parse_timestamp(value) == expected
