"""The admin list of versions."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.deployments.factories import make_workflow
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_the_dates_come_from_the_first_and_the_last_version(admin_client: Client) -> None:
    version = make_workflow().newest_version

    with CaptureQueriesContext(connection) as captured:
        shown = text(admin_client.get("/admin/workflows/workflowversion/"))

    assert f"{version.created_at:%B}" in shown
    assert "datetime_trunc" not in str(captured.captured_queries)
