"""Saves what an import has prepared: as new workflows, or as the draft of an existing one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries, drafts
from workflows.documents.archive.content import WorkflowContent
from workflows.documents.archive.layout import with_ids
from workflows.exchange.candidates import Candidate, Preparation
from workflows.ir.reading.problems import InvalidIR, quoted
from workflows.models import DeclaredBinding, Workflow
from workflows.node_types.loading import save_types
from workflows.services import CheckedDraft, check_draft, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import User


ONLY_ONE: Final = "Only one workflow can replace a draft, but there are several."


class NotImported(Exception):
    """Nothing was imported; `problems` has all reasons."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class _New:
    """A workflow before it is saved, and its bindings."""

    draft: CheckedDraft
    bindings: Mapping[str, str]
    source: str

    @property
    def content(self) -> dict[str, Any]:
        """Everything that determines the code."""
        return {**self.draft.workflow.content, "bindings": dict(self.bindings)}


def import_new(
    preparation: Preparation, *, chosen: Collection[str] | None = None, by: Actor
) -> list[Workflow]:
    """Create a workflow from each candidate, or none; `chosen` are the sources of those to import.

    Raises NotImported with every reason.
    """
    candidates = [
        each for each in preparation.candidates if chosen is None or each.source in chosen
    ]
    _refuse(preparation, candidates)
    ids = {each.source: Workflow().pk for each in candidates}
    new = [_new(each, ids, preparation) for each in candidates]
    with transaction.atomic():
        _load_types(preparation, by=by)
        return [_saved(each, by=by) for each in new]


def _load_types(preparation: Preparation, *, by: Actor) -> None:
    """Load the node types in the transaction of the import; raises NotImported."""
    outcomes = save_types(preparation.types, by=by.name)
    refused = [str(problem) for each in outcomes for problem in each.problems if problem.is_error]
    if refused:
        raise NotImported(refused)


def _refuse(preparation: Preparation, candidates: Sequence[Candidate]) -> None:
    """Raise NotImported if something prevents the import of these candidates."""
    problems = list(preparation.problems)
    if not candidates and not problems:
        problems.append("Choose at least one workflow.")
    sources = {each.source for each in candidates}
    for each in candidates:
        problems += [f"{each.source}: {problem}" for problem in each.errors]
        for folder in each.content.calls.values() if each.content else ():
            if folder not in sources:
                problems.append(f"{each.source} calls {quoted(folder)}: choose both or neither.")
    if problems:
        raise NotImported(list(dict.fromkeys(problems)))


def _new(candidate: Candidate, ids: Mapping[str, str], preparation: Preparation) -> _New:
    """Return the workflow of a candidate, whose draft is checked; raises NotImported."""
    content = candidate.content or WorkflowContent(name="", description="", document=None)
    workflow = Workflow(
        pk=ids[candidate.source],
        name=content.name,
        description=content.description,
        ir=with_ids(content, ids),
        entry_code=content.entry_code,
        dependencies=dict(content.dependencies),
        deploy_settings=dict(content.deploy_settings),
        tests=list(content.tests),
    )
    try:
        draft = check_draft(workflow, preparation.more_types)
        return _New(draft, content.bindings, candidate.source)
    except InvalidIR as invalid:
        reasons = [f"{candidate.source}: {problem}" for problem in invalid.problems]
        raise NotImported(reasons) from None


def _saved(new: _New, *, by: Actor) -> Workflow:
    workflow = new.draft.workflow
    workflow.save(force_insert=True)
    DeclaredBinding.objects.bulk_create(
        DeclaredBinding(workflow=workflow, name=name, kind=kind)
        for name, kind in new.bindings.items()
    )
    version = save_checked(new.draft, by=by.user)
    audit_entries.record_version("workflow imported", version, by=by, source=new.source)
    return workflow


def import_into(
    workflow: Workflow, preparation: Preparation, *, revision: int, by: User
) -> drafts.Changed:
    """Replace the draft with the only candidate, in one change that can be undone.

    Raises NotImported, and what `drafts.replace_draft` raises.
    """
    candidates = preparation.candidates
    if len(candidates) > 1:
        raise NotImported([ONLY_ONE])
    _refuse(preparation, candidates)
    (candidate,) = candidates
    content = _new(candidate, {candidate.source: workflow.pk}, preparation).content
    with transaction.atomic():
        _load_types(preparation, by=Actor.of(by))
        changed = drafts.replace_draft(
            workflow.pk,
            content,
            revision=revision,
            summary=f"Imported {candidate.source}",
            by=by,
        )
        if changed.summary:
            source = {"source": candidate.source, "revision": changed.revision}
            audit_entries.record_workflow("workflow imported", workflow, by=Actor.of(by), **source)
    return changed
