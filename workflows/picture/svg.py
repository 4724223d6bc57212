"""A layout as SVG. Colors and fonts come from the stylesheet.

The links in the SVG are for pointers only, because 200 tab stops would trap keyboard users.
Keyboards and screen readers use the outline, and the SVG is a single image to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_labels import label_of
from workflows.ir.document.step_policy import rollback_of
from workflows.picture.icons import icon_of, symbols
from workflows.picture.layout import Area, Layout, Line, SlotMark
from workflows.picture.markup import link, safe
from workflows.picture.paths import number, path
from workflows.picture.sizes import NODE_WIDTH, Tag
from workflows.picture.states import PLAIN, NodeState, State
from workflows.picture.text_width import NAME, SMALL, shortened

SHORT, TALL = 50, 70  # heights of nodes without and with a state
_TEXT_LEFT: Final = 46
_TEXT_WIDTH: Final = NODE_WIDTH - _TEXT_LEFT - 10
_CARET_WIDTH: Final = 16
_STACK: Final = (8, 4)  # how far the edges of the frames behind are seen
_REPLACE: Final = "Choose what happens here"
_UNDO: Final = "undo"
WITH_ROLLBACK: Final = "with a rollback"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is drawn; `uid` is the prefix of all ids, so that a page can have several pictures.

    `hints` are words that tell nodes apart, such as where they are in a file. An editable picture has a mark at each place where a node can be added. `placeholders` are nodes
    that the first added node replaces. `inside` are the nodes in each folded container. With
    `is_foldable`, containers have carets.
    """

    ir: WorkflowIR
    layout: Layout
    states: Mapping[str, NodeState]
    uid: str
    numbers: Mapping[str, int]
    is_editable: bool = False
    placeholders: Collection[str] = ()
    is_foldable: bool = False
    inside: Mapping[str, Collection[str]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)

    def additions(self, node_id: str) -> str:
        """Return what there is to know about a node beside its type: ", with a rollback"."""
        rollback = WITH_ROLLBACK if rollback_of(self.ir.nodes[node_id].settings) else ""
        return "".join(f", {words}" for words in (rollback, self.hints.get(node_id)) if words)

    def anchor(self, node_id: str) -> str:
        """Return the HTML id of a node's element; node ids may have characters that are invalid there."""
        return f"{self.uid}-{self.numbers[node_id]}"

    def state(self, node_id: str) -> NodeState:
        return self.states.get(node_id, PLAIN)

    @cached_property
    def inner_states(self) -> Mapping[str, Collection[State]]:
        """The states that the run has left inside each container."""
        structure, found = self.ir.structure, dict[str, set[State]]()
        for id_, node in self.states.items():
            if node.state.is_of_run and id_ in structure.locations:
                for region_id in structure.enclosing(structure.locations[id_][0]):
                    found.setdefault(structure.regions[region_id].owner, set()).add(node.state)
        return found


def draw(drawing: Drawing) -> str:
    """Return the SVG of the picture."""
    layout, uid = drawing.layout, drawing.uid
    role = "group" if _has_links(drawing) else "img"
    size = f'width="{number(layout.width)}" height="{number(layout.height)}"'
    box = f'viewBox="0 0 {number(layout.width)} {number(layout.height)}"'
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pic" role="{role}" {size} {box}'
            f' aria-labelledby="{uid}-title" aria-describedby="{uid}-desc">',
            f'<title id="{uid}-title">{safe(_title(drawing))}</title>',
            f'<desc id="{uid}-desc">{safe(_description(drawing))}</desc>',
            f"<defs>{_arrow(uid)}{symbols(_icons(drawing), uid=uid)}</defs>",
            *(_frame(drawing, id_, area) for id_, area in layout.frames.items()),
            *(_line(drawing, line) for line in layout.lines),
            _cap(drawing, *layout.start, icon="trigger"),
            _cap(drawing, *layout.end),
            *(_tag(drawing, tag, area) for tag, area in layout.tags),
            *_boxes(drawing),
            *(_slot(drawing, slot) for slot in layout.slots if drawing.is_editable),
            "</svg>",
        ]
    )


