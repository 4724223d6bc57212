"""The audit trail in the admin: it can be read, searched and filtered, but not changed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from audit.models import Entry
from audit.read_only_admin import ReadOnlyAdmin

_SHORT_REASON = 80  # characters


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin, admin.ModelAdmin[Entry]):
    """The audit trail, which nobody can change or delete here."""

    list_display = ["action", "what", "actor_name", "when", "subject_kind"]
    list_filter = ["action", "subject_kind"]
    search_fields = ["actor_name", "action", "subject_name", "subject_id", "reason"]
    fields = (
        "when",
        "actor_name",
        "action",
        "subject_kind",
        "subject_id",
        "subject_name",
        "reason",
        "repeated",
        "more",
    )
    readonly_fields = fields
    actions = None
    show_full_result_count = False

    @admin.display(description="at", ordering="at")
    def when(self, entry: Entry) -> SafeString:
        at = timezone.localtime(entry.at)
        day, time = at.strftime("%Y-%m-%d"), at.strftime("%H:%M:%S %Z")
        return format_html("<span>{}</span> <span>{}</span>", day, time)

    @admin.display(description="subject and reason", ordering="subject_name")
    def what(self, entry: Entry) -> str | SafeString:
        """Return the subject and a shortened reason; the entry's page has all of it."""
        reason = Truncator(entry.reason).chars(_SHORT_REASON)
        quiet = format_html('<span class="quiet reason-line">{}</span>', reason) if reason else ""
        times = format_html(' <span class="quiet">{} times</span>', entry.count)
        return format_html("{}{} {}", entry.subject_name, times if entry.count > 1 else "", quiet)

    @admin.display(description="repeated", empty_value="no")
    def repeated(self, entry: Entry) -> str | None:
        if entry.last_at is None:
            return None
        last = timezone.localtime(entry.last_at)
        return f"{entry.count} times, the last at {last:%Y-%m-%d %H:%M:%S %Z}"

    @admin.display(description="detail")
    def more(self, entry: Entry) -> SafeString:
        text = json.dumps(entry.detail, indent=2, ensure_ascii=False)
        return format_html('<pre class="code-block">{}</pre>', text)
