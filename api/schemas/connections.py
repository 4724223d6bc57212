"""Connections: AwaitStep's word for targets. Their tokens never leave AwaitStep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field, field_validator

from api.conventions.schema import ApiSchema, BodySchema
from deployments.resources.services import ResourceUsage
from targets.checks.check_state import CheckState
from targets.models import CLOUDFLARE_API, Target
from targets.services import CREDENTIAL

_FIELDS: Final = ("name", "is_default", "protected", "requires_tests", "api_base_url")
_FREEZE: Final = ("frozen_from", "frozen_until", "frozen_reason")
_FIRST_YEAR, _LAST_YEAR = 2000, 9000


class Credentials(BodySchema):
    """A token, and the account that it is for; without one, the token's only account."""

    api_token: str = Field(min_length=1, max_length=1000)
    account_id: str = Field("", max_length=64)


class TokenToVerify(BodySchema):
    """A token that is not stored. AwaitStep's clients also send a name."""

    provider: Literal["cloudflare"] = "cloudflare"
    credentials: Credentials
    api_base_url: str = Field(CLOUDFLARE_API, max_length=200)
    name: str = Field("", max_length=200)


class AccountOut(ApiSchema):
    """An account that a token can access."""

    id: str
    name: str


class TokenOut(ApiSchema):
    """Whether a token can be used, with its accounts; `error` says why not."""

    valid: bool
    accounts: list[AccountOut]
    error: str = ""


class ConnectionRules(BodySchema):
    """The rules of a target. `deployers` are the groups that may deploy to it while it is protected."""

    model_config = ConfigDict(strict=False)  # times are text in JSON

    is_default: bool | None = None
    protected: bool | None = None
    deployers: list[str] | None = Field(None, max_length=100)
    requires_tests: bool | None = None
    frozen_from: AwareDatetime | None = None
    frozen_until: AwareDatetime | None = None
    frozen_reason: str | None = Field(None, max_length=300)

    @field_validator("frozen_from", "frozen_until")
    @classmethod
    def _in_range(cls, moment: datetime | None) -> datetime | None:
        if moment and not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            raise ValueError(f"must be in a year from {_FIRST_YEAR} to {_LAST_YEAR - 1}")
        return moment.astimezone(UTC) if moment else None


class NewConnection(ConnectionRules):
    """A Cloudflare account as a new target."""

    provider: Literal["cloudflare"] = "cloudflare"
    name: str = Field(min_length=1, max_length=60)
    credentials: Credentials
    api_base_url: str = Field(CLOUDFLARE_API, max_length=200)


class ConnectionChanges(ConnectionRules):
    """What changes; fields that are left out stay. Times that are null lift a freeze."""

    provider: Literal["cloudflare"] | None = None
    name: str | None = Field(None, min_length=1, max_length=60)
    credentials: Credentials | None = None
    api_base_url: str | None = Field(None, max_length=200)


class CheckOut(ApiSchema):
    """The result of one check; `fix` says what to do."""

    name: str
    state: CheckState
    message: str
    fix: str


class ConnectionOut(ApiSchema):
    """A target. `warning` says why its account could not be verified when it was saved."""

    id: str
    name: str
    provider: Literal["cloudflare", "embedded"]
    account_id: str
    api_base_url: str
    is_default: bool
    protected: bool
    deployers: list[str]
    requires_tests: bool
    is_frozen: bool
    frozen_from: datetime | None
    frozen_until: datetime | None
    frozen_reason: str
    checks: list[CheckOut]
    checked_at: datetime | None
    created_at: datetime
    warning: str = ""


class ConnectionQuery(ApiSchema):
    """Which target; without it, the default one."""

    connection_id: str = Field("", max_length=20)


class ResourceQuery(ConnectionQuery):
    """Which resources: those whose name contains `q`, or whose id does."""

    q: str = Field("", max_length=200)


class NewResource(BodySchema):
    """The name of a new resource."""

    name: str = Field(max_length=512)


class VariableUseOut(ApiSchema):
    """A variable that names a resource; `workflowId` is null if it is for all workflows."""

    name: str
    workflow_id: str | None


class BoundWorkerOut(ApiSchema):
    """A live Worker that is bound to a resource."""

    binding: str
    workflow_id: str
    workflow_name: str


class ResourceOut(ApiSchema):
    """A resource of the account; `id` is the value of the variable that binds it."""

    id: str
    name: str
    created_at: str
    variables: list[VariableUseOut] = []
    workers: list[BoundWorkerOut] = []


def values_of(body: NewConnection | ConnectionChanges) -> dict[str, Any]:
    """Return the fields of the target that a body sets."""
    sent = body.model_dump(exclude_unset=True)
    values = {name: sent[name] for name in _FIELDS if sent.get(name) is not None}
    values |= {name: sent[name] for name in _FREEZE if name in sent}
    if values.get("frozen_reason", "") is None:
        values["frozen_reason"] = ""
    if body.credentials:
        values[CREDENTIAL] = body.credentials.api_token
        if body.credentials.account_id:
            values["account_id"] = body.credentials.account_id
    return values


def connection_of(target: Target, *, warning: str = "") -> dict[str, Any]:
    """Return a target without its token."""
    shown = (*_FIELDS, *_FREEZE, "account_id", "is_frozen", "checks", "checked_at", "created_at")
    return {
        "id": str(target.pk),
        "provider": "embedded" if target.embedded else "cloudflare",
        "deployers": [group.name for group in target.deployers.all()],
        "warning": warning,
        **{name: getattr(target, name) for name in shown},
    }


def resource_of(usage: ResourceUsage) -> dict[str, Any]:
    """Return a resource and what uses it."""
    return {
        "id": usage.resource.id,
        "name": usage.resource.name,
        "created_at": usage.resource.created,
        "variables": [
            {"name": use.variable, "workflow_id": use.workflow.pk if use.workflow else None}
            for use in usage.uses
        ],
        "workers": [
            {
                "binding": worker.binding,
                "workflow_id": worker.live.workflow_public_id,
                "workflow_name": worker.live.workflow_name,
            }
            for worker in usage.bound
        ],
    }
