"""Requests that are generated from the specification: no server error, and no undocumented response."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as options
from pytest_django import Settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.callers import EVERY_SCOPE, key_client, make_user
from tests.deployments.factories import make_workflow
from tests.support.examples import examples

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SLOW = {"get_draft_problems", "test_workflow", "create_node_type", "deploy_stream", "verify_token"}
"""They start programs, or call Cloudflare."""

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the connection of the test, which Django would close after each request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def loaded(client: Client) -> Any:
    """Return the specification as schemathesis reads it, for the application in this process."""
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    schema.app = get_wsgi_application()
    return schema


def operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] not in SLOW:
            yield operation


def check(operation: Any, headers: dict[str, str], workflow: str) -> set[int]:
    """Send generated requests to an operation, and return the statuses of its responses."""
    statuses = set()

    @options(
        max_examples=examples(1, 50),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        if "workflow_id" in (case.path_parameters or {}):
            case.path_parameters["workflow_id"] = workflow
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)

    send()
    return statuses


@pytest.mark.parametrize(
    "scopes",
    [
        EVERY_SCOPE,
        *(pytest.param([scope], marks=pytest.mark.long, id=scope) for scope in EVERY_SCOPE),
    ],
)
def test_generated_requests_get_documented_responses(
    scopes: Collection[str], settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]  # the host of generated requests
    client = key_client(make_user("root", is_superuser=True), scopes)
    headers = {"Authorization": client.defaults["HTTP_AUTHORIZATION"]}
    workflow = make_workflow().pk
    failures = []
    statuses: set[int] = set()
    schema = loaded(client)

    with one_connection():  # Django's client has connected the signals again
        for operation in operations(schema):
            try:
                statuses |= check(operation, headers, workflow)
            except BaseException as failure:  # noqa: BLE001 - all of them are reported together
                failures.append(f"{operation.label}: {failure}")

    assert not failures, "\n\n".join(failures)
    assert "read" not in scopes or 200 in statuses  # requests reach the operations
