"""The editor of a workflow: its page, and the parts of the page that an operation changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from django.db.models import F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from web.decorators import HttpRequest
from web.page_context import contributions
from workflows import drafts
from workflows.code_socket.address import socket_address
from workflows.codegen.analysis.node_names import variables_of
from workflows.codegen.analysis.sensitive_nodes import why_sensitive
from workflows.cron_words import describe_cron
from workflows.documentation.places import url_of
from workflows.editing.document.refusals import NotEditable
from workflows.editing.document.workbench import OpenDocument, Workbench
from workflows.editing.problem_places import sentence_in_text
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.step_policy import SENSITIVE
from workflows.ir.document.triggers import TRIGGER_TYPES, trigger_type_of
from workflows.ir.tree.scope_names import scope_names
from workflows.models import EnvironmentVariable, Workflow, WorkflowVersion
from workflows.node_forms.controls import NodeForm, Suggestion
from workflows.node_forms.form import node_form, trigger_form
from workflows.picture.drawing import render
from workflows.picture.icons import all_symbols
from workflows.picture.tree_view import ICONS, TreeView
from workflows.views.code_page import code_address, document_address
from workflows.views.palette import COMMANDS, KEYS, palette
from workflows.views.problem_list import ProblemList, problem_list

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PICTURE: Final = "editor"
_MAX_CHANGES: Final = 50
_MAX_SUGGESTIONS: Final = 1_000
CHECK: Final = "check"
"""The parameter that adds the draft's problems to the page, for browsers without scripts."""


@dataclass(frozen=True)
class EditorState:
    """The state of the editor: a draft, the selected node ("" for the trigger), and folded containers."""

    request: HttpRequest
    workflow: Workflow
    opened: OpenDocument
    selected: str
    folded: frozenset[str] = frozenset()

    @property
    def user(self) -> User:
        return cast("User", self.request.user)

    @cached_property
    def node(self) -> Node | None:
        return self.opened.draft.nodes.get(self.selected)

    @cached_property
    def may_change(self) -> bool:
        return self.user.has_perm("workflows.change_workflow") and not self.workflow.is_archived

    def outline(self) -> SafeString:
        """Return the items of the tree."""
        bench = Workbench(self.opened)
        view = TreeView(
            ir=self.opened.draft,
            selected=self.selected if self.node else "",
            placeholders=frozenset(filter(bench.is_placeholder, bench.nodes)),
        )
        return mark_safe(view.html())  # noqa: S308 - built with workflows.picture.markup

    def picture(self) -> SafeString:
        """Return the picture, or the reason why there is none."""
        added = contributions("editor_picture", self.request, {"workflow": self.workflow})
        drawn = render(
            self.opened.draft,
            added.get("node_states"),
            uid=PICTURE,
            is_editable=self.may_change,
            placeholders=Workbench(self.opened).empty_slots() if self.may_change else (),
            folded=self.folded,
        )
        return mark_safe(drawn.svg or f"<p>{drawn.message}</p>")  # noqa: S308 - as above

    def panel(self) -> str:
        """Return the form of the selected node, or of the trigger."""
        context = self._of_node(self.node) if self.node else self._of_trigger()
        context |= {
            "workflow": self.workflow,
            "selected": self.selected,
            "may_change": self.may_change,
            "palette": palette(self.opened.registry),
        }
        name = "node" if self.node else "trigger"
        return render_to_string(f"workflows/editor/_{name}.html", context, self.request)

    def _of_node(self, node: Node) -> dict[str, Any]:
        item = next(each for each in self.opened.document["nodes"] if each["id"] == node.id)
        container = node.type.container
        return {
            "node": node,
            "code_address": code_address(self.workflow.pk, node.id),
            "docs_url": url_of(node.type.docs, workflow=self.workflow.pk),
            "variable": variables_of(self.opened.draft)[node.id],
            "has_free_arms": container is not None
            and (container.labels is None or container.alternatives),
            "form": self._form(item, node.type),
        }

    def _form(self, item: dict[str, Any], type_: NodeType) -> NodeForm:
        return node_form(
            item,
            type_,
            problems=self.opened.parsed.problems,
            scope=scope_names(self.opened.draft, self.selected),
            set_variables=frozenset(self._variables),
            new_variable_url=self._new_variable_url(),
            suggestions=_documents,
            hints={SENSITIVE.name: why_sensitive(self.node, self._secrets)} if self.node else {},
        )

    @cached_property
    def _variables(self) -> dict[str, bool]:
        """Whether each variable is a secret; one of the workflow replaces the global one of its name."""
        of_both = EnvironmentVariable.objects.filter(Q(workflow=self.workflow) | Q(workflow=None))
        rows = of_both.order_by(F("workflow").asc(nulls_first=True))
        return dict(rows.values_list("name", "is_secret"))

    @property
    def _secrets(self) -> frozenset[str]:
        return frozenset(name for name, is_secret in self._variables.items() if is_secret)

    def _new_variable_url(self) -> str:
        if not self.user.has_perm("workflows.add_environmentvariable"):
            return ""
        address = reverse("admin:workflows_environmentvariable_add")
        return f"{address}?{urlencode({'workflow': self.workflow.pk, 'node': self.selected})}"

    def _of_trigger(self) -> dict[str, Any]:
        trigger = self.opened.document.get("trigger") or {"type": "manual"}
        type_ = trigger_type_of(trigger)
        return {
            "trigger_type": type_,
            "docs_url": url_of(type_.docs),
            "trigger_types": list(TRIGGER_TYPES.values()),
            "schedule": describe_cron(str(trigger.get("expression", "")), timezone.now()),
            "form": trigger_form(trigger, type_, problems=self.opened.parsed.problems),
        }

    def status(self) -> str:
        return status_html(
            self.request, self.workflow, place=("node", self.selected), may_change=self.may_change
        )

    def parts(self) -> dict[str, str]:
        """Return the HTML inside the parts of the page, by their ids."""
        return {
            "editor-outline": self.outline(),
            "editor-picture": self.picture(),
            "editor-panel": self.panel(),
            "editor-status": self.status(),
        }


