"""Drafts from the database, for the language server."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Q

from audit.encrypted_fields import UnreadableSecret
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.language_server.draft_module import DraftModule, draft_module
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.session import Session, Unavailable
from workflows.models import DeclaredBinding, EnvironmentVariable, Workflow
from workflows.node_types.registered import types_for
from workflows.scratch_folders import scratch_folder
from workflows.services import Variable, effective_variables

POOL = Pool(limit=lambda: settings.AWAITSTEP.language_servers)
"""The language servers of this process."""


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """The draft of a workflow as it is saved now."""

    workflow_id: str

    async def revision(self) -> str:
        """Return a text that changes with the draft, its bindings and the variables."""
        return str(await database_sync_to_async(self._revision)())

    async def load(self) -> DraftModule:
        """Return the module of the draft; raises Unavailable if there is none."""
        draft: DraftModule = await database_sync_to_async(self._load)()
        return draft

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

    def _load(self) -> DraftModule:
        workflow = Workflow.objects.filter(pk=self.workflow_id).first()
        if workflow is None:
            raise Unavailable
        try:
            module = module_settings(workflow, _variables(workflow))
        except ValueError:  # settings that were not stored by the form
            raise Unavailable from None
        return draft_module(workflow.ir, module, types_for(workflow.ir))


def _variables(workflow: Workflow) -> dict[str, Variable]:
    """Return the variables, whose names are needed; without an encryption key, there are none."""
    try:
        return effective_variables(workflow)
    except UnreadableSecret:
        return {}


def new_session(workflow_id: str, pool: Pool) -> Session:
    """Return a session for the draft of a workflow, without a server yet."""

    def open_folder(files: ExitStack) -> Path:
        return files.enter_context(scratch_folder("language"))

    return Session(
        drafts=SavedDraft(workflow_id),
        open_folder=open_folder,
        admit=pool.make_room,
        clock=pool.clock,
        threads=pool.threads,
    )
