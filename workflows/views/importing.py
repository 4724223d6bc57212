"""The import: files or text, a preview of what they would do, and what was imported."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from audit.trail import Actor
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.documents.archive.zip_files import MAX_ARCHIVE
from workflows.documents.awaitstep.rewrites import Rewrite
from workflows.drafts import ChangedMeanwhile
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.problem_places import sentence_in_text
from workflows.exchange.candidates import PASTED, Candidate, Preparation, Upload, prepare
from workflows.exchange.imports import NotImported, import_into, import_new
from workflows.ir.reading.problems import Problem
from workflows.models import Workflow
from workflows.node_types.registered import types_for
from workflows.picture.drawing import Picture, picture_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADD: Final = "workflows.add_workflow"
CHANGE: Final = "workflows.change_workflow"
VIEW: Final = "workflows.view_workflow"
ADD_TYPE: Final = "workflows.add_nodetype"
_MAX_SHOWN: Final = 200
_MAX_PICTURES: Final = 20
_MAX_DRAWN: Final = 500  # nodes in one picture
_MAX_NAME: Final = 100
_DIGITS: Final = 10
_DAMAGED: Final = "The files for the preview were not received completely. Choose them again."
_NO_TREE: Final = "The nodes of this document are not connected in a way that can run."


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(ADD, CHANGE)
def import_page(request: HttpRequest) -> HttpResponse:
    """Ask for files, show a preview of the import, and import them after a confirmation.

    The parameter `workflow` is the workflow whose draft is replaced. The preview contains the files, so
    nothing is stored before the confirmation.
    """
    form = _Form(request)
    form.check_permission()
    if request.method != "POST" or "change" in request.POST:
        return _asked(form)
    uploads = list(_unique(form.uploads()))
    if "confirm" not in request.POST:
        return _preview(form, uploads)
    preparation = form.prepared(uploads, checks_code=False)  # the preview has checked it
    try:
        return _imported(form, preparation)
    except NotImported as refused:
        return _preview(form, uploads, refused.problems)
    except (Refused, ChangedMeanwhile) as refused:
        return _preview(form, uploads, [str(refused)])
    except NotEditable:
        return _preview(form, uploads, [_NO_TREE])


@dataclass(frozen=True, slots=True)
class _Form:
    """What was posted, and the workflow whose draft is replaced."""

    request: HttpRequest

    @property
    def user(self) -> User:
        return cast("User", self.request.user)

    @property
    def into(self) -> Workflow | None:
        values = self.request.POST if self.request.method == "POST" else self.request.GET
        pk = values.get("workflow", "")
        return get_object_or_404(Workflow, pk=pk) if pk else None

    def check_permission(self) -> None:
        """Raise PermissionDenied if the user cannot do this kind of import."""
        permission = CHANGE if self.into else ADD
        if not self.user.has_perm(permission):
            raise PermissionDenied(permission)

    @property
    def entry_code(self) -> str | None:
        """The entry code; None if the field was left empty."""
        text = self.request.POST.get("entry_code", "").replace("\r\n", "\n")
        return text if text.strip() else None

    @property
    def revision(self) -> int:
        text = self.request.POST.get("revision", "")
        is_number = 0 < len(text) < _DIGITS and text.isascii() and text.isdigit()
        return int(text) if is_number else 0

    @property
    def pasted(self) -> str:
        """The text that was pasted, including in a preview."""
        pasted = (each.data for each in self.uploads() if each.name == PASTED)
        return next(pasted, b"").decode("utf-8", "replace")

    def uploads(self) -> Iterator[Upload]:
        """Yield the pasted text and the files, those of a preview again."""
        posted, files = self.request.POST, self.request.FILES
        if text := posted.get("text", "").strip():
            yield Upload(name=PASTED, data=text.encode("utf-8", "surrogatepass"))
        for file in files.getlist("files"):
            yield Upload(name=str(file.name), data=file.read(MAX_ARCHIVE + 1))
        for name, data in zip(posted.getlist("name"), posted.getlist("data"), strict=False):
            try:
                yield Upload(name=name, data=base64.b64decode(data, validate=True))
            except (binascii.Error, ValueError):
                yield Upload(name=name, data=_DAMAGED.encode())

    def prepared(self, uploads: list[Upload], *, checks_code: bool = True) -> Preparation:
        """Return what the import of these files would do."""
        return prepare(
            uploads,
            entry_code=self.entry_code,
            into=self.into,
            may_load_types=self.user.has_perm(ADD_TYPE),
            checks_code=checks_code,
        )


def _unique(uploads: Iterable[Upload]) -> Iterator[Upload]:
    """Yield the uploads, each with a name of its own."""
    names: set[str] = set()
    for upload in uploads:
        base = name = upload.name[-_MAX_NAME:]
        number = 1
        while name in names:
            number += 1
            name = f"{base} ({number})"
        names.add(name)
        yield Upload(name=name, data=upload.data)


def _asked(form: _Form, problems: Iterable[str] = ()) -> HttpResponse:
    imported = form.request.GET.getlist("imported")
    context = {
        "title": f"Import into {form.into.name}" if form.into else "Import workflows",
        "workflow": form.into,
        "problems": _first(list(problems)),
        "text": form.pasted,
        "entry_code": form.entry_code or "",
        "imported": Workflow.objects.filter(pk__in=imported).only("pk", "name") if imported else [],
    }
    return page(form.request, "workflows/exchange/import", context)


def _preview(form: _Form, uploads: list[Upload], problems: Iterable[str] = ()) -> HttpResponse:
    """Show what would be imported, or ask again if there is nothing."""
    preparation = form.prepared(uploads)
    if not preparation.candidates:
        return _asked(form, preparation.problems)
    candidates = [
        _shown(candidate, at, preparation, chosen=form.request.POST.getlist("chosen"))
        for at, candidate in enumerate(preparation.candidates)
    ]
    reasons = dict.fromkeys([*preparation.problems, *problems])
    context = {
        "title": "Check the import",
        "workflow": form.into,
        "revision": form.revision or (form.into.draft_revision if form.into else 0),
        "problems": _first(list(reasons)),
        "candidates": candidates,
        "has_errors": any(not each["candidate"].can_be_imported for each in candidates),
        "can_import": not preparation.problems
        and any(each["candidate"].can_be_imported for each in candidates),
        "types": preparation.new_types,
        "entry_code": form.entry_code or "",
        "is_pasted": any(each.name == PASTED for each in uploads),
        "files": [
            {"name": each.name, "data": base64.b64encode(each.data).decode()} for each in uploads
        ],
    }
    return page(form.request, "workflows/exchange/preview", context)


def _shown(
    candidate: Candidate, at: int, preparation: Preparation, *, chosen: list[str]
) -> dict[str, Any]:
    """Return the template's data for a candidate."""
    document = candidate.content.document if candidate.content else None
    is_drawn = at < _MAX_PICTURES and candidate.node_count <= _MAX_DRAWN
    drawn = _picture(document, preparation, uid=f"import-{at}") if is_drawn else None
    is_chosen = not chosen or candidate.source in chosen
    return {
        "candidate": candidate,
        "chosen": is_chosen and candidate.can_be_imported,
        "picture": drawn.svg if drawn and candidate.content else "",
        "errors": _sentences(document, candidate.errors),
        "deploy_errors": _sentences(document, candidate.deploy_errors),
        "warnings": _sentences(document, candidate.warnings),
        "rewrites": [_row(document, rewrite) for rewrite in candidate.rewrites[:_MAX_SHOWN]],
        "more_rewrites": len(candidate.rewrites) - _MAX_SHOWN,
    }


