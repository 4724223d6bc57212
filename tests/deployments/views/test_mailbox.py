"""The emails that Workers on the embedded platform sent."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from targets.lookup import embedded_target
from targets.models import Target
from tests.deployments.factories import make_target
from tests.local_cloudflare.support.workers import deploy_worker
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

SENDER = """
export default {
  async fetch(request, env) {
    await env.MAIL.send(await request.json());
    return new Response("sent");
  },
};
"""
EMAIL = {"from": "shop@example.com", "to": "ada@example.com", "subject": "Order <7>"}


@pytest.fixture
def embedded(platform: Platform, settings: Settings) -> Target:
    """The embedded platform as a target, with an empty mailbox."""
    values = {"data_dir": platform.data_dir, "local_cloudflare_port": platform.port}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=values)
    platform.api("DELETE", "local/emails")
    return embedded_target()


def send(platform: Platform, **email: str) -> None:
    deploy_worker(platform, "mailer", SENDER, {"type": "send_email", "name": "MAIL"})
    response = platform.fetch("mailer", method="POST", json=EMAIL | email)
    assert response.text == "sent"


def test_a_sent_email_is_listed_with_its_text(
    admin_client: Client, platform: Platform, embedded: Target
) -> None:
    send(platform, text="Thank you & goodbye")

    page = admin_client.get(f"/targets/{embedded.pk}/mailbox/")

    shown = text(page)
    for part in (
        "mailer",
        "shop@example.com",
        "ada@example.com",
        "Order <7>",
        "Thank you & goodbye",
    ):
        assert part in shown


def test_values_of_secrets_are_masked(
    admin_client: Client, platform: Platform, embedded: Target
) -> None:
    set_variable("KEY", "sentinel-of-the-test", is_secret=True)
    send(platform, text="the key is sentinel-of-the-test")

    page = admin_client.get(f"/targets/{embedded.pk}/mailbox/")

    assert "sentinel-of-the-test" not in page.content.decode()
    assert "the key is •••" in text(page)


def test_an_empty_mailbox_says_what_it_is_for(admin_client: Client, embedded: Target) -> None:
    page = admin_client.get(f"/targets/{embedded.pk}/mailbox/")

    assert "No Worker has sent an email yet" in text(page)


def test_only_the_embedded_platform_has_a_mailbox(admin_client: Client) -> None:
    target = make_target()

    assert admin_client.get(f"/targets/{target.pk}/mailbox/").status_code == 404
    form = admin_client.get(f"/admin/targets/target/{target.pk}/change/")
    assert "mailbox" not in form.content.decode()


def test_the_form_of_the_embedded_platform_links_to_its_mailbox(
    admin_client: Client, embedded: Target
) -> None:
    form = admin_client.get(f"/admin/targets/target/{embedded.pk}/change/")

    assert f'href="/targets/{embedded.pk}/mailbox/"' in form.content.decode()


def test_the_mailbox_needs_a_permission(log_in: LogIn, embedded: Target) -> None:
    assert log_in().get(f"/targets/{embedded.pk}/mailbox/").status_code == 403
