"""Environment variables. The value of a secret never leaves AwaitStep."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from api.conventions.paging import Paging
from api.conventions.schema import ApiSchema, BodySchema
from audit.encrypted_fields import UnreadableSecret
from workflows.models import EnvironmentVariable

MASKED: Final = "••••••••"


class EnvVarBody(BodySchema):
    """A variable to set. A secret with the masked value keeps the value that it has."""

    name: str = Field(max_length=128)
    value: str = Field(max_length=100_000)
    is_secret: bool = False


class NewVariable(EnvVarBody):
    """A variable of a workflow, or of all workflows."""

    workflow_id: str | None = Field(None, max_length=20)


class VariableChanges(BodySchema):
    """What changes; AwaitStep's clients also send the name, which has to be the same."""

    name: str | None = Field(None, max_length=128)
    value: str | None = Field(None, max_length=100_000)
    is_secret: bool | None = None


class EnvFile(BodySchema):
    """The text of a .env file, and which of its values are secret: by their names, all, or none."""

    env: str
    secrets: Literal["likely", "all", "none"] = "likely"


class VariableQuery(Paging):
    """Which variables."""

    workflow_id: str = Field("", max_length=20)
    scope: Literal["all", "global"] = "all"


class EnvVarOut(ApiSchema):
    """A variable; `workflowId` is null if it is for all workflows. Secrets are masked."""

    id: str
    name: str
    value: str | None
    is_secret: bool
    workflow_id: str | None
    updated_at: datetime


def variable_of(row: EnvironmentVariable) -> dict[str, Any]:
    """Return a variable; the value is None if its encryption key is lost."""
    value: str | None = MASKED if row.is_secret else None
    if not row.is_secret:
        with suppress(UnreadableSecret):
            value = row.value
    return {
        "id": str(row.pk),
        "name": row.name,
        "value": value,
        "is_secret": row.is_secret,
        "workflow_id": row.workflow_id,
        "updated_at": row.updated_at,
    }
