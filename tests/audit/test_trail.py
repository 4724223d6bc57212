from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit import trail
from audit.models import Entry
from audit.trail import Actor, Subject

pytestmark = pytest.mark.django_db


def entry(user: User | None = None) -> Entry:
    by = Actor(user, user.get_username()) if user else Actor(None, "ada (command line)")
    return trail.record("target frozen", Subject("target", "1", "account"), by=by, reason="audit")


def test_an_entry_can_be_neither_changed_nor_deleted() -> None:
    written = entry()

    with pytest.raises(TypeError, match="append-only"):
        written.save()
    with pytest.raises(TypeError, match="append-only"):
        written.delete()
    with pytest.raises(TypeError, match="append-only"):
        Entry.objects.update(reason="another")
    with pytest.raises(TypeError, match="append-only"):
        Entry.objects.all().delete()


def test_an_entry_outlives_the_user() -> None:
    user = User.objects.create_user("ada")
    written = entry(user)

    user.delete()

    kept = Entry.objects.get(pk=written.pk)
    assert (kept.actor, kept.actor_name) == (None, "ada")


def test_the_admin_shows_the_audit_trail_read_only(client: Client) -> None:
    written = entry()
    client.force_login(User.objects.create_superuser("root"))

    assert b"target frozen" in client.get("/admin/audit/entry/").content
    assert b"ada (command line)" in client.get(f"/admin/audit/entry/{written.pk}/change/").content
    assert client.get("/admin/audit/entry/add/").status_code == 403
    assert client.post(f"/admin/audit/entry/{written.pk}/delete/").status_code == 403


def test_every_admin_page_links_back_to_the_dashboard(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    first = '<a href="/">Dashboard</a> &rsaquo; '
    second = '<a href="/admin/">Administration</a>'

    for page, is_administration in (
        ("/admin/audit/entry/", False),
        ("/admin/targets/target/add/", False),
        ("/admin/audit/", True),
        ("/admin/auth/user/", True),
    ):
        shown = client.get(page).content.decode().partition("breadcrumbs")[2].partition("</nav>")[0]
        crumbs = " ".join(shown.split())
        found = (first in crumbs, first + second in crumbs, ">Home<" in crumbs)
        assert found == (True, is_administration, False), page


def test_the_list_shows_seconds_and_shortened_reasons_and_starts_with_the_action(
    client: Client,
) -> None:
    at = datetime(2026, 11, 26, 0, 19, 7, tzinfo=UTC)
    long = Entry.objects.create(at=at, action="target frozen", reason="why " * 100)
    entry()
    client.force_login(User.objects.create_superuser("root"))

    shown = client.get("/admin/audit/entry/").content.decode()
    whole = client.get(f"/admin/audit/entry/{long.pk}/change/").content.decode()

    assert "2 audit entries" in shown
    for page in (shown, whole):
        assert "<span>2026-11-26</span> <span>00:19:07 UTC</span>" in page
    assert ("why " * 100).strip() not in shown
    assert ("why " * 100).strip() in whole
    columns = [shown.index(f'class="field-{name}') for name in ("action", "what", "actor_name")]
    assert columns == sorted(columns)