def _picture(document: Any, preparation: Preparation, *, uid: str) -> Picture:
    """Draw a document with the node types that the import would load."""
    return picture_of(document, types_for(document, preparation.more_types), uid=uid)


def _sentences(document: Any, problems: tuple[Problem, ...]) -> list[str]:
    shown = [sentence_in_text(document, problem) for problem in problems[:_MAX_SHOWN]]
    return _first(shown, total=len(problems))


def _first(sentences: list[str], *, total: int = 0) -> list[str]:
    """Return the first sentences, and how many more there are."""
    more = max(total, len(sentences)) - _MAX_SHOWN
    return [*sentences[:_MAX_SHOWN], f"and {more} more"] if more > 0 else sentences


def _row(document: Any, rewrite: Rewrite) -> dict[str, str]:
    """Return where something is changed, and the texts before and after."""
    place = Problem(path=rewrite.path, message="", node_id=rewrite.node_id)
    where = sentence_in_text(document, place).rstrip(": ")
    return {"where": where, "before": rewrite.before, "after": rewrite.after}


def _imported(form: _Form, preparation: Preparation) -> HttpResponse:
    if form.into:
        changed = import_into(form.into, preparation, revision=form.revision, by=form.user)
        text = "The draft was replaced. You can undo this in the editor."
        messages.success(
            form.request, text if changed.summary else "The draft is already the same."
        )
        return redirect(form.into.get_absolute_url())
    chosen = form.request.POST.getlist("chosen")
    if len(preparation.candidates) == 1:
        chosen = [preparation.candidates[0].source]
    workflows = import_new(preparation, chosen=chosen, by=Actor.of(form.user))
    if len(workflows) == 1:
        messages.success(form.request, f"{workflows[0].name} was imported.")
        return redirect(workflows[0].get_absolute_url())
    messages.success(form.request, f"{len(workflows)} workflows were imported.")
    ids = [("imported", workflow.pk) for workflow in workflows]
    return redirect(f"{reverse('workflows:import')}?{urlencode(ids)}")
