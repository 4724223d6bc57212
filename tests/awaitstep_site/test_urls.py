"""Every URL x identity x method, against the table of permissions."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.template.base import Template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule
from api.keys.services import create_key
from audit.models import Entry
from deployments.models import ProgramOutput
from runs.models import BulkChange, Retention, TestResult
from targets.models import Target
from tests.api.fake_cloudflare import FakeCloudflare, fake_cloudflare
from tests.awaitstep_site.url_table import (
    ADMINISTRATOR,
    ANONYMOUS,
    ANYONE,
    DEPLOYER,
    EDITOR,
    LOGGED_OUT,
    NOBODY,
    NOT_STAFF,
    STAFF_ONLY,
    SUPERUSER,
    TABLE,
    VIEWER,
    Access,
    Row,
)
from tests.runs.examples import make_run, workflow_of
from workflows.models import NodeType
from workflows.services import set_variable

__all__ = ["fake_cloudflare"]
ROLES = (VIEWER, EDITOR, DEPLOYER, ADMINISTRATOR)
IDENTITIES = (ANONYMOUS, NOT_STAFF, STAFF_ONLY, *ROLES, SUPERUSER)
OTHER_METHODS = ("put", "patch", "delete")
WITHOUT_RIGHTS = (ANONYMOUS, NOT_STAFF, STAFF_ONLY)
OPEN, REFUSED, ERROR = "open", "refused", "server error"


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path


def test_every_url_is_in_the_table() -> None:
    assert set(patterns()) == set(TABLE)


def test_url_names_follow_one_pattern_and_are_unique() -> None:
    for app in ("alerts", "api", "deployments", "runs", "targets"):
        entries = import_module(f"{app}.urls").urlpatterns
        names = [str(entry.name) for entry in entries if isinstance(entry, URLPattern)]
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names
        assert len(names) == len(set(names)), names


@pytest.fixture
def addresses(db: None) -> dict[str, str]:
    """The address of an existing object for every pattern."""
    run = make_run()
    deployment, workflow = run.deployment, workflow_of(run)
    assert deployment
    variable = set_variable("TOKEN", "value", workflow=workflow)
    output = ProgramOutput.objects.create(deployment=deployment, program="npm", seconds=1)
    user = User.objects.create_user("someone")
    result = TestResult.objects.create(
        workflow=workflow, name="paid", key="", passed=True, ir=workflow.ir, seconds=1
    )
    channel = AlertChannel.objects.create(name="Mail", kind="email", recipients="ops@example.com")
    key = create_key(name="CI", scopes=["read"], by=user).key
    alert = Alert.objects.create(
        condition="run_failed", fired_at=timezone.now(), last_seen_at=timezone.now()
    )
    message = AlertDelivery.objects.create(channel=channel)
    rows: dict[str, Any] = {
        "audit/entry": Entry.objects.latest("pk"),
        "workflows/workflowversion": workflow.newest_version,
        "workflows/environmentvariable": variable,
        "workflows/nodetype": NodeType.objects.create(type_id="x", version="1.0.0", definition={}),
        "workflows/workflow": workflow,
        "targets/target": run.target,
        "deployments/deployment": deployment,
        "runs/retention": Retention.objects.create(workflow=workflow),
        "alerts/alertrule": AlertRule.objects.create(name="Failures", condition="run_failed"),
        "alerts/alertchannel": channel,
        "api/apikey": key,
        "auth/group": Group.objects.get(name=VIEWER),
        "auth/user": user,
    }
    values = {
        "workflows/<str:pk>": f"workflows/{workflow.pk}",
        "<str:workflow>": workflow.pk,
        "<slug:workflow_id>": workflow.pk,
        "<key:variable_id>": str(variable.pk),
        "<key:key_id>": str(key.pk),
        "<key:version_id>": "1",
        "<slug:node_id>": "step",
        "<slug:template_id>": "approval",
        "<str:name>": "DB",
        "<key:connection_id>": str(run.target_id),
        "<key:batch_id>": str(BulkChange.objects.create(action="start", deployment=deployment).pk),
        "<str:run_id>": str(run.pk),
        "<key:alert_id>": str(alert.pk),
        "<key:deployment_id>": str(deployment.pk),
        "targets/<key:pk>": f"targets/{run.target_id}",
        "alerts/messages/<key:pk>": f"alerts/messages/{message.pk}",
        "alerts/channels/<key:pk>": f"alerts/channels/{channel.pk}",
        "alerts/<key:pk>": f"alerts/{alert.pk}",
        "deployments/<key:pk>": f"deployments/{deployment.pk}",
        "<key:output>": str(output.pk),
        "bulk/<key:pk>": f"bulk/{BulkChange.objects.create(action='pause').pk}",
        "runs/<key:pk>": f"runs/{run.pk}",
        "results/<key:pk>": f"results/{result.pk}",
        "<str:what>": "payload",
        "<slug:slug>": "typescript",
        "<key:number>": "1",
        "<str:action>": "pause",
        "<str:event_type>": "order.created",
        "docs/<path:address>": "docs/nodes/step",
        "^(?P<app_label>audit|auth|workflows|targets|deployments|runs|alerts|api)/$": "runs/",
        "(?P<url>.*)$": "nothing-here/",
        "<path:content_type_id>": "1",
    }
    for model, row in rows.items():
        for name in ("<path:object_id>", "<id>"):
            values[f"{model}/{name}"] = f"{model}/{row.pk}"
    values["<path:object_id>"] = "1"
    return {pattern: _filled(pattern, values) for pattern in TABLE}


def _filled(pattern: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        pattern = pattern.replace(name, value)
    assert "<" not in pattern, pattern
    return f"/{pattern}"


class Visitor:
    """A client that keeps its session: a logout must not make later requests anonymous."""

    def __init__(self, identity: str) -> None:
        self.client = Client(raise_request_exception=False)
        if identity != ANONYMOUS:
            self.client.force_login(_user(identity))
        self.cookies = self.client.cookies.output(attrs=[], header="", sep=";")

    def outcome(self, method: str, address: str) -> str:
        """Send the request, undo what it did, and return OPEN, REFUSED, ERROR or "501"."""
        self.client.cookies = SimpleCookie(self.cookies)
        with transaction.atomic():
            response = getattr(self.client, method)(address)
            transaction.set_rollback(True)
        status, location = response.status_code, response.headers.get("Location", "")
        if status in (401, 403, 405) or location.startswith("/admin/login/"):
            return REFUSED
        if status == 501:
            return str(status)
        is_error = status >= 500 and status != 502  # the API says that a target refuses with 502
        return ERROR if is_error else OPEN


def _user(identity: str) -> User:
    user = User.objects.create_user(
        identity, is_staff=identity != NOT_STAFF, is_superuser=identity == SUPERUSER
    )
    names = ROLES if identity == NOT_STAFF else (identity,)
    user.groups.set(Group.objects.filter(name__in=names))
    return user


@pytest.fixture
def visitors(
    monkeypatch: pytest.MonkeyPatch, no_workers: None, fake_cloudflare: FakeCloudflare, db: None
) -> dict[str, Visitor]:
    """A visitor for each identity. Pages are not rendered: only access to them matters."""
    monkeypatch.setattr(Template, "render", lambda _template, _context: "")
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    return {identity: Visitor(identity) for identity in IDENTITIES}


def test_sessions_outlive_a_logout(visitors: dict[str, Visitor]) -> None:
    visitor = visitors[SUPERUSER]

    assert [visitor.outcome("post", "/admin/logout/"), visitor.outcome("get", "/")] == [OPEN, OPEN]


def test_every_url_is_open_to_those_in_the_table_and_to_no_one_else(
    addresses: dict[str, str], visitors: dict[str, Visitor]
) -> None:
    wrong = [
        f"{method.upper()} {pattern} as {identity}: {found}, expected {expected}"
        for pattern, row in TABLE.items()
        for identity, visitor in visitors.items()
        for method, access in (("get", row.get), ("post", row.post))
        if (found := visitor.outcome(method, addresses[pattern]))
        != (expected := _expected(row, identity, access))
    ]

    assert wrong == []
    assert Target.objects.filter(name="account").exists()  # what was done has been undone


def _expected(row: Row, identity: str, access: Access) -> str:
    if row.stream:
        return "501"
    return OPEN if identity in access else REFUSED


def test_other_methods_give_no_access_to_users_without_permission(
    addresses: dict[str, str], visitors: dict[str, Visitor]
) -> None:
    wrong = [
        f"{method.upper()} {pattern} as {identity}"
        for pattern, row in TABLE.items()
        if not row.stream
        for identity in WITHOUT_RIGHTS
        for method in OTHER_METHODS
        if identity not in row.get | row.post
        and visitors[identity].outcome(method, addresses[pattern]) != REFUSED
    ]

    assert wrong == []


def test_the_table_gives_more_access_to_users_with_more_permissions() -> None:
    for pattern, row in TABLE.items():
        for access in (row.get, row.post):
            if access not in (NOBODY, LOGGED_OUT):
                assert {ADMINISTRATOR, SUPERUSER} <= access, pattern
                assert access == ANYONE or not access & LOGGED_OUT, pattern
