"""Node types, the library as AwaitStep's marketplace, and templates."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.conventions.problems import ProblemItem
from api.conventions.schema import ApiSchema, BodySchema
from workflows.documentation.templates import Template
from workflows.ir.document.node_types import NodeType
from workflows.ir.settings.setting_field import SettingField


class NodeTypeSummary(ApiSchema):
    """A node type. `source` is where it comes from: built in, the library, or loaded here."""

    id: str
    name: str
    version: str
    versions: list[str]
    description: str
    category: str
    icon: str
    source: str
    deprecated: bool


class NodeField(ApiSchema):
    """A setting of a node type."""

    name: str
    type: str
    label: str
    description: str
    required: bool
    default: Any = None
    options: list[str]
    env_var_name: str


class NodeTypeOut(NodeTypeSummary):
    """A node type with its settings. `definition` is the node.json of a type that is not built in."""

    fields: list[NodeField]
    example: dict[str, Any]
    output: str | None
    definition: dict[str, Any] | None
    template: str | None


class NewNodeType(BodySchema):
    """A custom node type: the content of its node.json, and of its template.ts."""

    definition: dict[str, Any]
    template: str = Field(max_length=1_000_000)


class LoadedNodeType(ApiSchema):
    """What happened to a node type: "loaded", or "unchanged" if it was loaded before."""

    id: str
    version: str
    state: str
    problems: list[ProblemItem]


class MarketplaceRequest(BodySchema):
    """A type of the library, in AwaitStep's form."""

    node_id: str = Field(max_length=64)
    version: str | None = Field(None, max_length=60)


class MarketplaceAnswer(ApiSchema):
    """The types of the library come with this installation: they can be used without being installed."""

    node_id: str
    version: str
    installed: bool


class TemplateOut(ApiSchema):
    """A complete workflow to start from."""

    id: str
    name: str
    description: str


class TemplateDetail(TemplateOut):
    """A template with its document and its tests."""

    ir: dict[str, Any]
    trigger_code: str | None
    tests: list[Any]


class UseTemplate(BodySchema):
    """The name of the new workflow, or the workflow to whose end the nodes are added."""

    name: str = Field("", max_length=1000)
    workflow_id: str | None = Field(None, max_length=20)


def node_type_of(type_: NodeType, versions: list[str], *, source: str) -> dict[str, Any]:
    """Return a node type without its settings."""
    definition = type_.custom.definition if type_.custom else None
    return {
        "id": type_.name,
        "name": type_.title,
        "version": type_.version,
        "versions": versions,
        "description": type_.summary,
        "category": str(type_.category),
        "icon": type_.icon,
        "source": source,
        "deprecated": bool(definition and definition.deprecated),
    }


def field_of(field: SettingField) -> dict[str, Any]:
    """Return a setting."""
    return {
        "name": field.name,
        "type": str(field.kind),
        "label": field.label,
        "description": field.help,
        "required": field.required,
        "default": field.default,
        "options": [str(option) for option in field.options],
        "env_var_name": field.variable,
    }


def template_of(template: Template) -> dict[str, Any]:
    """Return a template without its document."""
    return {
        "id": template.address.rpartition("/")[2],
        "name": template.title,
        "description": template.purpose,
    }
