"""Refuses logins and changes of a password beyond the limit, before a password is checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from audit import trail
from audit.acting import client_network
from audit.trail import Actor, Subject
from web.login import attempts

_REFUSED: Final = "_login_refused_until"
_TOO_MANY_REQUESTS: Final = 429


class LoginLimit:
    """The first authentication backend: it never logs anyone in, but can abort a login."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, **_credentials: Any
    ) -> None:
        """Count the attempt; raises PermissionDenied, which aborts the login, if it is one too many."""
        if request is None or username is None:
            return
        until = attempts.begin(username, client_network(request))
        if until is not None:
            setattr(request, _REFUSED, until)
            raise PermissionDenied


class LoginForm(AdminAuthenticationForm):
    """The admin's login form, which shows how long to wait."""

    def get_invalid_login_error(self) -> ValidationError:
        until = getattr(self.request, _REFUSED, None)
        return super().get_invalid_login_error() if until is None else _refusal(until)


class PasswordChangeForm(AdminPasswordChangeForm):
    """The form with which users change their passwords: the old one cannot be guessed in an open session."""

    def clean_old_password(self) -> str:
        user = self.user
        if until := attempts.begin_change(user.pk):
            raise _refusal(until, what="wrong passwords")
        try:
            password: str = super().clean_old_password()
        except ValidationError:
            subject = Subject("user", str(user.pk), str(user))
            trail.count_repeated("password change failed", subject, by=Actor.of(user))
            raise
        attempts.forget_change(user.pk)
        return password


def change_password(request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
    """The admin's page, with the form above."""
    view = PasswordChangeView.as_view(
        form_class=PasswordChangeForm,
        success_url=reverse("admin:password_change_done"),
        extra_context={**admin.site.each_context(request), **(extra_context or {})},
    )
    return view(request)


def _refusal(until: datetime, *, what: str = "failed logins") -> ValidationError:
    minutes = max(int((until - timezone.now()).total_seconds() // 60) + 1, 1)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return ValidationError(f"Too many {what}. Your password was not checked. Try again in {wait}.")


class LoginLimitMiddleware:
    """Responds to a refused login with the status 429."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        until = getattr(request, _REFUSED, None)
        if until is not None:
            response.status_code = _TOO_MANY_REQUESTS
            seconds = (until - timezone.now()).total_seconds()
            response["Retry-After"] = str(max(int(seconds) + 1, 1))
        return response


def _forget(*, request: HttpRequest | None, user: User, **_signal: Any) -> None:
    attempts.forget(user.get_username(), client_network(request))


def connect() -> None:
    """Use the forms in the admin, and forget the failures of those who have logged in."""
    admin.site.login_form = LoginForm
    admin.site.password_change = change_password  # type: ignore[assignment]  # no setting
    user_logged_in.connect(_forget, dispatch_uid="login limit")
