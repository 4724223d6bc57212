"""Secrets whose masked values clients send back."""

from __future__ import annotations

import pytest

from api.schemas.variables import MASKED
from tests.api.callers import superuser_client
from workflows.models import EnvironmentVariable
from workflows.services import set_variable

pytestmark = pytest.mark.django_db
MASKED_SECRET = {"name": "TOKEN", "value": MASKED, "isSecret": True}


def test_the_mask_of_a_secret_keeps_its_value() -> None:
    set_variable("TOKEN", "sentinel", is_secret=True)

    answer = superuser_client().post("/api/env-vars", MASKED_SECRET, "application/json")

    assert (answer.status_code, answer.json()["value"]) == (201, MASKED)
    assert EnvironmentVariable.objects.get().value == "sentinel"


def test_the_mask_is_not_a_value_of_a_new_secret() -> None:
    answer = superuser_client().post("/api/env-vars", MASKED_SECRET, "application/json")

    assert answer.status_code == 400
    assert not EnvironmentVariable.objects.exists()
