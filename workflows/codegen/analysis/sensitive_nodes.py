"""The nodes whose outputs are hidden, and a warning if the run's own output contains one of them."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.codegen.analysis.code_reader import CodeReader
from workflows.codegen.analysis.last_values import LastValues
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import INFERRED
from workflows.ir.document.step_policy import policy_of
from workflows.ir.reading.problems import Problem, Severity, listed, quoted


def sensitive_nodes(ir: WorkflowIR, reader: CodeReader, secrets: frozenset[str]) -> frozenset[str]:
    """Return the nodes that are marked as sensitive, and those whose code reads a secret.

    Code that uses `env` in a way that could mean any name counts too, if there are any secrets.
    """
    reading = {use.path for use in reader.uses if use.name in secrets}
    return frozenset(
        node.id
        for node in ir.nodes.values()
        if _is_marked(node, is_default=bool(secrets) and _reads_any(node, reader, reading))
    )


def why_sensitive(node: Node, secrets: frozenset[str]) -> str:
    """Return why the output of a node is hidden although it is not marked, as a sentence; "" if it is not."""
    policy = policy_of(node.settings)
    if not secrets or policy is None or policy.sensitive is not None:
        return ""
    reader = CodeReader(dependencies=frozenset())
    reader.read_nodes([node])
    paths = {f"{node.path}.{code.path}" for code in node.inline_codes}
    names = sorted({use.name for use in reader.uses if use.name in secrets and use.path in paths})
    if not _reads_any(node, reader, {use.path for use in reader.uses if use.name in secrets}):
        return ""
    return f"Hidden, because the code {_reading(names)}."


def _reading(names: list[str]) -> str:
    if not names:
        return "uses `env` in a way that could read any secret"
    return f"reads the secret{'' if len(names) == 1 else 's'} {listed(names)}"


def _is_marked(node: Node, *, is_default: bool) -> bool:
    policy = policy_of(node.settings)
    return policy is not None and (is_default if policy.sensitive is None else policy.sensitive)


def _reads_any(node: Node, reader: CodeReader, reading: set[str]) -> bool:
    """Whether the code that makes the node's output is among the paths, or may use any name."""
    return any(
        f"{node.path}.{code.path}" in reading or reader.codes[node.id, code.path].unreadable
        for code in node.inline_codes
        if node.type.output == INFERRED or code.path == node.type.returned_code
    )


def shown_at_the_end(
    ir: WorkflowIR, values: LastValues, sensitive: frozenset[str]
) -> Iterator[Problem]:
    """Yield a warning for each sensitive node whose output is a part of the run's output."""
    root = ir.structure.root.id
    pending = sorted(values[root].sources) if root in values else []
    seen: set[str] = set()
    while pending:
        id_ = pending.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        if id_ in sensitive:
            message = (
                f"does not hide the output of the run, which contains that of {quoted(id_)}: add a node "
                "after it that returns only what everyone may see, or set it to false"
            )
            yield Problem(
                path=f"nodes.{id_}.data.sensitive",
                message=message,
                node_id=id_,
                severity=Severity.WARNING,
            )
        pending += _inner_sources(ir, values, id_)


def _inner_sources(ir: WorkflowIR, values: LastValues, id_: str) -> list[str]:
    """Return the nodes whose outputs a container collects in its own."""
    regions = ir.structure.regions
    own = [number for number, region in enumerate(regions) if region.owner == id_]
    return sorted(source for number in own if number in values for source in values[number].sources)
