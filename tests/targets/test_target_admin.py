"""Targets in the admin: they are verified before they are saved, and tokens are never shown."""

from __future__ import annotations

import httpx
import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import Settings

from audit.models import Entry
from targets.cloudflare import account
from targets.cloudflare.retries import RetryingClient
from targets.cloudflare.tokens import Owner
from targets.lookup import embedded_target
from targets.models import Target
from targets.services import WrongAccount
from tests.deployments.factories import make_deployment, make_target
from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import account_target

LIST = "/admin/targets/target/"
SENTINEL = "t0ken-sentinel"
NOBODY = "http://127.0.0.1:9/client/v4"


@pytest.fixture
def known(platform: Platform, control: Control) -> Platform:
    """The platform, which accepts the sentinel as a token."""
    rights = ("Workers Scripts Write", "Account Settings Read")
    control.tokens(Token(token=SENTINEL, permissions=rights))
    return platform


def form(platform: Platform | None = None, /, **changes: str) -> dict[str, str]:
    account, address = ("a" * 32, NOBODY)
    if platform:
        account, address = platform.account_id, platform.api_base_url
    values = {"name": "production", "account_id": account, "new_token": SENTINEL}
    return {**values, "api_base_url": address, **changes}


def errors(client: Client, address: str, values: dict[str, str]) -> dict[str, str]:
    """Post an invalid form; return the errors by field."""
    answer = client.post(address, values)
    assert answer.status_code == 200
    assert SENTINEL not in answer.content.decode()
    found = answer.context["adminform"].form.errors
    return {name: " ".join(messages) for name, messages in found.items()}


def change(target: Target) -> str:
    return f"{LIST}{target.pk}/change/"


def test_a_target_is_verified_saved_and_checked_without_showing_its_token(
    admin_client: Client, known: Platform
) -> None:
    added = admin_client.post(f"{LIST}add/", form(known), follow=True)

    target = Target.objects.get()
    assert (target.account_id, target.api_token) == (known.account_id, SENTINEL)
    assert target.checks[0]["state"] == "passed"
    pages = [added, *(admin_client.get(page) for page in (LIST, change(target)))]
    assert all(SENTINEL not in page.content.decode() for page in pages)
    assert "Missing" in text(pages[-1])


def test_the_audit_trail_has_the_changed_fields_and_no_token(
    admin_client: Client, known: Platform
) -> None:
    admin_client.post(f"{LIST}add/", form(known))

    written = entries().order_by("pk")
    assert [entry.action for entry in written] == [
        "target added",
        "target token set",
        "target checked",
    ]
    assert "api_token" in written[0].detail["fields"]
    assert written[0].actor_name == "admin"
    assert SENTINEL not in "".join(f"{entry.detail}{entry.reason}" for entry in written)


def test_a_wrong_token_is_refused_and_nothing_is_saved(
    admin_client: Client, platform: Platform
) -> None:
    found = errors(admin_client, f"{LIST}add/", form(platform))

    assert "does not know this API token" in found["new_token"]
    assert "enter the token again" in found["new_token"]
    assert not Target.objects.exists()


def test_an_account_of_another_token_is_refused(admin_client: Client, known: Platform) -> None:
    found = errors(admin_client, f"{LIST}add/", form(known, account_id="0" * 32))

    assert f"other accounts: Embedded platform ({known.account_id})" in found["account_id"]


def test_a_token_that_cannot_read_the_account_is_refused(
    admin_client: Client, platform: Platform, control: Control
) -> None:
    control.tokens(Token(token=SENTINEL))

    found = errors(admin_client, f"{LIST}add/", form(platform))

    assert "cannot read the Workers" in found["account_id"]


def test_a_disabled_token_is_refused(
    admin_client: Client, platform: Platform, control: Control
) -> None:
    control.tokens(Token(token=SENTINEL, status="disabled"))

    assert "is disabled" in errors(admin_client, f"{LIST}add/", form(platform))["new_token"]


def test_the_only_account_of_a_token_needs_no_id(admin_client: Client, known: Platform) -> None:
    admin_client.post(f"{LIST}add/", form(known, account_id=""))

    assert Target.objects.get().account_id == known.account_id


