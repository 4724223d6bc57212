"""Times in URLs and forms."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime


def read_moment(text: str) -> datetime | None:
    """Return an ISO date and time with its time zone; None if it is invalid or cannot be stored."""
    try:
        moment = parse_datetime(text)
        if moment is None:
            return None
        aware = timezone.make_aware(moment) if moment.tzinfo is None else moment
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
