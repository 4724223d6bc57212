"""Limits on login attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from tests.support.page_text import text
from web.login.attempts import MAX_OF_ADDRESS, MAX_OF_NAME, WINDOW
from web.models import LoginAttempt

pytestmark = pytest.mark.django_db
PASSWORD = "right-password-1"


@pytest.fixture(autouse=True)
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def log_in(password: str, name: str = "ada", address: str = "192.0.2.1", **headers: str) -> Any:
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=address).post("/admin/login/", form, headers=headers)


def fail(times: int, **who: Any) -> list[int]:
    return [log_in("wrong", **who).status_code for _ in range(times)]


def test_after_too_many_failures_the_right_password_is_refused_too() -> None:
    assert fail(MAX_OF_NAME) == [200] * MAX_OF_NAME

    answer = log_in(PASSWORD)

    assert answer.status_code == 429
    assert "Too many failed logins" in text(answer)
    assert "Try again in 15 minutes." in text(answer)
    assert 0 < int(answer["Retry-After"]) <= WINDOW.total_seconds()
    assert "sessionid" not in "".join(answer.cookies)


def test_a_refused_login_does_not_check_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(MAX_OF_NAME)
    checked: list[str] = []
    monkeypatch.setattr(User, "check_password", lambda _user, raw: checked.append(raw))

    log_in(PASSWORD)

    assert checked == []


def test_the_limit_ends_after_a_while_even_if_refused_logins_continue() -> None:
    fail(MAX_OF_NAME + 3)
    LoginAttempt.objects.update(at=timezone.now() - WINDOW - timedelta(seconds=1))

    assert log_in(PASSWORD).status_code == 302
    assert not LoginAttempt.objects.exists()


def test_a_login_forgets_earlier_failures() -> None:
    fail(MAX_OF_NAME - 1)
    log_in(PASSWORD)

    assert fail(MAX_OF_NAME) == [200] * MAX_OF_NAME


def test_others_cannot_lock_a_user_out() -> None:
    fail(MAX_OF_NAME + 1, address="203.0.113.9")

    assert log_in(PASSWORD).status_code == 302


def test_one_address_cannot_try_many_names() -> None:
    statuses = [log_in("wrong", f"user-{number}").status_code for number in range(MAX_OF_ADDRESS)]

    assert set(statuses) == {200}
    assert log_in("wrong", "another").status_code == 429
    assert log_in("wrong", "another", address="203.0.113.9").status_code == 200


def test_a_network_of_ipv6_addresses_is_limited_like_one_address() -> None:
    addresses = [f"2001:db8:0:7::{number:x}" for number in range(MAX_OF_NAME + 3)]

    statuses = [log_in("wrong", address=address).status_code for address in addresses]

    assert statuses == [200] * MAX_OF_NAME + [429] * 3
    assert log_in(PASSWORD, address="2001:db8:0:8::1").status_code == 302
    assert Entry.objects.get(action="login failed").detail == {"address": "2001:db8:0:7::/64"}


def test_an_ipv4_address_in_an_ipv6_address_is_limited_as_itself() -> None:
    fail(MAX_OF_NAME, address="::ffff:203.0.113.9")

    assert log_in(PASSWORD, address="203.0.113.9").status_code == 429
    assert log_in(PASSWORD, address="::ffff:203.0.113.8").status_code == 302


def test_a_name_that_no_user_has_is_limited_like_any_other() -> None:
    assert fail(MAX_OF_NAME + 1, name="nobody") == [200] * MAX_OF_NAME + [429]


def test_other_spellings_of_a_name_share_its_limit() -> None:
    fail(MAX_OF_NAME, name="Ada")

    assert log_in("wrong", "ADA").status_code == 429


def test_without_a_proxy_an_invented_address_changes_nothing() -> None:
    for number in range(MAX_OF_NAME):
        log_in("wrong", x_forwarded_for=f"198.51.100.{number}")

    assert log_in(PASSWORD, x_forwarded_for="198.51.100.99").status_code == 429


def test_behind_a_proxy_the_address_that_it_adds_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.AWAITSTEP.__class__, "uses_https", True)

    def forwarded(password: str, addresses: str) -> int:
        answer = log_in(password, address="127.0.0.1", x_forwarded_for=addresses)
        return int(answer.status_code)

    for number in range(MAX_OF_NAME):
        forwarded("wrong", f"198.51.100.{number}, 203.0.113.9")

    assert forwarded(PASSWORD, "198.51.100.99, 203.0.113.9") == 429
    assert forwarded(PASSWORD, "203.0.113.9, 203.0.113.10") == 302


def test_an_unknown_address_has_no_limit_for_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.AWAITSTEP.__class__, "uses_https", True)
    for number in range(MAX_OF_ADDRESS):
        log_in("wrong", f"user-{number}")

    assert log_in(PASSWORD).status_code == 302


def test_names_that_were_entered_are_not_stored() -> None:
    log_in("wrong", "my-password-by-mistake")

    assert "my-password" not in str(LoginAttempt.objects.values().get())


def test_code_that_has_no_request_is_not_limited() -> None:
    assert authenticate(username="ada", password=PASSWORD)
    assert Client().login(username="ada", password=PASSWORD)
    assert not LoginAttempt.objects.exists()


def change_password(client: Client, old: str, address: str = "192.0.2.1") -> Any:
    form = {"old_password": old, "new_password1": "new-word-22", "new_password2": "new-word-22"}
    return client.post("/admin/password_change/", form, REMOTE_ADDR=address)


def test_the_old_password_cannot_be_guessed_in_a_session(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    for number in range(MAX_OF_NAME):
        answer = change_password(client, "wrong", f"198.51.100.{number}")
        assert "Your old password was entered incorrectly" in text(answer)

    answer = change_password(client, PASSWORD, "203.0.113.9")

    assert "Too many wrong passwords. Your password was not checked." in text(answer)
    assert User.objects.get(pk=ada.pk).check_password(PASSWORD)
    assert Entry.objects.get(action="password change failed").count == MAX_OF_NAME
    assert log_in(PASSWORD).status_code == 302


def test_a_password_that_was_changed_can_be_changed_again(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    for _ in range(MAX_OF_NAME - 1):
        change_password(client, "wrong")
    change_password(client, PASSWORD)

    assert User.objects.get(pk=ada.pk).check_password("new-word-22")
    assert not LoginAttempt.objects.exists()