def test_a_token_of_several_accounts_offers_them_and_keeps_the_input(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = [Owner(id="a" * 32, name="First"), Owner(id="b" * 32, name="Second")]

    def several(**_asked: str) -> None:
        raise WrongAccount("The token is for several accounts: choose one.", owners)

    monkeypatch.setattr("targets.forms.verify", several)
    answer = admin_client.post(f"{LIST}add/", form(account_id=""))

    page = answer.content.decode()
    assert page.count('type="radio" name="account_id"') == 2
    assert f'value="{"b" * 32}"' in page
    assert "Second" in page
    assert 'value="production"' in page
    assert "enter the token again" in text(answer)
    assert SENTINEL not in page


def test_an_unreachable_target_is_saved_with_a_warning(admin_client: Client) -> None:
    answer = admin_client.post(f"{LIST}add/", form(), follow=True)

    assert Target.objects.get().api_token == SENTINEL
    assert "not verified. No response from" in text(answer)


def test_a_busy_target_is_saved_with_a_warning(
    admin_client: Client, known: Platform, control: Control
) -> None:
    control.faults(Fault(path="", status=429, headers={"retry-after": "100"}))

    answer = admin_client.post(f"{LIST}add/", form(known), follow=True)

    assert "rate limit has been reached" in text(answer)
    assert Target.objects.exists()


def test_an_account_that_cannot_be_looked_up_must_be_entered(admin_client: Client) -> None:
    found = errors(admin_client, f"{LIST}add/", form(account_id=""))

    assert "could not be looked up" in found["account_id"]


def test_an_empty_token_keeps_the_stored_one_without_a_call(admin_client: Client) -> None:
    target = make_target(api_token=SENTINEL)
    values = form(new_token="", name="renamed", api_base_url=target.api_base_url)

    admin_client.post(change(target), values)

    target.refresh_from_db()
    assert (target.name, target.api_token) == ("renamed", SENTINEL)
    assert entries().get().detail == {"fields": ["name"]}


def test_a_stored_token_is_not_sent_to_a_new_url(admin_client: Client, known: Platform) -> None:
    target = account_target(known, token=SENTINEL)

    found = errors(admin_client, change(target), form(known, new_token="", api_base_url=NOBODY))

    assert "stored one is for another URL" in found["new_token"]


def test_missing_and_malformed_values_are_errors_of_their_field(admin_client: Client) -> None:
    def wrong(**changes: str) -> dict[str, str]:
        return errors(admin_client, f"{LIST}add/", form(**changes))

    assert "Enter the API token" in wrong(new_token="")["new_token"]
    assert "not an API token" in wrong(new_token="two words")["new_token"]
    assert "not an API token" in wrong(new_token="tökén")["new_token"]
    assert "32 hexadecimal digits" in wrong(account_id="abc")["account_id"]
    assert "api_base_url" in wrong(api_base_url="javascript:alert(1)")


def test_a_new_default_replaces_the_old_one(admin_client: Client) -> None:
    assert embedded_target().is_default

    admin_client.post(f"{LIST}add/", form(is_default="on"))

    assert Target.objects.get(is_default=True).name == "production"


def test_the_page_of_the_embedded_platform_says_what_it_does_not_do(admin_client: Client) -> None:
    page = text(admin_client.get(change(embedded_target())))

    assert "A jurisdiction is stored and cannot be changed, and a location hint is accepted" in page
    assert "neither decides where runs execute" in page


def test_only_rules_and_default_of_the_embedded_platform_can_change(
    admin_client: Client,
) -> None:
    embedded = embedded_target()
    make_target()

    admin_client.post(change(embedded), form(is_default="on", protected="on"))
    admin_client.post(f"{LIST}{embedded.pk}/delete/", {"post": "yes"})

    embedded.refresh_from_db()
    assert (embedded.name, embedded.api_token) == ("local", "")
    assert (embedded.is_default, embedded.protected) == (True, True)


def freeze(**changes: str) -> dict[str, str]:
    times = {"frozen_from_0": "2026-12-20", "frozen_from_1": "00:00:00"}
    ends = {"frozen_until_0": "2027-01-06", "frozen_until_1": "00:00:00"}
    return (
        {"new_token": "", "name": "account", "frozen_reason": "holidays"} | times | ends | changes
    )


def test_a_freeze_and_a_protection_are_saved_and_recorded(admin_client: Client) -> None:
    target, group = make_target(), Group.objects.create(name="releasers")
    values = form(api_base_url=target.api_base_url, **freeze())

    admin_client.post(change(target), values | {"protected": "on", "deployers": str(group.pk)})

    target.refresh_from_db()
    assert target.frozen_from
    frozen = Entry.objects.get(action="target freeze set")
    assert frozen.reason == "holidays"
    assert frozen.detail["until"].startswith("2027-01-0")
    assert Entry.objects.get(action="target protected").detail == {"groups": ["releasers"]}


def test_requiring_tests_is_saved_shown_and_recorded(admin_client: Client) -> None:
    target = make_target()
    values = form(new_token="", name="account", api_base_url=target.api_base_url)

    admin_client.post(change(target), values | {"requires_tests": "on"})
    target.refresh_from_db()
    assert target.requires_tests
    assert "requires tests" in text(admin_client.get(LIST))

    admin_client.post(change(target), values)
    assert not Target.objects.get(pk=target.pk).requires_tests
    actions = Entry.objects.filter(action__startswith="target tests").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "target tests required",
        "target tests not required",
    ]


