"""POST /api/workflows/<id>/deploy-stream with a target that requires tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from audit.models import Entry
from deployments.models import Deployment
from tests.deployments.factories import make_target, make_workflow
from tests.support.fake_tests import FakeTests

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture(autouse=True)
def failing(fake_tests: FakeTests) -> None:
    make_target(name="production", requires_tests=True)
    fake_tests.fail("approved")


def deploy(client: Client, **body: Any) -> HttpResponseBase:
    url = f"/api/workflows/{make_workflow().pk}/deploy-stream"
    return client.post(url, {"target": "production", **body}, content_type="application/json")


def test_failed_tests_refuse_a_deploy(admin_client: Client) -> None:
    answer = deploy(admin_client)

    assert answer.status_code == 403
    assert '"approved" fails' in answer.json()["error"]  # type: ignore[attr-defined]
    assert not Deployment.objects.exists()


def test_failed_tests_are_overridden_with_a_reason(admin_client: Client) -> None:
    answer = deploy(admin_client, overrideTests="customers are waiting")

    assert answer.status_code == 200
    assert Deployment.objects.get().reason == "Required tests overridden: customers are waiting"
    assert Entry.objects.filter(action="tests overridden").count() == 1


@pytest.mark.parametrize("body", [{"versionId": "7"}, {"config": {"workersDev": False}}])
def test_another_version_or_other_settings_are_not_ignored(
    admin_client: Client, body: dict[str, Any]
) -> None:
    answer = deploy(admin_client, overrideTests="customers are waiting", **body)

    assert answer.status_code in (400, 403)
    assert not Deployment.objects.exists()


def test_the_reason_must_be_text(admin_client: Client) -> None:
    answer = deploy(admin_client, overrideTests=True)

    assert answer.status_code == 400
    assert not Deployment.objects.exists()