def _title(drawing: Drawing) -> str:
    return f"Picture of {drawing.ir.metadata.name}"


def _description(drawing: Drawing) -> str:
    """Describe the picture, and count the nodes by state."""
    nodes = len(drawing.ir.nodes)
    counts = Counter(drawing.state(id_).state for id_ in drawing.ir.nodes)
    parts = [f"{counts[state]} {state.label.lower()}" for state in State if counts[state] > 0]
    states = ", ".join(part for part in parts if not part.endswith(" "))
    size = f"{nodes} node{'' if nodes == 1 else 's'} from top to bottom"
    return f"{size}. {states + '. ' if states else ''}The outline has the same information as text."


def _arrow(uid: str) -> str:
    return (
        f'<marker id="{uid}-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="pic-head" d="M.5.5 7.5 4 .5 7.5z"/></marker>'
    )


def _icons(drawing: Drawing) -> Iterator[str]:
    yield from ("trigger", "link")
    for node in drawing.ir.nodes.values():
        yield icon_of(node)
        yield drawing.state(node.id).state.icon
        if rollback_of(node.settings):
            yield _UNDO


def _frame(drawing: Drawing, id_: str, area: Area) -> str:
    """Return a frame; that of parallel iterations looks like a stack."""
    state = drawing.state(id_).state
    kinds = f"pic-frame pic-frame-{area.depth % 2} pic-{state}"
    container = drawing.ir.nodes[id_].type.container
    is_stack = container is not None and container.repeats and container.concurrent
    shifts = (*_STACK, 0) if is_stack else (0,)
    areas = (replace(area, x=area.x + shift, y=area.y + shift) for shift in shifts)
    return "".join(f'<rect class="{kinds}" {_rect(each)} rx="12"/>' for each in areas)


def _line(drawing: Drawing, line: Line) -> str:
    kinds = ["pic-line"]
    if line.is_aside:
        kinds.append("pic-aside")
    if not is_taken(drawing, line):
        kinds.append("pic-faint")
    arrow = f' marker-end="url(#{drawing.uid}-arrow)"' if line.is_arrow else ""
    return f'<path class="{" ".join(kinds)}" d="{path(line.points)}"{arrow}/>'


def _has_links(drawing: Drawing) -> bool:
    """Return whether there are links, which are not reachable inside an image."""
    has_jumps = any(tag.node_id for tag, _ in drawing.layout.tags)
    return has_jumps or any(state.href for state in drawing.states.values())


def is_taken(drawing: Drawing, line: Line) -> bool:
    """Return whether the run may have gone along the line."""
    ends = (line.source, line.node_id, line.owner)
    if any(drawing.state(id_).state.is_untouched for id_ in ends):
        return False
    if line.is_empty:
        return not _is_passed_by(drawing, line.owner)
    if drawing.state(line.node_id).state is not State.PLAIN:
        return True
    source = drawing.state(line.source)
    return source.iterations > 1 or not source.state.holds_run


def _is_passed_by(drawing: Drawing, owner: str) -> bool:
    """Return whether the run has certainly not taken an arm without nodes, because it took another one.

    In a loop, each iteration may take another arm. The handler of an error only runs after one.
    """
    container, state = drawing.ir.nodes[owner].type.container, drawing.state(owner)
    if container is None or container.concurrent or state.iterations > 1:
        return False
    inside = drawing.inner_states.get(owner, ())
    return State.FAILED not in inside if container.sequential and inside else bool(inside)