def test_lifting_a_freeze_is_recorded(admin_client: Client) -> None:
    target = make_target(frozen_from="2026-01-01T00:00:00Z")

    admin_client.post(change(target), form(new_token="", api_base_url=target.api_base_url))

    assert Entry.objects.get(action="target freeze lifted").actor_name == "admin"


def test_a_freeze_needs_a_start_and_a_later_end(admin_client: Client) -> None:
    target = make_target()

    endless = errors(admin_client, change(target), form(**freeze(frozen_from_0="")))
    backwards = errors(admin_client, change(target), form(**freeze(frozen_until_0="2026-12-01")))

    assert "frozen_from" in endless
    assert "end after it starts" in backwards["frozen_until"]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_freeze_at_the_ends_of_the_calendar_is_refused(
    admin_client: Client, settings: Settings, zone: str
) -> None:
    settings.TIME_ZONE = zone
    ends = {"frozen_from_0": "0001-01-01", "frozen_until_0": "9999-12-31"}
    times = {"frozen_from_1": "00:00:00", "frozen_until_1": "23:59:59"}

    found = errors(admin_client, change(make_target()), form(**freeze(**ends, **times)))

    assert found["frozen_from"] == found["frozen_until"] == "Enter a year from 2000 to 8999."


def test_a_protected_target_without_groups_warns(admin_client: Client) -> None:
    answer = admin_client.post(f"{LIST}add/", form(protected="on"), follow=True)

    assert "only superusers and the command line" in text(answer)


def test_a_deletion_says_what_stays_and_is_recorded(admin_client: Client) -> None:
    target = make_target(api_token=SENTINEL)
    done = make_deployment(target=target, status="succeeded")

    page = text(admin_client.get(f"{LIST}{target.pk}/delete/"))
    admin_client.post(f"{LIST}{target.pk}/delete/", {"post": "yes"})

    assert "the history of 1 deployment to it" in page
    assert "Workers keep running" in page
    done.refresh_from_db()
    assert (done.target, done.target_name) == (None, "account")
    assert entries().get().action == "target deleted"


def test_a_target_with_a_running_deployment_is_not_deleted(admin_client: Client) -> None:
    target = make_target()
    make_deployment(target=target, status="running")

    admin_client.post(f"{LIST}{target.pk}/delete/", {"post": "yes"})

    assert Target.objects.filter(pk=target.pk).exists()
    assert "has not ended" in text(admin_client.get(f"{LIST}{target.pk}/delete/"))


def test_viewers_see_the_checks_and_no_token_field(log_in: LogIn) -> None:
    target = make_target(api_token=SENTINEL)

    page = log_in("targets.view_target").get(change(target)).content.decode()

    assert ">Checks</h2>" in page
    assert "new_token" not in page
    assert 'id="check-now"' not in page
    assert SENTINEL not in page


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://a:99999/",
        "http://[",
        "ftp://a.example",
    ],
)
def test_a_url_that_no_api_can_have_is_an_error_of_its_field(
    admin_client: Client, url: str
) -> None:
    found = errors(admin_client, f"{LIST}add/", form(api_base_url=url))

    assert "must start with https:// or http://" in found["api_base_url"]


def test_a_url_with_a_line_break_is_an_error_of_its_field(admin_client: Client) -> None:
    found = errors(admin_client, f"{LIST}add/", form(api_base_url="http://a.example\r\nX: y"))

    assert "must be on one line" in found["api_base_url"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(200, text="welcome"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=7),
        httpx.Response(200, json={"result": 7}),
        httpx.Response(200, json={"result": {"status": {}}}),
        httpx.Response(200, content=b"\xff", headers={"content-type": "application/json"}),
        httpx.Response(200, content=b"x", headers={"content-encoding": "gzip"}),
        httpx.Response(404, html="<h1>Nothing here</h1>"),
    ],
)
def test_a_url_of_something_else_is_an_error_or_a_warning(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response
) -> None:
    with RetryingClient(transport=httpx.MockTransport(lambda _request: answer)) as client:
        monkeypatch.setattr(account, "shared_client", lambda: client)

        response = admin_client.post(f"{LIST}add/", form())

    assert response.status_code in (200, 302)
