"""Times of day on pages."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from web.templatetags.ui import clock


def test_a_time_of_another_day_has_its_date() -> None:
    noon = timezone.localtime().replace(hour=12, minute=0, second=0)

    today, yesterday = (
        re.sub("<[^>]+>", "", clock(moment)) for moment in (noon, noon - timedelta(days=1))
    )

    assert today == "12:00:00"
    assert yesterday == f"{(noon - timedelta(days=1)).date()} 12:00:00"
