"""The admin pages of custom node types."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.read_only_admin import ReadOnlyAdmin
from workflows.admin.blocks import code_block, is_single_object, json_block
from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.settings.setting_field import SettingField
from workflows.models import NodeType
from workflows.node_types.registered import workflows_using


@admin.register(NodeType)
class NodeTypeAdmin(ReadOnlyAdmin, admin.ModelAdmin[NodeType]):
    """Node types are loaded from files and never change; the page also shows who uses them."""

    empty_list_text = "Node types that were loaded from files are listed here."
    list_display = ["name", "type_id", "version", "category", "state", "loaded_at", "loaded_by"]
    search_fields = ["name", "type_id"]
    fields = [
        ("type_id", "version"),
        "about",
        "state",
        "settings",
        "output",
        "packages",
        "used_by",
        ("loaded_at", "loaded_by"),
        "code",
        "node_json",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NodeType]:
        types = super().get_queryset(request)
        return types if is_single_object(request) else types.defer("template")

    @admin.display(description="category")
    def category(self, node_type: NodeType) -> str:
        return str(node_type.definition.get("category", ""))

    @admin.display(description="state")
    def state(self, node_type: NodeType) -> str:
        definition = _definition(node_type)
        return (definition.deprecation if definition else "") or "current"

    @admin.display(description="description")
    def about(self, node_type: NodeType) -> SafeString | str:
        definition = _definition(node_type)
        if definition is None:
            return ""
        url = definition.docs_url
        docs = format_html(' <a href="{}" rel="noreferrer">{}</a>', url, url) if url else ""
        return format_html("{}{}", definition.description, docs)

    @admin.display(description="settings")
    def settings(self, node_type: NodeType) -> SafeString | str:
        definition = _definition(node_type)
        rows = [_row(field) for field in definition.fields] if definition else []
        body = format_html_join(
            "",
            '<tr><th scope="row"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>',
            rows,
        )
        return format_html("<table>{}{}</table>", _SETTINGS_HEAD, body) if rows else "none"

    @admin.display(description="output")
    def output(self, node_type: NodeType) -> SafeString:
        definition = _definition(node_type)
        return format_html("<code>{}</code>", definition.output if definition else "any")

    @admin.display(description="npm packages")
    def packages(self, node_type: NodeType) -> str:
        definition = _definition(node_type)
        packages = definition.dependencies if definition else {}
        return ", ".join(f"{name} {version}" for name, version in packages.items()) or "none"

    @admin.display(description="used by")
    def used_by(self, node_type: NodeType) -> SafeString | str:
        links = [
            (reverse("admin:workflows_workflow_change", args=[workflow.pk]), workflow.name)
            for workflow in workflows_using(node_type)
        ]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "no workflow"

    @admin.display(description="template")
    def code(self, node_type: NodeType) -> SafeString:
        return code_block(node_type.template, "template")

    @admin.display(description="node.json")
    def node_json(self, node_type: NodeType) -> SafeString:
        return json_block(node_type.definition, "node.json")


_SETTINGS_HEAD = SafeString(
    "<tr>"
    + "".join(
        f'<th scope="col">{word}</th>' for word in ("Name", "Kind", "Required", "Description")
    )
    + "</tr>"
)


def _definition(node_type: NodeType) -> Definition | None:
    return read_definition(node_type.definition, built_in=()).definition


def _row(field: SettingField) -> tuple[str, str, str, str]:
    """Return a setting's name, its kind, whether it is required, and its description."""
    required = "yes" if field.required else "no"
    if field.default is not None:
        required = f"no; {json.dumps(field.default, ensure_ascii=False)} by default"
    kind = f"secret: the variable {field.variable}" if field.variable else str(field.kind)
    description = ". ".join(part.rstrip(".") for part in (field.label, field.help) if part)
    return field.name, kind, required, description
