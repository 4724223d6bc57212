"""The policies: for each kind of rows, how many days they are kept and what is never removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from alerts import retention as alert_retention
from audit import retention as audit_retention
from audit.batches import Batch
from deployments.history import retention as deployment_retention
from runs.index import retention as run_retention

Find = Callable[[str, int, datetime, int], Batch]
"""From the cursor, the days, the time before which they ended, and the size: the next batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rows with a `name` that are kept for the days of a setting; 0 keeps them forever.

    `find` returns the next rows that may be removed, after a cursor.
    """

    name: str
    setting: str
    find: Find

    @property
    def days(self) -> int:
        days: int = getattr(settings.AWAITSTEP, self.setting)
        return days

    @property
    def variable(self) -> str:
        """The environment variable that sets the days."""
        return f"AWAITSTEP_{self.setting.upper()}"

    def next_batch(self, cursor: str, size: int) -> Batch:
        days = self.days
        return self.find(cursor, days, timezone.now() - timedelta(days=days), size)


POLICIES: Final = (
    Policy(name="program output", setting="keep_output_days", find=deployment_retention.old_output),
    Policy(name="stage records", setting="keep_stages_days", find=deployment_retention.old_stages),
    Policy(name="runs", setting="keep_runs_days", find=run_retention.old_runs),
    Policy(name="audit entries", setting="keep_audit_days", find=audit_retention.old_entries),
    Policy(name="alerts", setting="keep_alerts_days", find=alert_retention.old_alerts),
    Policy(name="alert messages", setting="keep_alerts_days", find=alert_retention.old_messages),
)
