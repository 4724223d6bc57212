"""The code of a workflow's draft, as text to read, copy and download, or its problems."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from django.core.cache import cache

from audit.encrypted_fields import UnreadableSecret
from deployments.draft.bundle import bundled_script
from deployments.pipeline.project_build import as_findings
from deployments.presentation.project_files import FILES, links_of_draft
from deployments.presentation.remediation import with_link
from deployments.settings_form.preview import preview
from targets.cloudflare.errors import DeployError, Finding
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed
from workflows.document_text import document_text
from workflows.documents.projects.config import read_config
from workflows.documents.projects.packages import read_packages
from workflows.draft_code import generated_module
from workflows.draft_problems import draft_problems
from workflows.ir.deploy.deploy_settings import InvalidSettings, read_settings
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import Workflow
from workflows.scratch_folders import scratch_folder

_SECONDS_KEPT: Final = 3600
DOCUMENT: Final = "document"
"""The part of the code that is edited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The text, or "" if it could not be generated; the problems may also be warnings."""

    text: str = ""
    problems: tuple[dict[str, Any], ...] = ()
    nodes: tuple[str, ...] = ()
    """The node that each line comes from, "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the code: its name in the URL, its file name, and its language."""

    slug: str
    label: str
    file_name: str
    write: Callable[[Workflow], Code]


def _typescript(workflow: Workflow) -> Code:
    problems = _rows(workflow, draft_problems(workflow))
    try:
        module = generated_module(workflow)
    except (InvalidIR, UnreadableSecret):
        return Code(problems=problems)
    return Code(text=module.source, problems=problems, nodes=tuple(module.line_nodes()))


def _javascript(workflow: Workflow) -> Code:
    """Compile the module, and cache the result, because compilation takes a second."""
    try:
        module = generated_module(workflow)
    except (InvalidIR, UnreadableSecret):
        return Code(problems=_rows(workflow, draft_problems(workflow)))
    content = "\0".join([module.source, *module.dependencies])
    key = f"javascript-{sha256(content.encode()).hexdigest()}"
    script: str | None = cache.get(key)
    if script is None:
        try:
            with scratch_folder("draft") as folder:
                packages = tuple(module.dependencies)
                script = compile_leniently(module, folder, dependencies=packages).script
        except CompileFailed:
            return Code(problems=_rows(workflow, draft_problems(workflow)))
        cache.set(key, script, _SECONDS_KEPT)
    return Code(text=script)


def _wrangler_json(workflow: Workflow) -> Code:
    settings = {} if workflow.is_project else workflow.deploy_settings
    try:
        result = preview(workflow, read_settings(settings))
    except InvalidSettings as invalid:
        return Code(problems=_rows(workflow, invalid.problems))
    rows = (finding.as_row() for finding in result.findings)
    return Code(text=result.text, problems=tuple(_linked(workflow, row) for row in rows))


def _document(workflow: Workflow) -> Code:
    return Code(text=document_text(workflow.ir))


def _files(workflow: Workflow) -> Code:
    """Return the problems of the configuration; the files themselves are shown as a list."""
    config, packages = read_config(workflow.files), read_packages(workflow.files)
    problems = (*config.problems, *packages.problems)
    rows = (finding.as_row() for finding in as_findings(problems))
    return Code(problems=tuple(_linked(workflow, row) for row in rows))


def _bundled(workflow: Workflow) -> Code:
    """Bundle the files, and cache the result, because bundling takes seconds."""
    content = json.dumps(workflow.files, sort_keys=True)
    key = f"bundled-{sha256(content.encode()).hexdigest()}"
    script: str | None = cache.get(key)
    if script is None:
        try:
            script = bundled_script(workflow)
        except DeployError as failed:
            rows = (finding.as_row() for finding in failed.as_findings())
            return Code(problems=tuple(_linked(workflow, row) for row in rows))
        cache.set(key, script, _SECONDS_KEPT)
    return Code(text=script)


_WRANGLER_JSON: Final = Part(
    slug="wrangler-json", label="wrangler.json", file_name="wrangler.json", write=_wrangler_json
)
PARTS: Final = (
    Part(slug="typescript", label="TypeScript", file_name="worker.ts", write=_typescript),
    Part(slug="javascript", label="JavaScript", file_name="worker.js", write=_javascript),
    _WRANGLER_JSON,
    Part(slug=DOCUMENT, label="Document", file_name="workflow.json", write=_document),
)
PARTS_OF_PROJECT: Final = (
    Part(slug=FILES, label="Files", file_name="", write=_files),
    _WRANGLER_JSON,
    Part(slug="javascript", label="JavaScript", file_name="worker.js", write=_bundled),
)


def parts_of(workflow: Workflow) -> tuple[Part, ...]:
    """Return the parts of the code of a workflow, the first one to show first."""
    return PARTS_OF_PROJECT if workflow.is_project else PARTS


def _rows(workflow: Workflow, problems: Iterable[Problem]) -> tuple[dict[str, Any], ...]:
    """Return the problems as findings with links to their nodes in the editor."""
    findings = (
        Finding(
            message=problem.message,
            node_id=problem.node_id,
            path=problem.path,
            is_warning=not problem.is_error,
        )
        for problem in problems
    )
    return tuple(_linked(workflow, finding.as_row()) for finding in findings)


def _linked(workflow: Workflow, row: dict[str, Any]) -> dict[str, Any]:
    row = links_of_draft(workflow).linked(row)
    node = urlencode({"node": row.get("node_id", "")})
    return with_link(row, f"{workflow.get_absolute_url()}?{node}")
