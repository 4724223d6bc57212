"""Drafts, their problems, and the operations of the editor."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.conventions.problems import ProblemItem
from api.conventions.schema import ApiSchema, BodySchema
from api.schemas.content import Content, content_of
from workflows.drafts import Changed
from workflows.models import Workflow


class DraftOut(Content):
    """A draft. The response has its `revision` as the ETag."""

    revision: int


class DraftBody(BodySchema):
    """What replaces the draft. Parts that are left out stay as they are."""

    ir: dict[str, Any]
    trigger_code: str | None = Field(None, max_length=1_000_000)
    dependencies: dict[str, str] | None = None
    deploy_config: dict[str, Any] | None = None
    tests: list[Any] | None = None


class OperationBody(BodySchema):
    """An operation of the editor, such as `{"type": "configure", "node": "charge", ...}`.

    `revision` is the one that it is based on. A request with an `id` changes nothing if it is sent again.
    """

    revision: int = Field(ge=0, le=2**31)
    operation: dict[str, Any]
    id: str = Field("", max_length=64, pattern=r"^[ -~]*$")


class HistoryBody(BodySchema):
    """A request with an `id` changes nothing if it is sent again."""

    id: str = Field("", max_length=64, pattern=r"^[ -~]*$")


class ChangedOut(ApiSchema):
    """The draft after a change. Without a `summary`, nothing has changed."""

    revision: int
    summary: str
    selected: str
    renamed: dict[str, str]


class DraftProblems(ApiSchema):
    """Everything that prevents a deploy, and warnings. The code is compiled, which may take seconds."""

    revision: int
    errors: int
    warnings: int
    problems: list[ProblemItem]


def draft_of(workflow: Workflow) -> dict[str, Any]:
    """Return the draft of a workflow."""
    return {"revision": workflow.draft_revision, **content_of(workflow)}


def changed_of(changed: Changed) -> dict[str, Any]:
    """Return the draft after a change."""
    return {
        "revision": changed.revision,
        "summary": changed.summary,
        "selected": changed.selected,
        "renamed": dict(changed.renamed),
    }
