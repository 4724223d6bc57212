"""Template tags that draw workflows."""

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
    """A problem in a document; a picture needs only its path."""

    path: str


@register.inclusion_tag("workflows/_picture.html")
def picture(drawn: Picture) -> dict[str, Any]:
    """Render a picture with its outline and zoom buttons."""
    # Both are built with workflows.picture.markup, which escapes user text.
    return {"drawn": drawn, "svg": mark_safe(drawn.svg), "outline": mark_safe(drawn.outline)}  # noqa: S308


@register.inclusion_tag("workflows/_picture.html")
def draft_picture(
    workflow: Workflow, errors: Iterable[Finding] = (), warnings: Iterable[Finding] = ()
) -> Mapping[str, Any]:
    """Render a picture of the saved draft, whose nodes link to their place in the document."""
    problems = mark_problems(
        workflow.ir,
        errors=[finding.path for finding in errors],
        warnings=[finding.path for finding in warnings],
    )
    drawn = picture_of(workflow.ir, types_for(workflow.ir), base="#node=", problems=problems)
    return picture(drawn)
