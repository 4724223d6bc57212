"""The picture as a nested list, for keyboards and screen readers."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.ir.document.region_tree import Region, Step
from workflows.picture.labels import OTHERWISE, arm_label, has_else, trigger_label
from workflows.picture.markup import link, safe
from workflows.picture.svg import Drawing


def outline(drawing: Drawing) -> str:
    """Return the list as HTML."""
    root = drawing.ir.structure.root
    trigger = f"<li>{safe(trigger_label(drawing.ir.trigger))}</li>"
    return f"<ol>{trigger}{''.join(_steps(root, drawing))}<li>End</li></ol>"


def _steps(region: Region, drawing: Drawing) -> Iterator[str]:
    for step in region.steps:
        yield f"<li>{_node(step.node_id, drawing)}"
        yield from _regions(step, drawing)
        yield "</li>"
    if region.continues_at:
        yield f"<li>continues at {_name(region.continues_at, drawing)}</li>"


def _regions(step: Step, drawing: Drawing) -> Iterator[str]:
    node = drawing.ir.nodes[step.node_id]
    container = node.type.container
    if not step.regions or container is None:
        return
    if len(step.regions) == 1 and not arm_label(node, step.regions[0].label):
        yield "<ol>"
        yield from _steps(step.regions[0], drawing)
        yield "</ol>"
        return
    yield "<ul>"
    for region in step.regions:
        if region.steps or region.continues_at or region.label not in container.cleanup:
            yield from _region(arm_label(node, region.label) or "arm", region, drawing)
    if not has_else(node):
        yield f"<li>{OTHERWISE}: continues</li>"
    for region in step.shared:
        yield from _region("where arms meet", region, drawing)
    yield "</ul>"


def _region(label: str, region: Region, drawing: Drawing) -> Iterator[str]:
    if not region.steps and not region.continues_at:
        yield f"<li>{safe(label)}: continues</li>"
        return
    yield f"<li>{safe(label)}:<ol>"
    yield from _steps(region, drawing)
    yield "</ol></li>"


def _node(node_id: str, drawing: Drawing) -> str:
    node = drawing.state(node_id)
    about = drawing.ir.nodes[node_id].type.title + drawing.additions(node_id)
    kind = f' <span class="quiet">{safe(about)}</span>'
    state = f' <span class="{node.state.tone}">{safe(node.summary)}</span>' if node.summary else ""
    current = ' aria-current="step"' if node.state.is_active else ""
    return f"<span{current}>{_name(node_id, drawing)}{kind}{state}</span>"


def _name(node_id: str, drawing: Drawing) -> str:
    href = link(drawing.state(node_id).href)
    name = f"<bdi>{safe(drawing.ir.nodes[node_id].name)}</bdi>"
    return f"<a{href}>{name}</a>" if href else name
