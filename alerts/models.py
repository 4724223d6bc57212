"""Rules and channels of alerts, what has fired, and the messages about it."""

from __future__ import annotations

import uuid
from typing import Final
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from alerts.conditions import Condition
from alerts.quiet_hours import QuietHours
from audit.encrypted_fields import EncryptedTextField
from deployments.models import Deployment
from runs.models import Run
from targets.models import Target
from workflows.models import Workflow

_LONGEST: Final = 7 * 24 * 60  # minutes
_MINUTES: Final = (MinValueValidator(1), MaxValueValidator(_LONGEST))
_LONGEST_WINDOW: Final = 24 * 60


class ChannelKind(models.TextChoices):
    """How the messages of a channel are sent."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "Webhook"


class AlertChannel(models.Model):
    """Where messages are sent. The URL and the secret are never shown again."""

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=10, choices=ChannelKind.choices)
    recipients = models.TextField(blank=True, help_text="E-mail addresses, one per line.")
    url = EncryptedTextField("URL", blank=True)
    secret = EncryptedTextField("signing secret", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def addresses(self) -> list[str]:
        return self.recipients.split()


def _is_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Enter a time zone such as Europe/Berlin or UTC.")


def _time_zone() -> str:
    return timezone.get_default_timezone_name()


class AlertRule(models.Model):
    """What to watch for, where, and whom to tell. Each condition uses some of the parameters."""

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    condition = models.CharField(
        max_length=20, choices=[(each.value, each.label) for each in Condition]
    )
    threshold_percent = models.PositiveSmallIntegerField(
        "threshold (%)",
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="The alert fires if at least this share of the runs has failed.",
    )
    minimum_runs = models.PositiveIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text="With fewer runs in the window, the error rate says nothing.",
    )
    window_minutes = models.PositiveIntegerField(
        "window (minutes)",
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(_LONGEST_WINDOW)],
        help_text="Error rate: the runs that were started in it count. Failed runs: the alert stays open "
        "until none has failed for this long.",
    )
    age_minutes = models.PositiveIntegerField(
        "age (minutes)",
        default=24 * 60,
        validators=_MINUTES,
        help_text="How long there may be no successful run, or a run may wait for an event.",
    )
    workflow = models.ForeignKey(
        Workflow, null=True, blank=True, on_delete=models.CASCADE, related_name="alert_rules"
    )
    target = models.ForeignKey(
        Target, null=True, blank=True, on_delete=models.CASCADE, related_name="alert_rules"
    )
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(
        max_length=60,
        default=_time_zone,
        validators=[_is_time_zone],
        help_text="The time zone of the quiet hours.",
    )
    reminder_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MaxValueValidator(720)],
        help_text="An alert that is open and not acknowledged is sent again after this time. "
        "0 sends no reminders.",
    )
    active_since = models.DateTimeField(
        default=timezone.now,
        editable=False,
        help_text="Earlier failures do not count.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False)
                & ~Q(quiet_from=models.F("quiet_until")),
                name="quiet_hours_have_both_ends",
                violation_error_message="Quiet hours need a start and a different end.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def watches_for(self) -> Condition:
        return Condition(self.condition)

    @property
    def quiet_hours(self) -> QuietHours | None:
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return QuietHours(start=self.quiet_from, end=self.quiet_until, zone=self.time_zone)


class Pending(models.TextChoices):
    """What is still to be sent about an alert."""

    NOTHING = "", "Nothing"
    FIRED = "fired", "Fired"
    REMINDER = "reminder", "Still open"
    RESOLVED = "resolved", "Resolved"


class Alert(models.Model):
    """A rule that fired for a workflow on a target, until that is resolved.

    It outlives its rule. `count` is the number of failures, `notified_at` when the last message about it
    was queued.
    """

    rule = models.ForeignKey(AlertRule, null=True, on_delete=models.SET_NULL, related_name="alerts")
    rule_name = models.CharField(max_length=100)
    condition = models.CharField(
        max_length=20, choices=[(each.value, each.label) for each in Condition]
    )
    subject = models.CharField(max_length=60)
    workflow = models.ForeignKey(Workflow, null=True, on_delete=models.SET_NULL, related_name="+")
    workflow_name = models.CharField(max_length=256)
    target = models.ForeignKey(Target, null=True, on_delete=models.SET_NULL, related_name="+")
    target_name = models.CharField(max_length=60)
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True)
    count = models.PositiveIntegerField(default=1)
    fired_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=300, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    pending = models.CharField(
        max_length=10, blank=True, choices=Pending.choices, default=Pending.FIRED.value
    )
    notified_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ("view",)
        permissions = [("acknowledge_alert", "Can acknowledge and resolve alerts")]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=Q(resolved_at=None),
                name="one_open_alert_per_rule_and_subject",
            )
        ]
        indexes = [
            models.Index(fields=["-id"], condition=Q(resolved_at=None), name="alerts_open"),
            models.Index(fields=["id"], condition=~Q(pending=""), name="alerts_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_name}: {self.workflow_name} on {self.target_name}"

    def get_absolute_url(self) -> str:
        return reverse("alerts:alert", args=[self.pk])

    @property
    def watched_for(self) -> Condition:
        return Condition(self.condition)

    @property
    def can_be_resolved(self) -> bool:
        """Whether a user can end it. What a check finds again would only open the next alert."""
        return self.resolved_at is None and self.watched_for.counts_events


class DeliveryStatus(models.TextChoices):
    """Whether a message was sent."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


def _message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


class AlertDelivery(models.Model):
    """A message to a channel, which is the same in each attempt.

    An attempt adds one to `attempts`, which is also its token: a process that was late records nothing.
    While it is under way, `next_attempt_at` is when another process may try if this one has died.
    """

    channel = models.ForeignKey(
        AlertChannel, null=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    channel_name = models.CharField(max_length=60)
    alerts = models.ManyToManyField(Alert, related_name="deliveries")
    message_id = models.CharField(max_length=40, default=_message_id, unique=True)
    notices = models.JSONField(default=list, help_text="What the message says about each alert.")
    is_test = models.BooleanField(default=False)
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING.value
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    answer_code = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        verbose_name_plural = "alert deliveries"
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(status="waiting"), name="deliveries_due"
            ),
            models.Index(fields=["-id"], condition=Q(status="failed"), name="deliveries_failed"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk} to {self.channel_name}"


class CountedFailure(models.Model):
    """A failed run that alerts have counted; it counts again only if it was restarted and failed again."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"failure of run {self.run_id}"


class EvaluationState(models.Model):
    """How far the rules have been evaluated; there is one row.

    `turn` grows with each evaluation. An evaluation that finds a different number from the one that
    it read stores nothing.
    """

    turn = models.PositiveBigIntegerField(default=0)
    stage_record = models.PositiveBigIntegerField(default=0)
    run_change = models.PositiveBigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"turn {self.turn}"
