"""The outline of the editor: an ARIA tree with an item for each node and each arm.

Items have the data that the page's script needs: the node, or the owner and index of a region, and
the slot after the item. Everything is accessible by keyboard; the buttons are for pointers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_labels import label_of
from workflows.ir.document.region_tree import Region, Step
from workflows.ir.document.step_policy import rollback_of
from workflows.ir.reading.fields import Code, Text
from workflows.nodes import branch
from workflows.picture.icons import icon_of
from workflows.picture.labels import arm_label, trigger_label
from workflows.picture.markup import safe
from workflows.picture.svg import WITH_ROLLBACK

_MAX_SEARCHED: Final = 2_000
ICONS: Final = "editor"
"""The prefix of the icons' ids; the icons are elsewhere on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeView:
    """A document with its selected node ("" for the trigger) and its placeholders."""

    ir: WorkflowIR
    selected: str
    placeholders: Collection[str]

    def html(self) -> str:
        """Return the items of the tree."""
        label = trigger_label(self.ir.trigger)
        trigger = _item(
            'id="outline-trigger" data-trigger data-owner="" data-region="0"'
            f"{_selection(is_selected=not self.selected)}",
            level=1,
            row=_Row(icon="trigger", name="Trigger", detail=label, add="start"),
        )
        return "".join([trigger, *self._steps(self.ir.structure.root, level=1)])

    def _steps(self, region: Region, *, level: int) -> Iterator[str]:
        for step in region.steps:
            yield from self._step(step, level=level)
        if region.continues_at:
            name = self.ir.nodes[region.continues_at].name
            yield _item(
                f'data-leads-to="{safe(region.continues_at)}"{_selection(is_selected=False)}',
                level=level,
                row=_Row(icon="link", name=f"continues at {name}"),
            )

    def _step(self, step: Step, *, level: int) -> Iterator[str]:
        node = self.ir.nodes[step.node_id]
        is_placeholder = node.id in self.placeholders
        about = "" if is_placeholder else label_of(node)
        attributes = (
            f'id="outline-node-{safe(node.id)}" data-node="{safe(node.id)}" data-after="{safe(node.id)}"'
            f' data-text="{safe(_searchable(node))}"'
            f"{_selection(is_selected=node.id == self.selected)}"
        )
        if node.type.container:
            attributes += f' data-container="{safe(node.type.name)}"'
        yield _item(
            attributes,
            level=level,
            row=_Row(
                icon=icon_of(node),
                name=node.name,
                detail=about or node.type.title,
                more=(
                    *((node.type.title,) if about else ()),
                    *((WITH_ROLLBACK,) if rollback_of(node.settings) else ()),
                ),
                add="after",
            ),
            group=f"outline-in-{safe(node.id)}" if node.type.container else "",
            inner="".join(self._regions(node, step, level=level + 1)),
            kinds=" is-placeholder" if is_placeholder else "",
        )

    def _regions(self, node: Node, step: Step, *, level: int) -> Iterator[str]:
        for index, region in enumerate((*step.regions, *step.shared)):
            is_shared = index >= len(step.regions)
            key = f"{safe(node.id)}-{index}"
            yield _item(
                f'id="outline-arm-{key}" data-owner="{safe(node.id)}" data-region="{index}"'
                f"{_selection(is_selected=False)}",
                level=level,
                row=_Row(
                    name="Where arms meet" if is_shared else arm_name(node, region.label, index),
                    detail="" if is_shared else _condition(node, index),
                    more=("arm",) if region.steps else ("arm", "empty"),
                    add="start",
                ),
                group=f"outline-in-arm-{key}",
                inner="".join(self._steps(region, level=level + 1)),
                kinds=" outline-arm" + ("" if region.steps else " is-empty"),
            )


_FOLD: Final = '<span class="outline-fold" aria-hidden="true"></span>'
"""The caret that folds an item, for pointers; keyboards use the arrow keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The content of an item: an icon, a name and a detail; `more` is only for screen readers.

    `add` is where its button adds a node: after the item, or at the start inside it.
    """

    name: str
    icon: str = ""
    detail: str = ""
    more: tuple[str, ...] = ()
    add: str = ""

    @property
    def label(self) -> str:
        """The name for screen readers, which starts with the visible text."""
        visible = f"{self.name} {self.detail}".strip()
        return ", ".join([visible, *self.more])

    def html(self) -> str:
        use = f'<use href="#{ICONS}-i-{self.icon}"/>' if self.icon else ""
        icon = f'<svg class="outline-icon" aria-hidden="true">{use}</svg>' if use else ""
        about = f' <span class="outline-about">{safe(self.detail)}</span>' if self.detail else ""
        add = (
            f'<button type="button" class="outline-add" data-add="{self.add}" tabindex="-1"'
            ' aria-hidden="true"></button>'
            if self.add
            else ""
        )
        return f'{icon}<span class="outline-name"><bdi>{safe(self.name)}</bdi></span>{about}{add}'


def arm_name(node: Node, label: str, index: int) -> str:
    """Return the name of an arm: its label, or its number."""
    return arm_label(node, label) or f"{index + 1}"


def _condition(node: Node, index: int) -> str:
    if not isinstance(node.settings, branch.Settings) or index >= len(node.settings.arms):
        return ""
    condition = node.settings.arms[index].condition
    return condition.source.strip() if condition else "otherwise"


def _searchable(node: Node) -> str:
    """Return the start of the texts in a node's settings, for the search."""
    texts = [field.source for field in node.fields if isinstance(field, Code | Text)]
    return " ".join(" ".join(texts)[:_MAX_SEARCHED].split())


def _selection(*, is_selected: bool) -> str:
    """Return the attributes of an item that can be selected; Tab reaches only the selected one."""
    return f' aria-selected="{str(is_selected).lower()}" tabindex="{0 if is_selected else -1}"'


def _item(
    attributes: str, *, level: int, row: _Row, group: str = "", inner: str = "", kinds: str = ""
) -> str:
    """Return an item; `group` is the id of the list of its children, "" if it cannot have any."""
    expanded = f' aria-expanded="true" aria-owns="{group}"' if group else ""
    fold = _FOLD if inner else ""
    inside = f'<ul role="group" id="{group}">{inner}</ul>' if group else ""
    return (
        f'<li role="none" class="outline-item{kinds}">'
        f'<div role="treeitem" class="outline-row" aria-level="{level}" {attributes}{expanded}'
        f' aria-label="{safe(row.label)}">{fold}{row.html()}</div>{inside}</li>'
    )
