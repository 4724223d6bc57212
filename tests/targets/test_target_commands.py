"""set_target and check_target."""

from __future__ import annotations

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from targets.checks import target_checks
from targets.checks.check_state import CheckState
from targets.cloudflare.tokens import Owner
from targets.lookup import embedded_target
from targets.models import Target
from tests.deployments.factories import make_target
from tests.local_cloudflare.support.control import Control, Token
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target

pytestmark = pytest.mark.django_db
SENTINEL = "t0ken-sentinel"
NOBODY = "http://127.0.0.1:9"


def run(*arguments: str, token: str = "") -> str:
    """Run a command with the token on its standard input; return its output."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(f"{token}\n"))
        call_command(*arguments, stdout=out, stderr=out)
    assert SENTINEL not in out.getvalue()
    return out.getvalue()


def refused(*arguments: str, token: str = "") -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments, token=token)
    assert SENTINEL not in str(error.value)
    return str(error.value)


@pytest.fixture
def known(platform: Platform, control: Control) -> Platform:
    """The platform, which accepts the sentinel as a token."""
    rights = ("Workers Scripts Write", "Account Settings Read")
    control.tokens(Token(token=SENTINEL, permissions=rights))
    return platform


def test_a_target_is_added_with_the_only_account_of_its_token(known: Platform) -> None:
    printed = run("set_target", "live", "--api-base-url", known.api_base_url, token=SENTINEL)

    target = Target.objects.get()
    assert (target.account_id, target.api_token) == (known.account_id, SENTINEL)
    assert f"account {known.account_id}" in printed
    assert "check_target live" in printed


def test_a_target_is_checked_when_its_access_is_set_and_not_otherwise(known: Platform) -> None:
    run("set_target", "live", "--api-base-url", known.api_base_url, token=SENTINEL)
    run("set_target", "live", "--protected")

    target = Target.objects.get()
    assert target_checks.verdict(target) is CheckState.PASSED
    (entry,) = Entry.objects.filter(action="target checked")
    assert "command line" in entry.actor_name


def test_failed_checks_of_a_new_target_are_printed(known: Platform, control: Control) -> None:
    control.subdomain("")

    printed = run("set_target", "live", "--api-base-url", known.api_base_url, token=SENTINEL)

    assert "Warning: workers.dev subdomain: " in printed


def test_the_audit_trail_has_the_operator_and_no_token(known: Platform) -> None:
    run("set_target", "live", "--api-base-url", known.api_base_url, token=SENTINEL)

    entry = Entry.objects.get(action="target added")
    assert "command line" in entry.actor_name
    assert SENTINEL not in "".join(str(entry.detail) for entry in Entry.objects.all())


def test_only_the_given_options_change(platform: Platform) -> None:
    embedded_target()
    target = account_target(platform, name="live", protected=False)

    printed = run("set_target", "live", "--default", "--protected", "--json")

    target.refresh_from_db()
    assert (target.is_default, target.protected) == (True, True)
    assert target.api_token == platform.token
    assert json.loads(printed) == {
        "name": "live",
        "accountId": platform.account_id,
        "apiBaseUrl": platform.api_base_url,
        "default": True,
        "protected": True,
        "requiresTests": False,
        "verified": True,
    }


def test_a_target_can_be_made_to_require_tests(platform: Platform) -> None:
    target = account_target(platform, name="live")

    printed = run("set_target", "live", "--require-tests", "--json")
    assert json.loads(printed)["requiresTests"]
    assert Entry.objects.filter(action="target tests required", subject_name="live").exists()

    run("set_target", "live", "--no-require-tests")
    target.refresh_from_db()
    assert not target.requires_tests


def test_a_new_token_replaces_the_old_one(known: Platform) -> None:
    target = account_target(known, name="live")

    run("set_target", "live", token=SENTINEL)

    target.refresh_from_db()
    assert target.api_token == SENTINEL
    assert Entry.objects.filter(action="target token set").exists()


def test_an_unreachable_target_is_saved_with_a_warning() -> None:
    account = ("--account-id", "A" * 32)

    printed = run("set_target", "live", "--api-base-url", NOBODY, *account, token=SENTINEL)

    assert "not verified. No response from" in printed
    assert Target.objects.get().account_id == "a" * 32


def test_an_error_is_printed_and_nothing_is_saved(platform: Platform) -> None:
    here = ("--api-base-url", platform.api_base_url, "--account-id", platform.account_id)

    assert "does not know" in refused("set_target", "live", *here, token=SENTINEL)
    assert "standard input" in refused("set_target", "live", *here)
    assert "not an API token" in refused("set_target", "live", *here, token="two words")
    assert "32 hexadecimal" in refused("set_target", "x", "--account-id", "y", token=SENTINEL)
    assert "embedded" in refused("set_target", "local", token=SENTINEL)
    assert not Target.objects.exists()


def test_an_invalid_name_or_url_is_refused(known: Platform) -> None:
    here = ("--api-base-url", known.api_base_url)

    assert "letters, numbers" in refused("set_target", "a b", *here, token=SENTINEL)
    assert "Nothing was saved" in refused(
        "set_target", "live", "--api-base-url", "ftp://x", token=SENTINEL
    )


def test_a_wrong_account_is_refused_with_a_list_of_the_tokens_accounts(known: Platform) -> None:
    here = ("--api-base-url", known.api_base_url, "--account-id", "0" * 32)

    sentence = refused("set_target", "live", *here, token=SENTINEL)

    assert f"--account-id {known.account_id}  Embedded platform" in sentence


def test_several_accounts_are_listed(known: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = [Owner(id="a" * 32, name="First"), Owner(id="b" * 32, name="Second")]
    monkeypatch.setattr("targets.cloudflare.tokens.owners", lambda _account: owners)

    sentence = refused("set_target", "live", "--api-base-url", known.api_base_url, token=SENTINEL)

    assert f"--account-id {'b' * 32}  Second" in sentence


def test_a_stored_token_is_not_sent_to_a_new_url(platform: Platform) -> None:
    account_target(platform, name="live")

    assert "another URL" in refused("set_target", "live", "--api-base-url", NOBODY)


def test_checks_are_printed_and_stored(known: Platform) -> None:
    target = account_target(known, token=SENTINEL)

    printed = run("check_target", "account")

    assert "passed   API token: User token, active" in printed
    assert "warning  D1: Missing" in printed
    target.refresh_from_db()
    assert json.loads(run("check_target", "account", "--json")) == target.checks


def test_a_failed_check_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    make_target()

    with pytest.raises(SystemExit) as ended:
        run("check_target", "account")

    assert ended.value.code == 1


def test_an_unknown_target_is_refused_with_a_list_of_targets() -> None:
    make_target()

    assert "The targets are: account" in refused("check_target", "nowhere")
