"""What messages say, and when: grouping, quiet hours, reminders and notices that something is resolved."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from alerts import services
from alerts.conditions import Condition
from alerts.delivery.dispatch import dispatch
from alerts.evaluation.evaluator import Evaluator
from alerts.models import Alert, AlertDelivery, AlertRule
from audit.trail import Actor
from tests.alerts.examples import another, end_deployment, make_channel, make_rule

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 5, 1, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 5, 2, 7, 0, tzinfo=UTC)
QUIET = {"quiet_from": time(22), "quiet_until": time(7), "time_zone": "UTC"}


def tell(now: datetime | None = None) -> list[list[tuple[str, str]]]:
    """Evaluate and dispatch; return the events and workflows of each new message."""
    known = set(AlertDelivery.objects.values_list("pk", flat=True))
    Evaluator().evaluate()
    dispatch(now)
    new = AlertDelivery.objects.exclude(pk__in=known).order_by("pk")
    return [[(row["event"], row["workflow"]) for row in each.notices] for each in new]


def test_the_alerts_of_an_evaluation_are_one_message_for_each_channel() -> None:
    email, webhook = make_channel("email"), make_channel()
    make_rule(Condition.DEPLOYMENT_FAILED, email, webhook)
    first = end_deployment()
    end_deployment(after=another(first))

    messages = tell()

    assert [len(notices) for notices in messages] == [2, 2]
    assert {each.channel for each in AlertDelivery.objects.all()} == {email, webhook}
    assert all(each.alerts.count() == 2 for each in AlertDelivery.objects.all())


def test_further_failures_of_an_open_alert_are_not_sent() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel())
    first = end_deployment()
    tell()
    end_deployment(after=first)

    assert tell() == []
    assert Alert.objects.get().count == 2


def test_the_end_of_an_alert_is_reported_once() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel())
    first = end_deployment()
    tell()
    end_deployment("succeeded", after=first)

    assert [[event for event, _ in notices] for notices in tell()] == [["resolved"]]
    assert tell() == []


def test_an_open_alert_is_reported_again_after_the_interval_for_reminders() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel(), reminder_hours=4)
    end_deployment()
    tell()
    now = timezone.now()

    assert tell(now + timedelta(hours=3, minutes=59)) == []
    assert [event for ((event, _),) in tell(now + timedelta(hours=4, minutes=1))] == ["reminder"]
    assert tell(now + timedelta(hours=5)) == []


@pytest.mark.parametrize("is_acknowledged", [True, False])
def test_no_reminder_is_sent_of_an_acknowledged_alert_or_without_an_interval(
    *, is_acknowledged: bool
) -> None:
    hours = 4 if is_acknowledged else 0
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel(), reminder_hours=hours)
    end_deployment()
    tell()
    if is_acknowledged:
        assert services.acknowledge(Alert.objects.get(), by=Actor(name="Ada"))

    assert tell(timezone.now() + timedelta(days=3)) == []


def test_quiet_hours_hold_messages_back_and_end_with_one_summary() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel(), **QUIET)
    first = end_deployment()
    second = end_deployment(after=another(first))

    assert tell(NIGHT) == []
    end_deployment("succeeded", after=first)
    assert tell(NIGHT + timedelta(hours=5)) == []
    (summary,) = tell(MORNING)

    assert [event for event, _ in summary] == ["resolved", "fired"]
    assert summary[1][1] == second.workflow_name
    assert tell(MORNING) == []


def test_a_rule_without_quiet_hours_is_notified_at_night() -> None:
    channel = make_channel()
    make_rule(Condition.DEPLOYMENT_FAILED, channel, **QUIET)
    make_rule(Condition.DEPLOYMENT_FAILED, channel, name="urgent")
    end_deployment()

    tell(NIGHT)

    assert [row["rule"] for row in AlertDelivery.objects.get().notices] == ["urgent"]


def test_a_rule_without_channels_only_shows_its_alerts() -> None:
    make_rule()
    end_deployment()

    assert tell() == []
    assert Alert.objects.get().pending == ""


def test_nobody_is_reported_about_the_alerts_of_a_deleted_rule() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel())
    end_deployment()
    Evaluator().evaluate()
    AlertRule.objects.all().delete()

    assert tell() == []
    assert Alert.objects.get().resolution == "The rule was changed."


def test_a_user_can_resolve_an_alert_about_failures_and_no_other() -> None:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel())
    end_deployment()
    tell()
    alert = Alert.objects.get()

    assert services.resolve(alert, by=Actor(name="Ada"))
    assert [event for ((event, _),) in tell()] == ["resolved"]
    assert Alert.objects.get().resolution == "Resolved by Ada."

    Alert.objects.update(resolved_at=None, condition="drift")
    assert not services.resolve(Alert.objects.get(), by=Actor(name="Ada"))
