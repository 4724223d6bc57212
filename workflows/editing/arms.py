"""Operations on the arms of containers."""

from __future__ import annotations

from typing import Any

from toolchain.invisible_characters import invisible_problem
from workflows.editing.arguments import Arguments
from workflows.editing.document.refusals import Refused
from workflows.editing.document.tree import Block, Region, ids_in
from workflows.editing.document.workbench import Workbench
from workflows.editing.outcome import ARMS, Outcome
from workflows.ir.reading.problems import quoted
from workflows.ir.tree.flow import THEN
from workflows.nodes import branch


def add_arm(bench: Workbench, arguments: Arguments) -> Outcome:
    """Add an arm to `node`: before the else arm of a branch, otherwise at the end."""
    node_id = arguments.text("node")
    block = _with_free_arms(bench, node_id)
    label = arguments.text("label", "")
    if _is_branch(bench, node_id):
        label = label or _free_label(block)
        _refuse_label(bench, block, label)
        arms = bench.nodes[node_id]["data"]["branches"]
        has_else = bool(arms) and not str(arms[-1].get("condition") or "").strip()
        index = len(arms) - 1 if has_else else len(arms)
        condition = arguments.text("condition", "false")
        _set_arms(
            bench, node_id, [*arms[:index], {"label": label, "condition": condition}, *arms[index:]]
        )
        block.regions.insert(index, Region(label=label))
    else:
        if label:
            _refuse_label(bench, block, label)
        block.regions.append(Region(label=label, blocks=[bench.placeholder()]))
    return Outcome(
        summary=f"Added an arm to {bench.called(node_id)}",
        touched=((node_id, ARMS),),
        selected=node_id,
    )


def remove_arm(bench: Workbench, arguments: Arguments) -> Outcome:
    """Remove the arm `region` of `node`, with everything inside it."""
    node_id, index = arguments.text("node"), arguments.index("region")
    block = _with_free_arms(bench, node_id)
    arm = _arm(bench, block, index)
    if len(block.regions) == 1:
        raise Refused(
            f"{bench.called(node_id)} needs at least one arm. Delete the node, or unwrap it.",
            node_id=node_id,
        )
    removed = [id_ for inner in arm.blocks for id_ in ids_in(inner)]
    block.regions.remove(arm)
    for inner in arm.blocks:
        bench.forget(inner)
    if _is_branch(bench, node_id):
        arms = bench.nodes[node_id]["data"]["branches"]
        _set_arms(bench, node_id, [*arms[:index], *arms[index + 1 :]])
    return Outcome(
        summary=f"Removed an arm of {bench.called(node_id)}",
        touched=((node_id, ARMS), *((id_, "") for id_ in removed)),
        selected=node_id,
    )


def move_arm(bench: Workbench, arguments: Arguments) -> Outcome:
    """Move the arm `region` of `node` to the index `to`: the first true arm of a branch runs."""
    node_id, index, to = arguments.text("node"), arguments.index("region"), arguments.index("to")
    block = _with_free_arms(bench, node_id)
    arm = _arm(bench, block, index)
    _arm(bench, block, to)
    block.regions.remove(arm)
    block.regions.insert(to, arm)
    if _is_branch(bench, node_id):
        arms = list(bench.nodes[node_id]["data"]["branches"])
        arms.insert(to, arms.pop(index))
        _set_arms(bench, node_id, arms)
    return Outcome(
        summary=f"Moved an arm of {bench.called(node_id)}",
        touched=((node_id, ARMS),),
        selected=node_id,
    )


def rename_arm(bench: Workbench, arguments: Arguments) -> Outcome:
    """Give the arm `region` of `node` another `label`."""
    node_id, index, label = (
        arguments.text("node"),
        arguments.index("region"),
        arguments.text("label"),
    )
    block = _with_free_arms(bench, node_id)
    arm = _arm(bench, block, index)
    if label != arm.label:
        _refuse_label(bench, block, label)
    arm.label = label
    if _is_branch(bench, node_id):
        arms = list(bench.nodes[node_id]["data"]["branches"])
        arms[index] = {**arms[index], "label": label}
        _set_arms(bench, node_id, arms)
    return Outcome(
        summary=f"Renamed an arm of {bench.called(node_id)}",
        touched=((node_id, ARMS),),
        selected=node_id,
    )


