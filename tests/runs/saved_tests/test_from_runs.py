"""Tests that are made from runs, and that pass with the same draft."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import Settings

from audit.trail import SYSTEM
from runs.saved_tests.execution import run_test
from runs.saved_tests.from_runs import from_test_run
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from runs.test_runs.services import TestInput
from tests.runs.test_runs.drafts import ended, step
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain, node
from workflows.documents.saved_tests.reading import read_test
from workflows.models import Workflow
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-saved-tests-77c0"


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


@pytest.fixture
def shop(platform: Platform) -> Workflow:
    """A workflow that calls the platform's own API with a secret, and has an output that varies."""
    url = f"http://127.0.0.1:{platform.port}/client/v4/nothing"
    code = "return { at: crypto.randomUUID(), key: `key ${env.SHOP_KEY}`, status: 'sent' };"
    workflow = import_document(
        chain(
            step("read", "return event.payload.id + 1;"),
            node("call", "http_request", method="PUT", url=url, body={"key": "{{ env.SHOP_KEY }}"}),
            step("end", code),
        )
    )
    set_variable("SHOP_KEY", SECRET, workflow=workflow, is_secret=True)
    return workflow


def made(workflow: Workflow, name: str = "like the run", **test: Any) -> dict[str, Any]:
    run = services.start(workflow, TestInput(**test), by=SYSTEM)
    ended(run)
    return from_test_run(run, name=name, by=SYSTEM)


def test_a_test_run_becomes_a_test_that_passes(shop: Workflow) -> None:
    shop.ir["nodes"][1]["data"]["failOn"] = "never"
    test = made(shop, payload={"id": 1})
    assert test["payload"] == {"id": 1}
    assert test["expect"]["nodes"] == ["read", "call", "end"]
    result = run_test(Runnable.draft(shop), read_test(test), by=SYSTEM)
    assert result.differences == []


def test_a_test_contains_invented_values_instead_of_secrets(shop: Workflow) -> None:
    test = made(shop, payload={"id": 1})
    assert SECRET not in json.dumps(test)
    assert test["variables"] == {"SHOP_KEY": "test-SHOP_KEY"}
    (request, *_) = test["requests"]
    assert request["body"] == {"key": "test-SHOP_KEY"}
