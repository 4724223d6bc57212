"""Short ways to write documents in tests."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

Document = dict[str, Any]


def node(id_: str, type_: str = "step", *, name: str = "", **data: Any) -> dict[str, Any]:
    """Return a node; a step without code returns its own id."""
    if type_ == "step":
        data.setdefault("code", f"return {{ from: '{id_}' }};")
    return {
        "id": id_,
        "type": type_,
        "name": name or id_,
        "position": {"x": 0, "y": 0},
        "version": "1.0.0",
        "provider": "cloudflare",
        "data": data,
    }


def branch(id_: str, **conditions: str) -> dict[str, Any]:
    """Return a branch with an arm for each keyword argument; an empty condition is the else arm."""
    arms = [{"label": label, "condition": code} for label, code in conditions.items()]
    return node(id_, "branch", branches=arms)


def document(nodes: list[dict[str, Any]], *edges: str, entry: str = "", **parts: Any) -> Document:
    """Return a document; an edge is written "a b" or "a b label"."""
    return {
        "metadata": {"name": "test", "version": 1, "createdAt": "now", "updatedAt": "now"},
        "nodes": nodes,
        "edges": [_edge(text) for text in edges],
        "entryNodeId": entry or nodes[0]["id"],
        **parts,
    }


def chain(*nodes: dict[str, Any], **parts: Any) -> Document:
    """Return a document whose nodes run one after another."""
    ids = [item["id"] for item in nodes]
    edges = [f"{source} {target}" for source, target in pairwise(ids)]
    return document(list(nodes), *edges, **parts)


def many_branches(nodes: int, *, comment: str = "") -> Document:
    """Return a chain of branches, each of which reads the outputs of the previous branch's arms."""
    parts, edges = [node("x", code="return { ok: true };")], ["x b0"]
    for at in range(nodes // 4):
        before = "x" if not at else f"x{at - 1}"
        value = f"return {{ ok: true, value: y{at}?.a ?? n{at}?.b }};"
        parts += [
            branch(f"b{at}", yes=f"{before}.ok", no=""), node(f"y{at}", code="return { a: 1 };"),
            node(f"n{at}", code="return { b: 'x' };"), node(f"x{at}", code=f"// {comment}\n{value}"),
        ]  # fmt: skip
        edges += [f"b{at} y{at} yes", f"b{at} n{at} no", f"b{at} x{at} then"]
        edges += [f"x{at} b{at + 1}"] if at + 1 < nodes // 4 else []
    return document(parts, *edges)


def every_type() -> Document:
    """Return a document with a node of each built-in type."""
    return document(
        [
            node("first", code="return env.A_KV ? [1, 2] : [3];"),
            node("ask", "http_request", url="http://x.test", timeout="1 minute"),
            node("each", "loop", collection="first"),
            branch("odd", yes="item % 2", no=""),
            node("leave", "break", condition="i > 9"),
            node("both", "parallel"),
            node("left", "sleep", duration="1 second"),
            node("right", "sleep_until", timestamp="{{ trigger.at }}"),
            node("guard", "try_catch"),
            node("child", "sub_workflow", workflowId="abc", input="each", timeout="{{ trigger.t }}"),
            node("rescue", code="return err.message"),
            node("fast", "race"),
            node("answer", "wait_for_event", eventType="yes", timeout="1 minute"),
            node("late", "sleep", duration="1 minute"),
            node("call", "sub_script", workerName="other", body="answer"),
            node("all", "parallel", onError="collect"),
        ],
        "first ask", "ask each", "each odd body", "odd leave yes", "each both then",
        "both left x", "both right y", "both guard then",
        "guard child try", "guard rescue catch", "guard fast then",
        "fast answer x", "fast late y", "fast call then", "call all",
    )  # fmt: skip


def _edge(text: str) -> dict[str, str]:
    source, target, *label = text.split(" ", 2)
    edge = {"id": text, "source": source, "target": target}
    return edge | ({"label": label[0]} if label else {})
