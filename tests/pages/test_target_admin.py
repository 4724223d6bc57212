"""Targets in the admin: a stored token never comes back."""

from __future__ import annotations

from django.test import Client

from deployments.models import Target
from deployments.targets import embedded_target
from tests.deployments.factories import make_target

LIST = "/admin/deployments/target/"
ADDRESS = "https://api.cloudflare.com/client/v4"
SENTINEL = "t0ken-sentinel"


def form(**changes: str) -> dict[str, str]:
    values = {"name": "production", "account_id": "A" * 32, "new_token": SENTINEL}
    return {**values, "api_base_url": ADDRESS, **changes}


def errors(client: Client, **changes: str) -> dict[str, list[str]]:
    answer = client.post(f"{LIST}add/", form(**changes))
    assert answer.status_code == 200
    assert SENTINEL not in answer.content.decode()
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


def test_a_target_is_added_and_its_token_is_on_no_page(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", form())

    target = Target.objects.get()
    assert (target.account_id, target.api_token) == ("a" * 32, SENTINEL)
    for page in (LIST, f"{LIST}{target.pk}/change/"):
        assert SENTINEL not in admin_client.get(page).content.decode()


def test_an_empty_token_keeps_the_stored_one(admin_client: Client) -> None:
    target = make_target(api_token=SENTINEL)

    admin_client.post(f"{LIST}{target.pk}/change/", form(new_token="", name="renamed"))

    target.refresh_from_db()
    assert (target.name, target.api_token) == ("renamed", SENTINEL)


def test_what_is_missing_or_malformed_is_an_error_of_its_field(admin_client: Client) -> None:
    assert "new_token" in errors(admin_client, new_token="")
    assert "32 hexadecimal digits" in errors(admin_client, account_id="abc")["account_id"][0]
    assert "api_base_url" in errors(admin_client, api_base_url="javascript:alert(1)")


def test_a_new_default_replaces_the_old_one(admin_client: Client) -> None:
    old = embedded_target()
    assert old.is_default

    admin_client.post(f"{LIST}add/", form(is_default="on"))

    assert Target.objects.get(is_default=True).name == "production"


def test_the_embedded_platform_can_be_the_default_and_nothing_else_of_it_changes(
    admin_client: Client,
) -> None:
    embedded = embedded_target()
    make_target()

    admin_client.post(f"{LIST}{embedded.pk}/change/", form(is_default="on"))
    admin_client.post(f"{LIST}{embedded.pk}/delete/", {"post": "yes"})

    embedded.refresh_from_db()
    assert (embedded.name, embedded.is_default) == ("local", True)
