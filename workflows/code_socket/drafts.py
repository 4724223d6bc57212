"""Drafts from the database, for the language server."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Q

from audit.encrypted_fields import UnreadableSecret
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.language_server.draft_module import DraftModule, draft_module
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.project_addresses import FILES
from workflows.compilation.language_server.project_session import ProjectSession
from workflows.compilation.language_server.protocol import Editor
from workflows.compilation.language_server.server_session import Unavailable
from workflows.compilation.language_server.session import Session
from workflows.compilation.project_folder import ProjectSource
from workflows.documents.projects.checked_source import checked_source
from workflows.documents.projects.config import read_config
from workflows.documents.projects.files import check_files
from workflows.models import DeclaredBinding, EnvironmentVariable, Workflow
from workflows.node_types.registered import types_for
from workflows.scratch_folders import scratch_folder
from workflows.services import Variable, effective_variables

POOL = Pool(limit=lambda: settings.AWAITSTEP.language_servers)
"""The language servers of this process."""


@dataclass(frozen=True)
class _Saved:
    """The draft of a workflow as it is saved now."""

    workflow_id: str

    async def revision(self) -> str:
        """Return a text that changes with the draft, its bindings and the variables."""
        return str(await database_sync_to_async(self._revision)())

    def _revision(self) -> str:
        own = Q(workflow=self.workflow_id)
        draft = Workflow.objects.filter(pk=self.workflow_id)
        variables = EnvironmentVariable.objects.filter(own | Q(workflow=None))
        bindings = DeclaredBinding.objects.filter(own)
        rows = [
            *draft.values_list("draft_revision", "updated_at", "class_name"),
            *variables.order_by("pk").values_list("pk", "updated_at"),
            *bindings.order_by("pk").values_list("pk", "name", "kind"),
        ]
        return sha256(repr(rows).encode()).hexdigest()


class SavedDraft(_Saved):
    """The draft of a workflow with nodes."""

    async def load(self) -> DraftModule:
        """Return the module of the draft; raises Unavailable if there is none."""
        draft: DraftModule = await database_sync_to_async(self._load)()
        return draft

    def _load(self) -> DraftModule:
        workflow = _workflow(self.workflow_id)
        try:
            module = module_settings(workflow, _variables(workflow))
        except ValueError:  # settings that were not stored by the form
            raise Unavailable from None
        return draft_module(workflow.ir, module, types_for(workflow.ir))


class SavedProject(_Saved):
    """The draft of a project."""

    async def load(self) -> ProjectSource:
        """Return the files of the draft and the types of its env; raises Unavailable."""
        source: ProjectSource = await database_sync_to_async(self._load)()
        return source

    def _load(self) -> ProjectSource:
        workflow = _workflow(self.workflow_id)
        if check_files(workflow.files):  # files that were not stored by the editor
            raise Unavailable
        config, names = read_config(workflow.files), sorted(_variables(workflow))
        return checked_source(workflow.files, config, names)


def _workflow(workflow_id: str) -> Workflow:
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    if workflow is None:
        raise Unavailable
    return workflow


def _variables(workflow: Workflow) -> dict[str, Variable]:
    """Return the variables, whose names are needed; without an encryption key, there are none."""
    try:
        return effective_variables(workflow)
    except UnreadableSecret:
        return {}


def new_session(workflow_id: str, pool: Pool) -> Session:
    """Return a session for the draft of a workflow with nodes, without a server yet."""
    return Session(drafts=SavedDraft(workflow_id), **_shared(pool))


def new_project_session(workflow_id: str, pool: Pool) -> ProjectSession:
    """Return a session for the draft of a project, without a server yet."""
    return ProjectSession(drafts=SavedProject(workflow_id), **_shared(pool))


def _shared(pool: Pool) -> dict[str, Any]:
    """Return what all sessions of the pool have in common."""
    return {
        "open_folder": _open_folder,
        "admit": pool.make_room,
        "clock": pool.clock,
        "threads": pool.threads,
    }


def _open_folder(files: ExitStack) -> Path:
    folder: Path = files.enter_context(scratch_folder("language"))
    return folder


def enter(workflow_id: str, *, is_project: bool, author: object) -> Editor:
    """Return an editor of the draft for a page, which leaves the pool when the page closes."""
    if is_project:
        project = POOL.enter(workflow_id, partial(new_project_session, workflow_id))
        return Editor(project, author, documents=FILES)
    return Editor(POOL.enter(workflow_id, partial(new_session, workflow_id)), author)
