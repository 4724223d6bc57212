"""Service accounts that cannot sign anything."""

from __future__ import annotations

import json

import pytest

from tests.workflows.ir.documents import chain, node
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.nodes.library.registry import registry

SECRET = "GOOGLE_SERVICE_ACCOUNT"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    workflow = chain(node("read", "google-sheets", spreadsheetId="s1", range="Orders"))
    folder = tmp_path_factory.mktemp("sheets")
    return compiled({"Read": workflow}, folder, types=registry(), variables=frozenset([SECRET]))


@pytest.mark.parametrize(
    "account",
    [
        "password",
        json.dumps({"client_email": "password"}),
        json.dumps({"client_email": "a@x.c", "private_key": "password"}),
        json.dumps({"client_email": "a@x.c", "private_key": "-----BEGIN KEY-----\ncGFzc3dvcmQ="}),
    ],
)
def test_what_is_not_a_key_fails_without_being_shown(modules: dict[str, str], account: str) -> None:
    (run,) = run_all(modules, [Run(workflow="Read")], variables={SECRET: account})

    expected = "GOOGLE_SERVICE_ACCOUNT is not the JSON key of a service account."
    assert run["error"] == {"name": "NonRetryableError", "message": expected}
