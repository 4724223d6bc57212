"""Who calls: a key with its owner, or the user of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja.utils import check_csrf

from api.conventions.problems import ApiError
from api.keys.services import key_of_header
from api.models import ApiKey
from api.scopes import Scope
from audit.trail import Actor
from web.decorators import record_denied
from web.session_user import user_of_cookies

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user of a call, and the key if there is one. A call needs the scope and the user's permission."""

    user: User
    key: ApiKey | None = None

    @property
    def id(self) -> str:
        return f"key {self.key.pk}" if self.key else f"user {self.user.pk}"

    @property
    def actor(self) -> Actor:
        """The user; the audit trail adds the key by itself."""
        return Actor.of(self.user)

    def has_scope(self, scope: Scope) -> bool:
        return self.key is None or scope.value in self.key.scopes

    def may(self, permission: str) -> bool:
        return self.user.has_perm(permission)

    def require(self, *permissions: str) -> None:
        """Raise PermissionDenied if the user lacks one of the permissions."""
        for permission in permissions:
            if not self.may(permission):
                raise PermissionDenied(permission)

    def require_workflow(self, workflow_id: str) -> None:
        """Raise ApiError if the key is restricted to other workflows."""
        allowed = self.key.workflows if self.key else None
        if allowed is not None and workflow_id not in allowed:
            raise ApiError(403, "This key is restricted to other workflows.")

    def require_target(self, target_id: int) -> None:
        """Raise ApiError if the key is restricted to other targets."""
        allowed = self.key.targets if self.key else None
        if allowed is not None and target_id not in allowed:
            raise ApiError(403, "This key is restricted to other targets.")

    def require_all_workflows(self) -> None:
        """Raise ApiError if the key is restricted to workflows, for what concerns all of them."""
        if self.key and self.key.workflows is not None:
            raise ApiError(403, "This key is restricted to some workflows, and this concerns all.")

    def require_all_targets(self) -> None:
        """Raise ApiError if the key is restricted to targets, for what concerns all of them."""
        if self.key and self.key.targets is not None:
            raise ApiError(403, "This key is restricted to some targets, and this concerns all.")

    def within(self, rows: QuerySet[Row], *, workflow: str = "", target: str = "") -> QuerySet[Row]:
        """Leave out the rows to which the key is not restricted; the arguments name their fields."""
        if self.key and workflow and self.key.workflows is not None:
            rows = rows.filter(**{f"{workflow}__in": self.key.workflows})
        if self.key and target and self.key.targets is not None:
            rows = rows.filter(**{f"{target}__in": self.key.targets})
        return rows


class ApiRequest(HttpRequest):
    """A request of an admitted caller."""

    auth: Caller


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls. Raises ApiError if nobody does, or if a page of another site does."""
    header = request.headers.get("Authorization", "")
    if header:
        key = key_of_header(header)
        if key is None:
            raise _unauthorized("This key does not exist, has expired, or was revoked.")
        return Caller(user=key.owner, key=key)
    user: Any = request.user
    if not user.is_authenticated:
        raise _unauthorized("Send an API key in the header Authorization, or log in.")
    if check_csrf(request) is not None:
        raise ApiError(403, "The header X-CSRFToken is missing or wrong.")
    return Caller(user=user)


def require_access(
    request: HttpRequest,
    caller: Caller,
    *,
    scope: Scope | None = None,
    permissions: tuple[str, ...] = (),
) -> None:
    """Admit staff with one of the permissions, and keys with the scope, if any. Raises ApiError for others."""
    if not caller.user.is_staff:
        record_denied(request, permissions[0] if permissions else "")
        raise ApiError(403, "Only staff users may use the API. Ask an administrator for access.")
    if scope and not caller.has_scope(scope):
        record_denied(request, f"scope {scope.value}")
        raise ApiError(403, f"The key needs the scope {scope.value}: create one that has it.")
    if permissions and not any(map(caller.may, permissions)):
        record_denied(request, permissions[0])
        names = " or ".join(permissions)
        raise ApiError(403, f"The permission {names} is missing. Ask an administrator for it.")


def may_continue(*, authorization: str, cookies: str, scope: Scope, permission: str) -> bool:
    """Whether a call that takes long may continue: its key or session, read again, still has access."""
    key = key_of_header(authorization) if authorization else None
    if authorization and key is None:
        return False
    user = key.owner if key else user_of_cookies(cookies)
    has_scope = key is None or scope.value in key.scopes
    return has_scope and user.is_staff and user.has_perm(permission)


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": 'Bearer realm="AwaitStep"'})
