"""The nodes of a run's steps."""

from __future__ import annotations

import pytest

from runs.steps.step_nodes import parsed_document, plain_name
from tests.deployments.factories import make_deployment
from tests.workflows.ir.documents import document, node
from workflows.services import import_document


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("call-1", "call"),
        ("call [0]-12", "call"),
        ("call [1][20]-1", "call"),
        ("call (attempt 2) [3]-1", "call"),
        ("call", "call"),
        ("pay #2-1", "pay #2"),
        ("[0]-1", "[0]"),
    ],
)
def test_a_name_is_plain_without_counters(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.django_db
def test_a_document_is_that_of_its_deployment_even_if_an_id_is_used_again() -> None:
    names = []
    for name in ("first", "second"):
        workflow = import_document(document([node("a", name=name)]))
        deployment = make_deployment(pk=77, workflow=workflow)
        parsed = parsed_document(deployment.pk)
        assert parsed
        names.append(parsed.nodes["a"].name)
        deployment.delete()

    assert names == ["first", "second"]
