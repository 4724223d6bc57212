"""What several admin pages show: code and JSON, and the documents of workflows."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.models import Workflow, WorkflowVersion


class SourceColumns:
    """The document and the entry code of a draft or a version, read-only."""

    @admin.display(description="document (IR)")
    def document(self, source: Workflow | WorkflowVersion) -> SafeString:
        return json_block(source.ir, "document")

    @admin.display(description="entry code", empty_value="default of the trigger")
    def code(self, source: Workflow | WorkflowVersion) -> SafeString | None:
        return code_block(source.entry_code, "entry code") if source.entry_code else None


def is_single_object(request: HttpRequest) -> bool:
    """Whether the page shows one object, so that its large fields are needed."""
    return bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)


def code_block(code: str, name: str) -> SafeString:
    """Return code in a box that can be scrolled, including with the keyboard."""
    return format_html(
        '<pre class="code-block" tabindex="0" role="region" aria-label="{}">{}</pre>', name, code
    )


def json_block(value: Any, name: str) -> SafeString:
    """Return a JSON value in such a box."""
    return code_block(json.dumps(value, indent=2, ensure_ascii=False), name)
