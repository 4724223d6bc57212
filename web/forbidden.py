"""The page for a denied access: what is missing, and who can grant it."""

from __future__ import annotations

from copy import copy
from typing import Any, Final

from django.contrib.admin import ModelAdmin, site
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Permission, User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import ResolverMatch

from web.decorators import record_denied

_ACTIONS: Final = {
    "changelist": "view",
    "history": "view",
    "change": "change",
    "add": "add",
    "delete": "delete",
}
_MAX_NAMES: Final = 5


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handle every PermissionDenied, including the admin's, and record it in the audit trail."""
    permission = str(exception) or _admin_permission(request)
    if request.user.is_authenticated:
        record_denied(request, permission)
    names = list(_granters().values_list("username", flat=True)[: _MAX_NAMES + 1])
    context = {
        "permission": permission,
        "is_impossible": _is_impossible(request),
        "granters": names[:_MAX_NAMES],
        "has_more_granters": len(names) > _MAX_NAMES,
    }
    return render(request, "403.html", context, status=403)


def _granters() -> Any:
    """Return the users who can grant permissions: they may change users."""
    of_auth = Permission.objects.filter(content_type__app_label="auth", codename="change_user")
    has_permission = Q(user_permissions__in=of_auth) | Q(groups__permissions__in=of_auth)
    may = User.objects.filter(Q(is_superuser=True) | has_permission, is_active=True, is_staff=True)
    return may.order_by("username").distinct()


def _admin_page(match: ResolverMatch | None) -> tuple[ModelAdmin[Any], str] | None:
    """Return the admin of the requested page, and what it does: view, add, change or delete."""
    if match is None or "admin" not in match.app_names:
        return None
    for admin in site._registry.values():
        prefix = f"{admin.opts.app_label}_{admin.opts.model_name}_"
        action = _ACTIONS.get((match.url_name or "").removeprefix(prefix))
        if action and (match.url_name or "").startswith(prefix):
            return admin, action
    return None


def _admin_permission(request: HttpRequest) -> str:
    """Return the permission that a page of the admin needs; "" if it is not known."""
    page = _admin_page(request.resolver_match)
    if page is None:
        return ""
    admin, action = page
    if action == "change" and request.method in ("GET", "HEAD"):
        action = "view"
    permission = f"{admin.opts.app_label}.{action}_{admin.opts.model_name}"
    return "" if request.user.has_perm(permission) else permission


def _is_impossible(request: HttpRequest) -> bool:
    """Return whether the admin would refuse this to a superuser as well."""
    page = _admin_page(request.resolver_match)
    if page is None or request.resolver_match is None:
        return False
    admin, action = page
    if action == "change" and request.method in ("GET", "HEAD"):
        return False
    as_superuser = copy(request)
    as_superuser.user = User(is_superuser=True, is_staff=True)
    key = request.resolver_match.kwargs.get("object_id")
    shown = admin.get_object(as_superuser, unquote(key)) if key else None
    is_allowed = getattr(admin, f"has_{action}_permission")
    return not (is_allowed(as_superuser) if action == "add" else is_allowed(as_superuser, shown))
