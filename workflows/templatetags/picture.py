"""Template tags that draw workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.safestring import mark_safe

from workflows.ir.reading.problems import Problem
from workflows.models import Workflow
from workflows.node_types.registered import types_for
from workflows.picture.drawing import Picture, picture_of
from workflows.picture.problem_marks import mark_problems

register = template.Library()


@register.inclusion_tag("workflows/_picture.html")
def picture(drawn: Picture, what: str = "the workflow") -> dict[str, Any]:
    """Render a picture of something with its outline and zoom buttons."""
    # Both are built with workflows.picture.markup, which escapes user text.
    svg, outline = mark_safe(drawn.svg), mark_safe(drawn.outline)  # noqa: S308
    return {"drawn": drawn, "what": what, "svg": svg, "outline": outline}


@register.inclusion_tag("workflows/_picture.html")
def draft_picture(workflow: Workflow, problems: Iterable[Problem] = ()) -> Mapping[str, Any]:
    """Render a picture of the saved draft, whose nodes link to their place in the document."""
    all_problems = list(problems)
    marks = mark_problems(
        workflow.ir,
        errors=[problem.path for problem in all_problems if problem.is_error],
        warnings=[problem.path for problem in all_problems if not problem.is_error],
    )
    drawn = picture_of(workflow.ir, types_for(workflow.ir), base="#node=", problems=marks)
    return picture(drawn)