def _cap(drawing: Drawing, tag: Tag, area: Area, *, icon: str = "") -> str:
    """Return the pill at which the run starts or ends."""
    half = number(area.height / 2)
    shift = 10 if icon else 0
    mark = _use(drawing.uid, icon, x=10, y=8, size=14) if icon else ""
    return (
        f'<g class="pic-cap" {_moved(area)}><title>{safe(tag.full)}</title>'
        f'<rect width="{number(area.width)}" height="{number(area.height)}" rx="{half}"/>{mark}'
        f'<text x="{number(area.width / 2 + shift)}" y="19" text-anchor="middle">{safe(tag.text)}</text></g>'
    )


def _tag(drawing: Drawing, tag: Tag, area: Area) -> str:
    """Return the name of a column, or a link to a node elsewhere in the picture."""
    shift = 9 if tag.node_id else 0
    text = (
        f'<rect width="{number(area.width)}" height="{number(area.height)}" rx="11"/>'
        f'<text x="{number(area.width / 2 + shift)}" y="15" text-anchor="middle">{safe(tag.text)}</text>'
    )
    if not tag.node_id:
        return f'<g class="pic-tag" {_moved(area)}><title>{safe(tag.full)}</title>{text}</g>'
    return (
        f'<a class="pic-tag pic-goes-on" {_moved(area)} tabindex="-1" href="#{drawing.anchor(tag.node_id)}">'
        f"<title>Continues at {safe(tag.full)}</title>{text}"
        f"{_use(drawing.uid, 'link', x=8, y=4, size=13)}</a>"
    )


def _slot(drawing: Drawing, slot: SlotMark) -> str:
    """Return the mark at which a node can be added; keyboards use the outline instead."""
    info = drawing.ir.structure.regions[slot.region]
    if slot.after:
        place = f'data-after="{safe(slot.after)}"'
    else:
        place = f'data-owner="{safe(info.owner)}" data-region="{info.index}"'
    return (
        f'<g class="pic-slot" {place} transform="translate({number(slot.x)} {number(slot.y)})">'
        '<circle class="pic-slot-area" r="16"/><circle r="7"/><path d="M-3.5 0h7M0-3.5v7"/></g>'
    )


def _boxes(drawing: Drawing) -> Iterator[str]:
    for id_, area in drawing.layout.boxes.items():
        yield _box(drawing, drawing.ir.nodes[id_], area)


def _box(drawing: Drawing, node: Node, area: Area) -> str:
    state, uid = drawing.state(node.id), drawing.uid
    href = link(state.href)
    has_caret = drawing.is_foldable and node.type.container is not None
    has_rollback = rollback_of(node.settings) is not None
    name_width = _TEXT_WIDTH - _CARET_WIDTH * (has_caret or has_rollback)
    name = shortened(node.name, name_width, size=NAME, is_bold=True)
    is_marked = bool(state.summary) and area.height == SHORT
    kind_width = _TEXT_WIDTH / 2 if is_marked else _TEXT_WIDTH
    is_placeholder = node.id in drawing.placeholders
    label = _REPLACE if is_placeholder else label_of(node) or node.type.title
    label = _words_inside(drawing, node) if node.id in drawing.inside else label
    kind = shortened(label, kind_width, size=SMALL)
    title = f"{node.name} ({node.type.title}){drawing.additions(node.id)}"
    title += f": {state.summary}" if state.summary else ""
    kinds = f"pic-node pic-{state.state}" + (" pic-custom" if node.type.custom else "")
    kinds += " pic-placeholder" if is_placeholder else ""
    kinds += " pic-folded" if node.id in drawing.inside else ""
    current = ' data-current=""' if state.state.is_active else ""
    inside = (
        f"<title>{safe(title)}</title>{_sheets(drawing, node, area)}"
        f'<rect class="pic-box" width="{NODE_WIDTH}" height="{number(area.height)}" rx="8"/>'
        f'<rect class="pic-tile" x="9" y="10" width="30" height="30" rx="7"/>'
        f"{_use(uid, icon_of(node), x=16, y=17, size=16)}"
        f'<text class="pic-name" x="{_TEXT_LEFT}" y="22">{safe(name)}</text>'
        f'<text class="pic-type" x="{_TEXT_LEFT}" y="38">{safe(kind)}</text>'
        f"{_state(state, uid, area)}{_caret(drawing, node)}{_undo(uid) if has_rollback else ''}"
    )
    tag = f'a{href} tabindex="-1"' if href else "g"
    return (
        f'<{tag} class="{kinds}" id="{drawing.anchor(node.id)}" data-node="{safe(node.id)}"{current} {_moved(area)}>'
        f"{inside}</{tag[0]}>"
    )


