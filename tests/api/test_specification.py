"""The specification, and who may read it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.api.callers import key_client, make_user


def exported() -> Any:
    out = StringIO()
    call_command("export_openapi_schema", api="api.urls.api", stdout=out)
    return json.loads(out.getvalue())


def test_the_specification_is_exported_with_problems_as_errors() -> None:
    specification = exported()

    assert specification["openapi"] == "3.1.0"
    for path in specification["paths"].values():
        for operation in path.values():
            assert {"401", "403", "429"} <= operation["responses"].keys()
            assert "application/problem+json" in operation["responses"]["401"]["content"]
            assert operation["security"]


@pytest.mark.django_db
def test_callers_may_read_the_specification_and_nobody_else() -> None:
    answer = key_client(make_user("ada")).get("/api/openapi.json")

    assert answer.json() == exported()
    assert Client().get("/api/openapi.json").status_code == 401


def test_the_interactive_documentation_loads_only_our_own_files(admin_client: Client) -> None:
    answer = admin_client.get("/api/docs/")

    assert 'src="/static/ninja/swagger-ui-bundle.js"' in answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
