"""Versions, and what differs between two of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.conventions.schema import ApiSchema, BodySchema
from api.schemas.content import Content, content_of
from workflows.documents.comparison.comparison import Comparison
from workflows.documents.comparison.values import FieldChange
from workflows.models import MAX_NOTE_LENGTH, WorkflowVersion


class VersionSummary(ApiSchema):
    """A version in a list. Its `id` is its number, as text."""

    id: str
    workflow_id: str
    version: int
    note: str
    locked: bool
    created_by: str | None
    created_at: datetime


class VersionOut(VersionSummary, Content):
    """A version with its content. `files` are those of a project."""

    files: dict[str, Any]


class NewVersion(BodySchema):
    """A document that replaces the draft, and is then saved. Without it, the draft is saved as it is."""

    ir: dict[str, Any] | None = None
    note: str = Field("", max_length=MAX_NOTE_LENGTH)


class VersionChanges(BodySchema):
    """What changes: the lock or the note; the content never does."""

    locked: bool | None = None
    note: str | None = Field(None, max_length=MAX_NOTE_LENGTH)


class Reverted(VersionSummary):
    """The version to which the draft was restored; `changed` is false if it was the same before."""

    changed: bool
    draft_revision: int


class CompareQuery(ApiSchema):
    """What is compared: `draft`, `v3` or `live-1` (the id of a target)."""

    before: str = Field("", alias="from", max_length=30)
    after: str = Field("draft", alias="to", max_length=30)


class ChangedField(ApiSchema):
    """A field that differs, with its values as text; null if it is missing."""

    path: str
    label: str
    before: str | None
    after: str | None


class ChangedNode(ApiSchema):
    """A node that differs. It was added if it has no `oldId`, and removed if it has no `id`."""

    id: str
    old_id: str
    name: str
    kinds: list[str]
    fields: list[ChangedField]


class ChangedPart(ApiSchema):
    """A part beside the nodes that differs, such as the trigger."""

    title: str
    fields: list[ChangedField]


class ComparisonOut(ApiSchema):
    """What differs; nothing if the `summary` is empty."""

    summary: str
    nodes: list[ChangedNode]
    parts: list[ChangedPart]
    files: list[ChangedField]


def version_summary(version: WorkflowVersion) -> dict[str, Any]:
    """Return a version without its content."""
    return {
        "id": str(version.number),
        "workflow_id": version.workflow_id,
        "version": version.number,
        "note": version.note,
        "locked": version.locked,
        "created_by": version.created_by.get_username() if version.created_by else None,
        "created_at": version.created_at,
    }


def full_version(version: WorkflowVersion) -> dict[str, Any]:
    """Return a version with its content."""
    return {
        **version_summary(version),
        **content_of(version),
        "files": version.files,
    }


def comparison_of(found: Comparison) -> dict[str, Any]:
    """Return what differs."""
    return {
        "summary": found.summary,
        "nodes": [
            {
                "id": node.id,
                "old_id": node.old_id,
                "name": node.name,
                "kinds": list(map(str, node.kinds)),
                "fields": list(map(_field, node.fields)),
            }
            for node in found.nodes
        ],
        "parts": [
            {"title": part.title, "fields": list(map(_field, part.fields))} for part in found.parts
        ],
        "files": list(map(_field, found.files)),
    }


def _field(change: FieldChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "label": change.label,
        "before": change.before,
        "after": change.after,
    }
