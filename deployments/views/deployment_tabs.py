"""The tabs of a deployment's page. Each has its own URL and loads only what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from deployments.history import workflow_names
from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from deployments.presentation import remediation
from deployments.presentation.project_files import deployed_files_url, files_context
from deployments.presentation.project_parts import pictures_of_classes
from toolchain.redaction import redact
from workflows.documents.projects.config import read_config
from workflows.ir.reading.bindings import BindingKind
from workflows.masked_values import masked_values
from workflows.nodes.library.registry import registry
from workflows.picture.drawing import picture_of
from workflows.picture.states import State

Context = dict[str, Any]
Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A tab; `fields` are the columns that it needs in addition, `load` returns its context.

    `of_project` does the same for the deployment of a project, from the query of the address.
    """

    slug: str
    label: str
    fields: tuple[str, ...]
    load: Callable[[Deployment], Context]
    of_project: Callable[[Deployment, Query], Context] | None = None

    def context(self, deployment: Deployment, query: Query, *, is_project: bool) -> Context:
        """Return what the tab shows of a deployment."""
        if is_project and self.of_project:
            return self.of_project(deployment, query)
        return self.load(deployment)

    @property
    def url_name(self) -> str:
        return "deployment_" + self.slug.replace("-", "_")

    @property
    def view_name(self) -> str:
        return f"deployments:{self.url_name}"

    @property
    def template(self) -> str:
        return f"deployments/tabs/_{self.slug.replace('-', '_')}.html"


def _output(deployment: Deployment) -> Context:
    """Return the outputs; `lost` names the program whose output was lost when it was killed."""
    outputs = list(deployment.outputs.all())
    if outputs:
        hide = hide_later_secrets(deployment)
        for output in outputs:
            output.text = hide(output.text)
    was_ended = deployment.state in (Status.CANCELLED, Status.INTERRUPTED)
    return {"outputs": outputs, "lost": _LOST_OUTPUT.get(deployment.stage, "") if was_ended else ""}


_LOST_OUTPUT = {
    Stage.CREATING_WORKER.value: "npm may have been",
    Stage.DEPLOYING.value: "wrangler was",
}


def _variables(deployment: Deployment) -> Context:
    """Return rows of name, value ("" for secrets), origin, and whether it is a secret."""
    origins, hide = deployment.variable_origins, hide_later_secrets(deployment)
    plain = [
        (name, hide(_as_text(value)), origins.get(name, ""), False)
        for name, value in deployment.variables.items()
    ]
    secret = [(name, "", origins.get(name, ""), True) for name in deployment.secret_names]
    return {"variables": sorted([*plain, *secret]), "resources": _resources(deployment)}


def _as_text(value: Any) -> str:
    """Return the value of a variable; a project can have some that are not text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _variables_of_project(deployment: Deployment, _query: Query) -> Context:
    return {**_variables(deployment), "configuration": read_config(deployment.files).file}


def _resources(deployment: Deployment) -> list[Context]:
    """Return rows of the bindings: name, kind, resource, and whether it was declared."""
    return [
        {**row, "kind": _kind_label(row["kind"]), "is_declared": row["name"] in deployment.bindings}
        for row in deployment.resources
    ]


def _kind_label(kind: str) -> str:
    """Return the label of a kind; old records may have unknown kinds."""
    return BindingKind(kind).label if kind in set(BindingKind) else kind


def _record(deployment: Deployment) -> Context:
    """Return the snapshot: the formatted document, node types and declared bindings."""
    return {
        "document": json.dumps(deployment.ir, indent=2, ensure_ascii=False),
        "node_types": [_id_and_version(row["definition"]) for row in deployment.node_types],
        "declared": [
            (name, _kind_label(kind)) for name, kind in sorted(deployment.bindings.items())
        ],
    }


def _record_of_project(deployment: Deployment, _query: Query) -> Context:
    """Return the Workflows of the project; its files have a tab of their own."""
    workflows = workflow_names.of_deployment(deployment)
    return {"workflows": workflows.items(), "file_count": len(deployment.files)}


def _id_and_version(definition: Context) -> str:
    return f"{definition.get('id')} {definition.get('version')}"


def _picture(deployment: Deployment) -> Context:
    """Return the picture of the document, with problems and warnings marked on the nodes."""
    marks = {row.get("node_id", ""): State.WARNING for row in deployment.warnings}
    marks |= {row.get("node_id", ""): State.PROBLEM for row in deployment.problems}
    marks.pop("", None)
    editor = remediation.editor_url(deployment)
    drawn = picture_of(
        deployment.ir,
        registry(deployment.node_types),
        base=f"{editor}?node=" if editor else None,
        problems=marks,
    )
    return {"drawn": drawn, "marks": marks}


def _pictures_of_project(deployment: Deployment, query: Query) -> Context:
    base = deployed_files_url(deployment)
    return {
        "classes": pictures_of_classes(deployment.files, base=base, only=query.get("workflow", ""))
    }


def _files_of_project(deployment: Deployment, query: Query) -> Context:
    return files_context(deployment.files, query)


def hide_later_secrets(deployment: Deployment) -> Callable[[str], str]:
    """Return a function that masks values that are secrets now but were not when they were deployed."""
    return partial(redact, secrets=masked_values(deployment.workflow_public_id))


def _wrangler_json(deployment: Deployment) -> Context:
    return {"wrangler_json": hide_later_secrets(deployment)(deployment.wrangler_json)}


def _nothing(_deployment: Deployment) -> Context:
    return {}


TABS = (
    Tab(slug="output", label="Output", fields=(), load=_output),
    Tab(
        slug="picture",
        label="Picture",
        fields=("ir", "node_types", "problems", "warnings"),
        load=_picture,
        of_project=_pictures_of_project,
    ),
    Tab(
        slug="code",
        label="Code",
        fields=("source",),
        load=_nothing,
        of_project=_files_of_project,
    ),
    Tab(
        slug="wrangler-json", label="wrangler.json", fields=("wrangler_json",), load=_wrangler_json
    ),
    Tab(
        slug="variables",
        label="Variables",
        fields=("variables", "secret_names", "variable_origins", "resources", "bindings"),
        load=_variables,
        of_project=_variables_of_project,
    ),
    Tab(
        slug="snapshot",
        label="Record",
        fields=(
            "ir",
            "entry_code",
            "dependencies",
            "bindings",
            "node_types",
            "class_name",
            "script_size",
            "script_hash",
            "wrangler_version",
            "version_id",
        ),
        load=_record,
        of_project=_record_of_project,
    ),
)
