"""The pages of alerts, and the forms of rules and channels."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from alerts.conditions import Condition
from alerts.delivery.dispatch import dispatch
from alerts.evaluation.evaluator import Evaluator
from alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule
from tests.alerts.examples import SECRET, end_deployment, end_run, make_channel, make_rule
from tests.alerts.receivers import receiving
from tests.runs.examples import live_deployment
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.picker.matching import label_of
from workflows.services import set_variable

pytestmark = pytest.mark.django_db
RULES, CHANNELS = "/admin/alerts/alertrule", "/admin/alerts/alertchannel"


def fire(*channels: AlertChannel, **fields: Any) -> Alert:
    make_rule(Condition.DEPLOYMENT_FAILED, *channels, **{"name": "Deploys", **fields})
    end_deployment(message="<b>no such account</b>")
    Evaluator().evaluate()
    dispatch()
    return Alert.objects.get()


def rule_data(**fields: Any) -> dict[str, Any]:
    values = {"name": "Failures", "enabled": "on", "condition": "run_failed", "time_zone": "UTC"}
    numbers = {"threshold_percent": 20, "minimum_runs": 5, "window_minutes": 60}
    return {**values, **numbers, "age_minutes": 60, "reminder_hours": 24, **fields}


def test_without_rules_the_page_says_what_to_do(admin_client: Client) -> None:
    page = admin_client.get("/alerts/")

    assert "Add a channel, then a rule that uses it." in text(page)
    assert f"{CHANNELS}/add/" in page.content.decode()


def test_users_who_cannot_add_rules_read_whom_to_ask(log_in: LogIn) -> None:
    page = text(log_in("alerts.view_alert").get("/alerts/"))

    assert "Ask someone with permission to add rules." in page
    assert "Add a rule" not in page


def test_the_page_shows_what_fired_and_why_with_a_link(admin_client: Client) -> None:
    alert = fire()

    page = admin_client.get("/alerts/")

    assert f"Deployment #{alert.deployment_id}: <b>no such account</b>" in text(page)
    assert f'href="/deployments/{alert.deployment_id}/"' in page.content.decode()
    assert f'href="/alerts/{alert.pk}/"' in page.content.decode()


def test_a_failed_run_is_linked(admin_client: Client) -> None:
    make_rule(Condition.RUN_FAILED)
    run = end_run(live_deployment())
    Evaluator().evaluate()

    assert f'href="/runs/{run.pk}/"' in admin_client.get("/alerts/").content.decode()


def test_links_need_the_permission_of_their_pages(log_in: LogIn) -> None:
    fire()

    assert 'href="/deployments/' not in log_in("alerts.view_alert").get("/alerts/").content.decode()


def test_resolved_alerts_have_a_page_of_their_own(admin_client: Client) -> None:
    fire()
    Alert.objects.update(resolved_at=timezone.now(), resolution="Fixed.")

    assert "No alerts are open." in text(admin_client.get("/alerts/"))
    assert "Deploys" in text(admin_client.get("/alerts/?show=resolved"))


def test_an_alert_is_acknowledged_and_resolved_once(admin_client: Client) -> None:
    alert = fire()

    for action in ("acknowledge", "acknowledge", "resolve"):
        page = text(admin_client.post(f"/alerts/{alert.pk}/{action}/", follow=True))

    assert "Acknowledged" not in page
    assert "Resolved by admin." in page
    actions = [entry.action for entry in entries() if entry.subject_kind == "alert"]
    assert actions == ["alert resolved", "alert acknowledged"]


def test_a_failed_message_is_shown_on_every_page_and_can_be_sent_again(
    admin_client: Client,
) -> None:
    alert = fire(make_channel())
    failed = {"status": "failed", "ended_at": timezone.now()}
    AlertDelivery.objects.update(error="The receiver responded with status 500.", **failed)

    for address in ("/alerts/", f"/alerts/{alert.pk}/"):
        assert "1 message could not be sent in the last 7 days." in text(admin_client.get(address))
    delivery = AlertDelivery.objects.get()
    assert "responded with status 500" in text(admin_client.get("/alerts/messages/"))
    admin_client.post(f"/alerts/messages/{delivery.pk}/again/")

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("waiting", 0)


def test_a_missing_mail_server_is_named_if_a_channel_needs_it(admin_client: Client) -> None:
    hint = "set AWAITSTEP_EMAIL_HOST"
    assert hint not in text(admin_client.get("/alerts/"))

    make_channel("email")

    assert hint in text(admin_client.get("/alerts/"))


def test_long_lists_have_pages(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.views._PER_PAGE", 1)
    first = fire()
    Alert.objects.create(
        rule_name="Newest",
        condition="drift",
        subject="b",
        fired_at=timezone.now(),
        last_seen_at=timezone.now(),
    )

    newest = admin_client.get("/alerts/")
    older = text(admin_client.get(f"/alerts/?before={first.pk + 1}"))

    assert "Deploys" not in text(newest)
    assert f"before={first.pk + 1}" in newest.content.decode()
    assert "Deploys" in older
    assert "Newest" not in older


def test_a_rule_is_added_for_a_workflow_that_is_typed(admin_client: Client) -> None:
    deployment, channel = live_deployment(), make_channel()
    assert deployment.workflow
    data = rule_data(workflow=label_of(deployment.workflow), channels=[channel.pk])

    admin_client.post(f"{RULES}/add/", data)

    rule = AlertRule.objects.get()
    assert (rule.workflow, rule.target, list(rule.channels.all())) == (
        deployment.workflow,
        None,
        [channel],
    )
    assert entries()[0].action == "alert rule added"


def test_a_changed_rule_counts_only_what_happens_from_then_on(admin_client: Client) -> None:
    rule = make_rule(Condition.RUN_FAILED, name="Failures", window_minutes=60, age_minutes=60)
    before = rule.active_since
    address = f"{RULES}/{rule.pk}/change/"

    admin_client.post(address, rule_data(name="Renamed"))
    rule.refresh_from_db()
    assert (rule.name, rule.active_since) == ("Renamed", before)

    admin_client.post(address, rule_data(condition="drift"))
    rule.refresh_from_db()
    assert rule.active_since > before
    assert "condition" in entries()[0].detail["fields"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"quiet_from": "22:00"}, "Quiet hours need a start and a different end."),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "Quiet hours need a start"),
        ({"time_zone": "Europe/Nowhere"}, "Enter a time zone such as Europe/Berlin or UTC."),
        ({"window_minutes": 0}, "greater than or equal to 1"),
        ({"workflow": "nothing like it"}, "No workflow has"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    admin_client: Client, fields: dict[str, Any], problem: str
) -> None:
    page = text(admin_client.post(f"{RULES}/add/", rule_data(**fields)))

    assert problem in page
    assert not AlertRule.objects.exists()


def test_a_new_webhook_gets_a_secret_that_is_shown_only_before_it_is_saved(
    admin_client: Client,
) -> None:
    form = admin_client.get(f"{CHANNELS}/add/").context["adminform"].form
    secret = form.get_initial_for_field(form.fields["new_secret"], "new_secret")
    data = {"name": "Hook", "kind": "webhook", "new_url": "https://hooks.example.com/secret-path"}

    admin_client.post(f"{CHANNELS}/add/", {**data, "new_secret": secret})

    channel = AlertChannel.objects.get()
    assert (channel.url, channel.secret) == (data["new_url"], secret)
    page = admin_client.get(f"{CHANNELS}/{channel.pk}/change/").content.decode()
    assert "secret-path" not in page
    assert secret not in page
    assert entries()[0].detail == {
        "type": "webhook",
        "fields": ["kind", "name", "secret", "url"],
    }


def test_an_empty_input_keeps_what_is_stored(admin_client: Client) -> None:
    channel = make_channel(name="Hook")

    admin_client.post(
        f"{CHANNELS}/{channel.pk}/change/", {"name": "Renamed", "new_url": "", "new_secret": ""}
    )

    channel = AlertChannel.objects.get()
    assert (channel.name, channel.secret) == ("Renamed", SECRET)
    assert channel.url.endswith("/secret-path")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "email"}, "Enter at least one address."),
        ({"kind": "email", "recipients": "a@example.com b"}, "Enter a valid email address."),
        ({"kind": "slack"}, "Enter the URL."),
        ({"kind": "slack", "new_url": "http://hooks.example.com/"}, "starts with https://"),
        (
            {"kind": "webhook", "new_url": "https://h.example.com/", "new_secret": "whsec_short"},
            "Enter whsec_ and 24 to 64 bytes in Base64.",
        ),
        ({"kind": "webhook", "new_url": "https://h.example.com/"}, "Enter a secret."),
    ],
)
def test_an_incomplete_channel_is_refused_and_its_url_is_not_rendered(
    admin_client: Client, fields: dict[str, Any], problem: str
) -> None:
    response = admin_client.post(f"{CHANNELS}/add/", {"name": "X", **fields})

    assert problem in text(response)
    assert fields.get("new_url", "h.example.com/x") not in response.content.decode()
    assert not AlertChannel.objects.exists()


def test_a_test_message_reports_whether_it_was_accepted(
    admin_client: Client, settings: Settings
) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"alert_private_addresses": True})
    with receiving() as receiver:
        channel = make_channel(name="Hook", url=receiver.url)
        address = f"/alerts/channels/{channel.pk}/test/"
        accepted = text(admin_client.post(address, follow=True))
        settings.AWAITSTEP = settings.AWAITSTEP.model_copy(
            update={"alert_private_addresses": False}
        )
        refused = text(admin_client.post(address, follow=True))

    assert "The test message to Hook was accepted." in accepted
    assert "The test message to Hook was not sent: The host has a private" in refused
    assert "Test message" in text(admin_client.get("/alerts/messages/"))


def test_a_deleted_rule_or_channel_is_in_the_audit_trail(admin_client: Client) -> None:
    channel = make_channel()
    rule = make_rule(Condition.DRIFT, channel)

    admin_client.post(f"{RULES}/{rule.pk}/delete/", {"post": "yes"})
    admin_client.post(f"{CHANNELS}/{channel.pk}/delete/", {"post": "yes"})

    assert [entry.action for entry in entries()] == ["alert channel deleted", "alert rule deleted"]


def test_a_value_that_has_become_a_secret_is_masked(admin_client: Client) -> None:
    make_rule(Condition.RUN_FAILED)
    deployment = live_deployment()
    assert deployment.workflow
    end_run(deployment, error="Error: no account for learned-later-1")
    Evaluator().evaluate()
    alert = Alert.objects.get()
    pages = ["/alerts/", "/alerts/?show=resolved", alert.get_absolute_url()]
    assert "learned-later-1" in text(admin_client.get(pages[0]))

    set_variable("TOKEN", "learned-later-1", workflow=deployment.workflow, is_secret=True)

    for page in pages:
        assert "learned-later-1" not in text(admin_client.get(page))
    assert "no account for •••" in text(admin_client.get(pages[0]))
    deployment.workflow.delete()
    assert "learned-later-1" not in text(admin_client.get(pages[2]))