def _words_inside(drawing: Drawing, node: Node) -> str:
    count = sum(id_ not in drawing.placeholders for id_ in drawing.inside[node.id])
    return f"{count} node{'' if count == 1 else 's'} inside" if count else "nothing inside"


def _sheets(drawing: Drawing, node: Node, area: Area) -> str:
    """Return the edge of the sheet behind the box of a folded container."""
    if node.id not in drawing.inside:
        return ""
    size = f'width="{NODE_WIDTH - 12}" height="{number(area.height)}"'
    return f'<rect class="pic-sheet" x="6" y="5" {size} rx="8"/>'


def _caret(drawing: Drawing, node: Node) -> str:
    """Return the caret that folds a container, for pointers, and a mark for problems inside it."""
    if not drawing.is_foldable or node.type.container is None:
        return ""
    shape = "M-2-4 3 0-2 4" if node.id in drawing.inside else "M-4-2 0 3 4-2"
    return (
        f'<text class="pic-inner-problem" x="{NODE_WIDTH - 12}" y="38" text-anchor="end">\u2715</text>'
        f'<g class="pic-fold" transform="translate({NODE_WIDTH - 16} 16)">'
        f'<circle class="pic-fold-area" r="13"/><path d="{shape}"/></g>'
    )


def _undo(uid: str) -> str:
    """Return the mark of a node with a rollback."""
    return f'<g class="pic-undo">{_use(uid, _UNDO, x=NODE_WIDTH - 24, y=10, size=14)}</g>'


def _state(node: NodeState, uid: str, area: Area) -> str:
    """Return a state's icon and text: on a line of their own, or at the end of the type's line."""
    if not node.summary:
        return ""
    text = shortened(node.short_summary, _TEXT_WIDTH, size=SMALL)
    if area.height == TALL:
        icon = _state_icon(uid, node.state, x=16, y=47)
        label = f'<text class="pic-words" x="{_TEXT_LEFT}" y="58">{safe(text)}</text>'
    else:
        end = NODE_WIDTH - 12
        icon = _state_icon(uid, node.state, x=end - 15, y=26)
        label = (
            f'<text class="pic-words" x="{end - 20}" y="38" text-anchor="end">{safe(text)}</text>'
        )
    return f'<g class="{node.state.tone}">{icon}{label}</g>'


def _state_icon(uid: str, state: State, *, x: int, y: int) -> str:
    """Return the icon of a state; the rotating one turns around the origin of its own group."""
    if state is not State.RUNNING:
        return _use(uid, state.icon, x=x, y=y, size=15)
    ring = _use(uid, state.icon, x=-7.5, y=-7.5, size=15)
    return f'<g transform="translate({x + 7.5} {y + 7.5})"><g class="pic-ring">{ring}</g></g>'


def _use(uid: str, name: str, *, x: float, y: float, size: int) -> str:
    at = f'x="{x}" y="{y}" width="{size}" height="{size}"'
    return f'<use class="pic-icon" href="#{uid}-i-{name}" {at}/>'


def _moved(area: Area) -> str:
    return f'transform="translate({number(area.x)} {number(area.y)})"'


def _rect(area: Area) -> str:
    numbers = (area.x, area.y, area.width, area.height)
    return 'x="{}" y="{}" width="{}" height="{}"'.format(*map(number, numbers))
