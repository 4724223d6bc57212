"""API keys: what is stored, who may create and revoke them, and what bounds a call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from api.keys import services
from api.keys.services import create_key, revoke_key
from api.keys.tokens import digest_of, is_token, new_token
from api.models import ApiKey
from audit.models import Entry
from tests.api.callers import EVERY_SCOPE, key_client, make_user, superuser_client
from tests.deployments.factories import make_workflow

pytestmark = pytest.mark.django_db
VIEW, CHANGE = "workflows.view_workflow", "workflows.change_workflow"
ADD = "workflows.add_workflow"
JSON: dict[str, Any] = {"content_type": "application/json"}


def status(client: Client, path: str = "/api/workflows") -> int:
    return client.get(path).status_code


def test_a_token_is_random_and_recognizable() -> None:
    token = new_token()

    assert token != new_token()
    assert is_token(token)
    assert len(token) == 44
    assert not any(
        map(is_token, ["", "ask_", token[:-1], f"{token}a", token.replace("ask_", "key_")])
    )


def test_only_the_hash_of_a_key_is_stored() -> None:
    made = create_key(name="CI", scopes=["read"], by=make_user())

    stored = str(ApiKey.objects.values().get())
    assert made.token not in stored
    assert digest_of(made.token) in stored
    assert made.token.startswith(made.key.prefix)


def test_a_call_needs_both_the_scope_and_the_permission() -> None:
    user = make_user("ada", VIEW)

    assert status(key_client(user)) == 200
    assert status(key_client(user, ["write"])) == 403
    assert status(key_client(make_user("bob"))) == 403


def test_a_call_by_key_needs_no_csrf_token_and_is_recorded_with_the_key() -> None:
    client = key_client(make_user("ada", ADD))
    strict = Client(enforce_csrf_checks=True, headers=client.defaults)
    strict.defaults = client.defaults

    answer = strict.post("/api/workflows", {"name": "Orders"}, **JSON)

    assert answer.status_code == 201
    entry = Entry.objects.get(action="workflow created")
    key = ApiKey.objects.get()
    assert (entry.actor_name, entry.detail["api_key"]) == ("ada", key.label)


def test_later_entries_do_not_name_the_key() -> None:
    key_client(make_user("ada", ADD)).post("/api/workflows", {"name": "Orders"}, **JSON)
    revoke_key(ApiKey.objects.get(), by=make_user("bob"))

    assert "api_key" not in Entry.objects.get(action="API key revoked").detail


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_a_user_who_loses_access_loses_it_for_all_keys(change: dict[str, bool]) -> None:
    user = make_user("ada", VIEW)
    client = key_client(user)
    for field, value in change.items():
        setattr(user, field, value)
    user.save()

    assert status(client) in (401, 403)


def test_a_permission_that_is_taken_away_is_gone_for_the_key() -> None:
    user = make_user("ada", VIEW)
    client = key_client(user)
    user.user_permissions.clear()

    assert status(client) == 403


def test_revoked_and_expired_keys_are_of_no_use() -> None:
    user = make_user("ada", VIEW)
    client = key_client(user, expires_at=timezone.now() + timedelta(days=1))
    key = ApiKey.objects.get()
    key.expires_at = timezone.now()
    key.save()
    revoked = key_client(user)
    revoke_key(ApiKey.objects.latest("pk"), by=user)

    assert [status(client), status(revoked)] == [401, 401]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ask_x", "Basic YTpi", "Bearer \x00"])
def test_an_unknown_key_is_refused(header: str) -> None:
    answer = Client(headers={"Authorization": header}).get("/api/workflows")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_key_beside_a_session_is_what_counts(admin_client: Client) -> None:
    answer = admin_client.get("/api/workflows", headers={"Authorization": f"Bearer {new_token()}"})

    assert answer.status_code == 401


def test_a_restricted_key_sees_only_its_workflows() -> None:
    allowed, other = make_workflow(), make_workflow()
    client = superuser_client(workflows=[allowed.pk])

    listed = client.get("/api/workflows").json()["data"]

    assert [row["id"] for row in listed] == [allowed.pk]
    assert status(client, f"/api/workflows/{allowed.pk}") == 200
    assert status(client, f"/api/workflows/{other.pk}") == 403
    assert client.post("/api/workflows", {"name": "New"}, **JSON).status_code == 403


def test_a_key_stays_restricted_when_its_workflow_is_deleted() -> None:
    workflow = make_workflow()
    client = superuser_client(workflows=[workflow.pk])
    workflow.delete()
    make_workflow()

    assert client.get("/api/workflows").json()["data"] == []


def test_the_last_use_is_stored_once_a_minute() -> None:
    client = superuser_client()
    client.get("/api/workflows")
    first = ApiKey.objects.get().last_used_at
    client.get("/api/workflows")

    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


def test_a_key_creates_lists_and_revokes_no_keys() -> None:
    client = superuser_client()
    body = {"name": "More", "scopes": ["deploy"]}

    assert client.get("/api/api-keys").status_code == 403
    assert client.post("/api/api-keys", body, **JSON).status_code == 403
    assert client.delete(f"/api/api-keys/{ApiKey.objects.get().pk}").status_code == 403


def test_a_person_creates_a_key_sees_it_once_and_revokes_it(admin_client: Client) -> None:
    body = {"name": "CI", "scopes": ["read"], "expiresAt": "2100-01-01T00:00:00Z"}

    created = admin_client.post("/api/api-keys", body, **JSON).json()
    listed = admin_client.get("/api/api-keys").json()["data"]
    caller = Client(headers={"Authorization": f"Bearer {created['key']}"})

    assert status(caller) == 200
    assert [row["id"] for row in listed] == [created["id"]]
    assert "key" not in listed[0]
    assert admin_client.delete(f"/api/api-keys/{created['id']}").status_code == 204
    assert status(caller) == 401
    actions = Entry.objects.filter(subject_kind="API key").values_list("action", flat=True)
    assert set(actions) == {"API key created", "API key revoked"}


def test_users_see_only_their_own_keys() -> None:
    create_key(name="Root's", scopes=["read"], by=make_user("root", is_superuser=True))
    client = Client()
    client.force_login(make_user("ada", "api.view_apikey"))

    assert client.get("/api/api-keys").json()["data"] == []
    assert client.delete(f"/api/api-keys/{ApiKey.objects.get().pk}").status_code == 404


@pytest.mark.parametrize(
    "options",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": EVERY_SCOPE, "workflows": []},
        {"scopes": EVERY_SCOPE, "expires_at": timezone.now()},
    ],
)
def test_an_invalid_key_is_not_created(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        create_key(name="CI", by=make_user(), **options)


def test_the_admin_shows_a_new_key_once(admin_client: Client) -> None:
    form = {"name": "CI", "scopes": ["read"], "expires_at_0": "", "expires_at_1": ""}

    page = admin_client.post("/admin/api/apikey/add/", form).content.decode()

    key = ApiKey.objects.get()
    assert page.count(key.prefix) == 1
    assert key.prefix in admin_client.get("/admin/api/apikey/").content.decode()
    assert "Copy the key now" in page


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("expires_at", {"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}),
        ("name", {"name": "a\u202eb"}),
        ("name", {"name": "a\x1b[2Jb"}),
    ],
)
def test_the_admin_names_the_field_that_prevents_a_key(
    admin_client: Client, field: str, values: dict[str, str]
) -> None:
    page = admin_client.post("/admin/api/apikey/add/", {"name": "CI", "scopes": "read"} | values)

    assert list(page.context["adminform"].form.errors) == [field]


def test_the_admin_says_that_a_user_has_too_many_keys(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_KEYS", 0)

    form = {"name": "CI", "scopes": "read"}
    page = admin_client.post("/admin/api/apikey/add/", form, follow=True)

    assert "Revoke one that is no longer used." in page.content.decode()
