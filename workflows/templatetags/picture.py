"""Pictures of workflows in templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django import template
from django.utils.safestring import mark_safe

from workflows.models import Workflow
from workflows.node_types.registered import types_for
from workflows.picture.drawing import Picture, picture_of
from workflows.picture.problem_marks import mark_problems

register = template.Library()


class Finding(Protocol):
    """What is wrong with a document, as far as a picture shows it."""

    path: str


@register.inclusion_tag("workflows/_picture.html")
def picture(drawn: Picture) -> dict[str, Any]:
    """A picture that was drawn, with its outline and the buttons of its size."""
    # Both are built by workflows.picture.markup, which escapes all that people wrote.
    return {"drawn": drawn, "svg": mark_safe(drawn.svg), "outline": mark_safe(drawn.outline)}  # noqa: S308


@register.inclusion_tag("workflows/_picture.html")
def draft_picture(
    workflow: Workflow, errors: Iterable[Finding] = (), warnings: Iterable[Finding] = ()
) -> Mapping[str, Any]:
    """The picture of a workflow's saved draft; each node leads to its place in the document."""
    problems = mark_problems(
        workflow.ir,
        errors=[finding.path for finding in errors],
        warnings=[finding.path for finding in warnings],
    )
    drawn = picture_of(workflow.ir, types_for(workflow.ir), base="#node=", problems=problems)
    return picture(drawn)
