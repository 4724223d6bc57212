"""A script is deployed like any Worker, and has no Workflow and no runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deployments.pipeline.ports import DeployRequest
from tests.deployments.factories import make_deployment, make_workflow
from tests.deployments.fakes import request


def script(original: DeployRequest) -> DeployRequest:
    return replace(original, ir=original.ir | {"kind": "script", "trigger": {"type": "http"}})


def test_the_kind_is_read_from_any_document() -> None:
    original = request()
    others: list[Any] = [original.ir, None, [], {"kind": 1}]

    assert script(original).is_script
    assert not any(replace(original, ir=ir).is_script for ir in others)


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["trigger_workflow", "describe_run"])
def test_a_run_of_a_script_is_refused_with_its_address(command: str) -> None:
    workflow = make_workflow(kind="script", trigger={"type": "http", "path": "/mail"})
    run = ["latest"] if command == "describe_run" else []

    with pytest.raises(CommandError, match="Deploy it to get an address"):
        call_command(command, workflow.pk, *run)
    make_deployment(workflow=workflow, status="succeeded", worker_url="http://w.localhost:1")

    with pytest.raises(CommandError, match=r"POST http://w\.localhost:1/mail"):
        call_command(command, workflow.pk, *run)