def set_arms(bench: Workbench, node_id: str, arms: list[Any]) -> None:
    """Replace the arms of a branch; arms that keep their label, or are renamed, keep their nodes.

    Raises Refused if an arm that is not empty would be removed.
    """
    block = _with_free_arms(bench, node_id)
    labels = labels_of_arms(arms, node_id)
    kept, by_label = set(labels), {region.label: region for region in block.regions}
    regions = []
    for index, label in enumerate(labels):
        known = by_label.get(label)
        at_index = block.regions[index] if index < len(block.regions) else None
        if known is None and at_index is not None and at_index.label not in kept:
            known = at_index
        regions.append(known or Region())
        regions[-1].label = label
    stays = set(regions)
    removed = [region for region in block.regions if region not in stays]
    if any(region.blocks or region.next for region in removed):
        raise Refused(
            "An arm with nodes cannot be removed here. Delete it in the outline.", node_id=node_id
        )
    block.regions = regions
    _set_arms(bench, node_id, arms)


def labels_of_arms(arms: object, node_id: str) -> list[str]:
    """Return the labels of the arms in a branch's settings; raises Refused if they are unusable."""
    labels: list[str] = []
    for arm in arms if isinstance(arms, list) else ():
        label = arm.get("label") if isinstance(arm, dict) else None
        if not isinstance(label, str) or not label or label == THEN:
            raise Refused(f"{quoted(label)} cannot be the label of an arm.", node_id=node_id)
        labels.append(label)
    if not labels or len(set(labels)) < len(labels):
        raise Refused("Each arm needs a different label.", node_id=node_id)
    return labels


def reconnect(bench: Workbench, arguments: Arguments) -> Outcome:
    """Let the arm `region` of `node` continue at `target`, a node in another arm; "" disconnects it."""
    node_id, index = arguments.text("node"), arguments.index("region")
    target = arguments.text("target", "")
    block = bench.container(node_id)
    container = bench.types[node_id].container
    if container is None or not container.alternatives:
        raise Refused(
            "Only the arms of a branch can lead to a node in another arm.", node_id=node_id
        )
    arm = bench.region(node_id, index)
    arm.next = _shared_from(bench, block, arm, target) if target else None
    return Outcome(
        summary=f"Reconnected an arm of {bench.called(node_id)}",
        touched=((node_id, ARMS), *([(target, "")] if target else [])),
        selected=node_id,
    )


def _shared_from(bench: Workbench, block: Block, arm: Region, target: str) -> Region:
    """Return the region that starts at a node in another arm, which is split there if necessary."""
    location = bench.locate(target)
    region = location.region
    if not any(region is other for other in block.all_regions):
        name = bench.called(block.node_id)
        raise Refused(
            f"{bench.called(target)} is not directly in an arm of {name}.", node_id=target
        )
    if _reaches(region, arm):
        raise Refused(
            "An arm cannot lead back to itself. Use a loop to repeat nodes.", node_id=target
        )
    if location.index == 0 and any(region is other for other in block.shared):
        return region
    shared = Region(blocks=region.blocks[location.index :], next=region.next)
    region.blocks, region.next = region.blocks[: location.index], shared
    block.shared.append(shared)
    return shared


def _reaches(region: Region | None, other: Region) -> bool:
    while region is not None:
        if region is other:
            return True
        region = region.next
    return False


def _with_free_arms(bench: Workbench, node_id: str) -> Block:
    """Return the block of a container whose arms can be added and removed."""
    block = bench.container(node_id)
    container = bench.types[node_id].container
    if container is None or (container.labels is not None and not _is_branch(bench, node_id)):
        raise Refused(f"The arms of {bench.called(node_id)} cannot be changed.", node_id=node_id)
    return block


def _is_branch(bench: Workbench, node_id: str) -> bool:
    return bench.types[node_id].name == branch.TYPE.name


def _arm(bench: Workbench, block: Block, index: int) -> Region:
    if index >= len(block.regions):
        name = bench.called(block.node_id)
        raise Refused(f"This arm of {name} no longer exists.", node_id=block.node_id)
    return block.regions[index]


def _set_arms(bench: Workbench, node_id: str, arms: list[object]) -> None:
    data = bench.nodes[node_id]["data"]
    bench.update(node_id, data={**data, "branches": arms})


def _free_label(block: Block) -> str:
    labels = {region.label for region in block.regions}
    number = len(labels) + 1
    while f"case {number}" in labels:
        number += 1
    return f"case {number}"


def _refuse_label(bench: Workbench, block: Block, label: str) -> None:
    if label == THEN:
        raise Refused(
            f"{quoted(THEN)} is the label of the edge that leaves the node. Choose another label."
        )
    if problem := invisible_problem(label):
        raise Refused(f"The label {problem}.")
    if not label and _is_branch(bench, block.node_id):
        raise Refused("An arm needs a label.")
    if label and label in {region.label for region in block.regions}:
        raise Refused(f"There is already an arm {quoted(label)}. Choose another label.")