def status_html(
    request: HttpRequest, workflow: Workflow, *, place: tuple[str, str], may_change: bool
) -> str:
    """Return what can be undone, and how the draft differs from the newest version.

    `place` is the parameter of what is selected, to which forms return.
    """
    user = cast("User", request.user)
    newest = workflow.versions.order_by("-number").first()
    context = {
        "workflow": workflow,
        "place_name": place[0],
        "place": place[1],
        "may_change": may_change,
        "undo": drafts.next_undo(workflow, user) if may_change else None,
        "redo": drafts.next_redo(workflow, user) if may_change else None,
        "unsaved": newest is None or not newest.has_content(workflow.content),
        "newest": newest,
        "next_number": newest.number + 1 if newest else 1,
        "last_change": workflow.draft_changes.defer("changes").first(),
        **_changes_since(workflow, newest),
    }
    return render_to_string("workflows/editor/_status.html", context, request)


def _changes_since(workflow: Workflow, newest: WorkflowVersion | None) -> dict[str, Any]:
    """Return the last changes since the newest version, newest first, and whether there are more."""
    changes = workflow.draft_changes.only("by_name", "created_at", "summary", "revision")
    if newest:
        changes = changes.filter(created_at__gt=newest.created_at)
    last = list(changes[: _MAX_CHANGES + 1])
    return {"changes": last[:_MAX_CHANGES], "has_more_changes": len(last) > _MAX_CHANGES}


def _documents(kind: str) -> list[Suggestion]:
    """Return the workflows or the scripts of this installation, by name."""
    is_script = Q(ir__kind=SCRIPT)
    is_workflow = ~is_script | Q(ir__kind__isnull=True)  # the default
    found = Workflow.objects.filter(is_script if kind == SCRIPT else is_workflow)
    rows = found.values_list("pk", "name")[:_MAX_SUGGESTIONS]
    return [Suggestion(id_, name) for id_, name in rows]


def problems_html(request: HttpRequest, found: ProblemList) -> SafeString:
    """Return the list of problems."""
    return render_to_string("workflows/editor/_problems.html", found.context, request)


def _problems(request: HttpRequest, workflow: Workflow) -> SafeString:
    may_change = cast("User", request.user).has_perm("workflows.change_workflow")
    return problems_html(request, problem_list(workflow, may_change=may_change))


def editor_context(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """Return the context of the editor's page.

    The node in the URL is selected. If the nodes of the draft do not form a tree, the context only
    contains its problems.
    """
    try:
        opened = drafts.open_draft(workflow)
    except NotEditable as error:
        return {
            "workflow": workflow,
            "graph_problems": [
                sentence_in_text(workflow.ir, problem) for problem in error.problems
            ],
            "repair": drafts.repair_of(workflow),
            "may_change": cast("User", request.user).has_perm("workflows.change_workflow"),
            "document_address": document_address(workflow.pk),
        }
    requested = request.GET.get("node", "")
    selected = requested if requested in opened.draft.nodes else ""
    state = EditorState(request, workflow, opened, selected)
    groups = palette(opened.registry)
    shown = {"workflow": workflow, "ir": opened.draft, "selected": selected}
    added = contributions("editor", request, shown)
    return {
        **added,
        "workflow": workflow,
        "may_change": state.may_change,
        "outline": state.outline(),
        "picture": state.picture(),
        "panel": mark_safe(state.panel()),  # noqa: S308 - a rendered template
        "status": mark_safe(state.status()),  # noqa: S308 - a rendered template
        "language_socket": socket_address(workflow.pk),
        "palette": groups,
        "wrappers": [type_ for group in groups for type_ in group.types if type_.container],
        "commands": [*COMMANDS, *added.get("commands", ())],
        "keys": KEYS,
        "icons": mark_safe(all_symbols(uid=ICONS)),  # noqa: S308 - has no text of users
        "problems": _problems(request, workflow) if CHECK in request.GET else "",
    }
