"""The trail in the admin: read, searched and filtered, never changed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.models import Entry
from audit.read_only import ReadOnly


@admin.register(Entry)
class EntryAdmin(ReadOnly, admin.ModelAdmin[Entry]):
    list_display = ["at", "actor_name", "action", "subject_kind", "subject_name", "reason"]
    list_filter = ["action", "subject_kind"]
    search_fields = ["actor_name", "action", "subject_name", "subject_id", "reason"]
    fields = (
        "at",
        "actor_name",
        "action",
        "subject_kind",
        "subject_id",
        "subject_name",
        "reason",
        "more",
    )
    readonly_fields = fields
    actions = None
    show_full_result_count = False

    @admin.display(description="detail")
    def more(self, entry: Entry) -> SafeString:
        text = json.dumps(entry.detail, indent=2, ensure_ascii=False)
        return format_html('<pre class="code-block">{}</pre>', text)
