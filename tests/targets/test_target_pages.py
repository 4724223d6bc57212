"""Checking a target from a page."""

from __future__ import annotations

from django.test import Client

from tests.deployments.factories import make_target
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import account_target

CHECK = "targets.check_target"


def test_checking_shows_every_row_on_the_targets_page(
    admin_client: Client, platform: Platform
) -> None:
    target = account_target(platform)

    answer = admin_client.post(f"/targets/{target.pk}/check/", follow=True)

    page = text(answer)
    assert answer.redirect_chain == [(f"/admin/targets/target/{target.pk}/change/", 302)]
    assert "The target account was checked." in page
    assert "User token, active" in page
    assert "Checked just now" in page
    assert platform.token not in answer.content.decode()
    assert entries().get().actor_name == "admin"


def test_htmx_gets_only_the_rows(admin_client: Client) -> None:
    target = make_target()

    answer = admin_client.post(f"/targets/{target.pk}/check/", headers={"HX-Request": "true"})

    assert answer.content.decode().lstrip().startswith('<section id="checks"')
    assert "No response from" in text(answer)
    assert target.api_token not in answer.content.decode()


def test_a_failed_check_is_shown_in_the_list(admin_client: Client) -> None:
    target = make_target()

    answer = admin_client.post(f"/targets/{target.pk}/check/", follow=True)

    assert "you cannot deploy to it yet" in text(answer)
    assert "Failed just now" in text(admin_client.get("/admin/targets/target/"))


def test_without_the_view_permission_the_check_leads_to_the_resources(log_in: LogIn) -> None:
    target = make_target()

    answer = log_in(CHECK).post(f"/targets/{target.pk}/check/")

    assert answer["Location"] == f"/targets/{target.pk}/resources/"


def test_checking_requires_the_permission_and_a_post(log_in: LogIn) -> None:
    target = make_target()
    client = log_in("targets.view_target", "targets.change_target")

    assert client.post(f"/targets/{target.pk}/check/").status_code == 403
    assert client.get(f"/targets/{target.pk}/check/").status_code == 302
    target.refresh_from_db()
    assert target.checked_at is None


def test_an_unknown_target_is_not_found(admin_client: Client) -> None:
    assert admin_client.post("/targets/999/check/").status_code == 404
    assert admin_client.get("/targets/999/resources/").status_code == 404
