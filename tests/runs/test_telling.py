"""What is kept of what a target tells."""

from __future__ import annotations

import pytest
from django.utils import timezone

from runs import index
from runs.models import RunText
from runs.telling import LONGEST_ERROR, LONGEST_TEXT
from tests.runs.examples import make_run

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-a-text"


def test_a_secret_at_the_place_where_a_text_is_cut_leaves_no_part() -> None:
    run = make_run(read_at=timezone.now())
    text, error = ("x" * (longest - 10) + SECRET for longest in (LONGEST_TEXT, LONGEST_ERROR - 7))
    told = {
        "status": "errored",
        "params": text,
        "output": text,
        "error": {"name": "Error", "message": error},
    }

    index.apply_details(run, told, secrets=[SECRET])

    kept = RunText.objects.get(run=run)
    assert "sent" not in kept.params + kept.output + kept.error + run.error
    assert len(kept.output) <= LONGEST_TEXT
