"""API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from api.conventions.schema import ApiSchema, BodySchema
from api.models import ApiKey
from api.scopes import Scope


class NewKey(BodySchema):
    """A new key of the user who creates it. Without `workflowIds` and `targetIds`, it is not restricted."""

    model_config = ConfigDict(strict=False)  # times are text in JSON

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(min_length=1)
    expires_at: datetime | None = None
    workflow_ids: list[str] | None = Field(None, max_length=100)
    target_ids: list[str] | None = Field(None, max_length=100)
    project_id: str | None = None


class KeyOut(ApiSchema):
    """A key; only its start is known, the `prefix`."""

    id: str
    name: str
    prefix: str
    owner: str
    scopes: list[Scope]
    workflow_ids: list[str] | None
    target_ids: list[str] | None
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


class CreatedKeyOut(KeyOut):
    """A new key; `key` is shown only now."""

    key: str


def key_of(key: ApiKey) -> dict[str, Any]:
    """Return a key."""
    return {
        "id": str(key.pk),
        "name": key.name,
        "prefix": key.prefix,
        "owner": key.owner.get_username(),
        "scopes": key.scopes,
        "workflow_ids": key.workflows,
        "target_ids": None if key.targets is None else [str(each) for each in key.targets],
        "expires_at": key.expires_at,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
    }
