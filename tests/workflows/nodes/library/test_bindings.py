"""Nodes that use resources of Cloudflare, on the embedded platform, which creates these resources."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from audit.trail import SYSTEM
from runs.saved_tests.execution import run_test
from runs.test_runs.draft_request import Runnable
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain, node
from workflows.documents.saved_tests.reading import read_test
from workflows.services import import_document

pytestmark = pytest.mark.django_db
MAIL: dict[str, Any] = {
    "from": "Shop <shop@example.com>",
    "to": "ada@example.com",
    "subject": "Order",
}
SQL = "SELECT ?1 AS id, ?2 AS total"


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def test_the_bindings_that_nodes_name_are_created() -> None:
    nodes = [
        node("put", "kv_put", binding="SESSIONS", key="a", value={"n": 1}),
        node("get", "kv_get", binding="SESSIONS", key="a"),
        node("query", "d1_query", binding="ORDERS", sql=SQL, params=["{{ trigger.id }}", 2.5]),
        node("write", "r2_put", binding="FILES", key="a.json", value="{{ query.rows }}"),
        node("read", "r2_get", binding="FILES", key="a.json"),
        node("send", "queue_send", binding="JOBS", body=[{"id": 1}, {"id": 2}], each=True),
        node("mail", "email_send", binding="POST", text="Thank you", **MAIL),
        node("last", "debounce", database="ORDERS", key="{{ trigger.id }}"),
        node("room", "rate_limit", database="ORDERS", key="{{ trigger.id }}"),
        node(
            "end",
            code="return [get.value, read.value, send.sent, typeof mail.messageId, last, room];",
        ),
    ]
    workflow = import_document(chain(*nodes))
    found = [{"latest": True, "count": 1}, {"waited": 0, "timedOut": False}]
    output = [{"n": 1}, [{"id": "A-1", "total": 2.5}], 2, "string", *found]
    test = {"name": "All", "payload": {"id": "A-1"}, "expect": {"output": {"value": output}}}

    result = run_test(Runnable.draft(workflow), read_test(test), by=SYSTEM)

    assert (result.differences, result.passed) == ([], True)
