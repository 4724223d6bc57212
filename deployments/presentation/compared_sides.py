"""The sides of a comparison: the draft of a workflow, one of its versions, or what is live on a target."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse

from audit.encrypted_fields import UnreadableSecret
from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import VIEW
from deployments.presentation.live_workers import live_workers_of
from targets.models import Target
from workflows.documents.comparison.content import Content
from workflows.draft_code import generated_module, module_of_version
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow, WorkflowVersion
from workflows.node_types.registered import types_for
from workflows.nodes.library.registry import registry

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

DRAFT: Final = "draft"
VIEW_WORKFLOW: Final = "workflows.view_workflow"
_KEY: Final = re.compile(r"(v|live-)([0-9]{1,9})")
_MAX_LISTED: Final = 200
_NOTE_LENGTH: Final = 40


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side: `key` is its name in an address, `write` generates its TypeScript.

    `label` is for use in a sentence, `title` in a heading.
    """

    key: str
    label: str
    title: str
    url: str
    content: Content
    write: Callable[[], str]

    @cached_property
    def source(self) -> str | None:
        """The TypeScript; None if it cannot be generated."""
        try:
            return self.write()
        except (InvalidIR, InvalidSettings, UnreadableSecret):
            return None


def side_of(workflow: Workflow, key: str, user: User | AnonymousUser) -> Side:
    """Return the side with a key such as "draft", "v3" or "live-1" (the id of a target).

    Raises Http404 if it does not exist, and PermissionDenied if the user may not see it.
    """
    if key == DRAFT:
        _require(user, VIEW_WORKFLOW)
        return draft_side(workflow)
    match = _KEY.fullmatch(key)
    if match is None:
        raise Http404("There is no such side.")
    kind, number = match[1], int(match[2])
    if kind == "v":
        version = workflow.versions.filter(number=number).first()
        if version is None:
            raise Http404("The workflow has no such version.")
        return version_side(version)
    _require(user, VIEW)
    live = _live(workflow, number)
    if live is None:
        raise Http404("Nothing is live on this target.")
    return live_side(live)


def _require(user: User | AnonymousUser, permission: str) -> None:
    if not user.has_perm(permission):
        raise PermissionDenied(permission)


def _live(workflow: Workflow, target: int) -> Deployment | None:
    exists = Target.objects.filter(pk=target).exists()
    return records.live(workflow.pk, target) if exists else None


def draft_side(workflow: Workflow) -> Side:
    return Side(
        key=DRAFT,
        label="the draft",
        title="Draft",
        url=workflow.get_absolute_url(),
        content=Content(**workflow.content, types=types_for(workflow.ir)),
        write=lambda: generated_module(workflow).source,
    )


def version_side(version: WorkflowVersion) -> Side:
    return Side(
        key=f"v{version.number}",
        label=f"v{version.number}",
        title=f"v{version.number}",
        url=reverse("deployments:version", args=[version.workflow_id, version.number]),
        content=Content(**version.content, types=types_for(version.ir)),
        write=lambda: module_of_version(version).source,
    )


def live_side(live: Deployment) -> Side:
    """Return what a deployment made live: its copy of the version, and the code that it generated."""
    return Side(
        key=f"live-{live.target_id}",
        label=f"v{live.version_number}, live on {live.target_name}",
        title=f"Live on {live.target_name} (v{live.version_number})",
        url=live.get_absolute_url(),
        content=live_content(live),
        write=lambda: live.source,
    )


def live_content(live: Deployment) -> Content:
    return Content(
        ir=live.ir,
        entry_code=live.entry_code,
        dependencies=live.dependencies,
        bindings=live.bindings,
        deploy_settings=live.deploy_settings,
        files=live.files,
        types=registry(live.node_types),
    )


def choices(workflow: Workflow, user: User | AnonymousUser) -> list[tuple[str, list[Choice]]]:
    """Return the sides that the user may choose, in groups."""
    drafts = [Choice(DRAFT, "Draft")] if user.has_perm(VIEW_WORKFLOW) else []
    groups = [
        ("Draft", drafts),
        ("Live", list(_live_choices(workflow)) if user.has_perm(VIEW) else []),
        ("Versions", list(_version_choices(workflow))),
    ]
    return [(title, found) for title, found in groups if found]


@dataclass(frozen=True, slots=True)
class Choice:
    """A side to choose, by its key."""

    key: str
    label: str


def _live_choices(workflow: Workflow) -> Iterator[Choice]:
    for worker in live_workers_of(workflow):
        if worker.live:
            number = worker.live.version_number
            yield Choice(f"live-{worker.target.pk}", f"Live on {worker.target.name} (v{number})")


def _version_choices(workflow: Workflow) -> Iterator[Choice]:
    rows: Any = workflow.versions.order_by("-number").values_list("number", "note")
    for number, note in rows[:_MAX_LISTED]:
        line = note.partition("\n")[0]
        short = line if len(line) <= _NOTE_LENGTH else f"{line[:_NOTE_LENGTH]}…"
        yield Choice(f"v{number}", f"v{number}: {short}" if short else f"v{number}")
