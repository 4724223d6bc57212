"""Connections and resources: the same services as the admin and the commands, without the tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from audit.models import Entry
from targets.lookup import embedded_target
from targets.models import Target
from tests.api.callers import key_client, make_user, superuser_client
from tests.api.fake_cloudflare import ACCOUNT, TOKEN, FakeCloudflare, fake_cloudflare
from tests.deployments.factories import make_target, make_workflow
from workflows.services import set_variable

__all__ = ["fake_cloudflare"]
pytestmark = pytest.mark.django_db
URL = "/api/connections"
NAMESPACES = "/api/resources/kv/namespaces"
JSON: dict[str, Any] = {"content_type": "application/json"}
NEW = {"provider": "cloudflare", "name": "live", "credentials": {"apiToken": TOKEN}}


def stored_target() -> Target:
    return make_target(
        account_id=ACCOUNT, api_token=TOKEN, api_base_url="http://127.0.0.1:9/client/v4"
    )


def test_an_account_becomes_a_target_that_is_checked_and_never_shows_its_token(
    fake_cloudflare: FakeCloudflare,
) -> None:
    client = superuser_client()

    answer = client.post(URL, NEW, **JSON)

    created = answer.json()
    assert answer.status_code == 201
    assert (created["name"], created["accountId"], created["warning"]) == ("live", ACCOUNT, "")
    assert created["checks"][0]["state"] == "passed"
    assert Target.objects.get().api_token == TOKEN
    shown = f"{answer.content!r} {client.get(URL).content!r} {list(Entry.objects.values())}"
    assert TOKEN not in shown
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"target added", "target token set", "target checked"} <= actions


def test_a_wrong_token_is_refused_and_nothing_is_saved(fake_cloudflare: FakeCloudflare) -> None:
    body = NEW | {"credentials": {"apiToken": "wrong", "accountId": ACCOUNT}}

    answer = superuser_client().post(URL, body, **JSON)

    assert answer.status_code == 400
    assert "wrong" not in answer.json()["problems"]
    assert not Target.objects.exists()


def test_a_name_that_is_taken_and_an_unknown_group_are_refused(
    fake_cloudflare: FakeCloudflare,
) -> None:
    stored_target()
    client = superuser_client()

    taken = client.post(URL, NEW | {"name": "account"}, **JSON)
    unknown = client.post(URL, NEW | {"deployers": ["Nobody"]}, **JSON)

    assert (taken.status_code, taken.json()["problems"][0]["field"]) == (400, "name")
    assert unknown.json()["error"] == "There is no group 'Nobody'."
    assert Target.objects.count() == 1


def test_a_token_is_verified_without_storing_it(fake_cloudflare: FakeCloudflare) -> None:
    client = superuser_client()

    good = client.post(f"{URL}/verify-token", NEW, **JSON).json()
    wrong = NEW | {"credentials": {"apiToken": "wrong"}}
    bad = client.post(f"{URL}/verify-token", wrong, **JSON).json()
    other = NEW | {"credentials": {"apiToken": TOKEN, "accountId": "c" * 32}}
    foreign = client.post(f"{URL}/verify-token", other, **JSON).json()

    assert good == {"valid": True, "accounts": [{"id": ACCOUNT, "name": "Shop"}], "error": ""}
    assert (bad["valid"], bad["accounts"]) == (False, [])
    assert not foreign["valid"]
    assert "other accounts" in foreign["error"]
    assert not Target.objects.exists()


def test_rules_are_changed_and_recorded(fake_cloudflare: FakeCloudflare) -> None:
    target, group = stored_target(), Group.objects.create(name="Releases")
    changes = {
        "protected": True,
        "deployers": [group.name],
        "frozenFrom": "2026-12-24T00:00:00+01:00",
        "frozenReason": "Christmas",
    }

    answer = superuser_client().patch(f"{URL}/{target.pk}", changes, **JSON)

    changed = answer.json()
    assert answer.status_code == 200
    assert (changed["protected"], changed["deployers"]) == (True, ["Releases"])
    assert changed["frozenFrom"] == "2026-12-23T23:00:00Z"
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"target protected", "target freeze set"} <= actions
    assert "target checked" not in actions


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"frozenUntil": "2026-01-01T00:00:00Z"}, ""),
        ({"frozenFrom": "9999-01-01T00:00:00Z"}, "frozenFrom"),
        ({"frozenFrom": "2026-01-01T00:00:00"}, "frozenFrom"),
        ({"apiBaseUrl": "https://other.example"}, ""),
        ({"name": "not a slug"}, "name"),
    ],
)
def test_what_the_form_refuses_is_refused_here(changes: dict[str, str], field: str) -> None:
    answer = superuser_client().patch(f"{URL}/{stored_target().pk}", changes, **JSON)

    assert answer.status_code == 400
    assert field in str(answer.json()["problems"])


def test_the_embedded_platform_keeps_its_account_and_is_not_deleted() -> None:
    target, client = embedded_target(), superuser_client()

    assert client.patch(f"{URL}/{target.pk}", {"name": "x"}, **JSON).status_code == 409
    assert client.delete(f"{URL}/{target.pk}").status_code == 409
    assert client.patch(f"{URL}/{target.pk}", {"requiresTests": True}, **JSON).status_code == 200


def test_a_target_is_checked_and_deleted(fake_cloudflare: FakeCloudflare) -> None:
    target, client = stored_target(), superuser_client()

    checked = client.post(f"{URL}/{target.pk}/check", {}, **JSON).json()

    assert {check["name"] for check in checked["checks"]} >= {"API token", "Account"}
    assert client.delete(f"{URL}/{target.pk}").status_code == 204
    assert client.get(f"{URL}/{target.pk}").status_code == 404


def test_a_restricted_key_sees_and_adds_no_other_target() -> None:
    one, other = make_target(), make_target(name="other")
    client = superuser_client(targets=[one.pk])

    assert [row["name"] for row in client.get(URL).json()["data"]] == ["account"]
    assert client.get(f"{URL}/{other.pk}").status_code == 403
    assert client.post(URL, NEW, **JSON).status_code == 403


def test_a_call_needs_the_permission_of_its_page() -> None:
    target, client = make_target(), key_client(make_user("ada", "targets.view_target"))

    assert client.get(f"{URL}/{target.pk}").status_code == 200
    for call in (
        client.post(URL, NEW, **JSON),
        client.post(f"{URL}/verify-token", NEW, **JSON),
        client.post(f"{URL}/{target.pk}/check", {}, **JSON),
        client.patch(f"{URL}/{target.pk}", {}, **JSON),
        client.delete(f"{URL}/{target.pk}"),
        client.get(NAMESPACES, {"connectionId": target.pk}),
    ):
        assert call.status_code == 403


def test_resources_are_created_and_listed_with_what_uses_them(
    fake_cloudflare: FakeCloudflare,
) -> None:
    target, workflow, client = stored_target(), make_workflow(), superuser_client()
    address = f"{NAMESPACES}?connectionId={target.pk}"

    created = client.post(address, {"name": "orders"}, **JSON)
    set_variable("MY_KV_BINDING_ID", created.json()["id"], workflow=workflow)
    (found,) = client.get(address).json()["data"]

    assert created.status_code == 201
    assert found["name"] == "orders"
    assert found["variables"] == [{"name": "MY_KV_BINDING_ID", "workflowId": workflow.pk}]
    assert client.get(f"{address}&q=invoices").json()["data"] == []
    assert client.post(address, {"name": ""}, **JSON).status_code == 400


def test_a_target_that_fails_is_a_bad_gateway(
    fake_cloudflare: FakeCloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_cloudflare.is_down = True
    monkeypatch.setattr("targets.cloudflare.time_limits._TOTAL_SECONDS", 0)
    client: Client = superuser_client()

    listed = client.get(NAMESPACES, {"connectionId": stored_target().pk})

    assert listed.status_code == 502
    assert client.get(NAMESPACES, {"connectionId": "99"}).status_code == 404
