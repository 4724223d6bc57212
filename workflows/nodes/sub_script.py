"""`sub_script`: sends a request to another Worker of the same account, in a durable step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Call, NodeType
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.nodes.http_request import Settings as Request
from workflows.nodes.http_request import read_request, write_callback

WORKER_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
NAME_RULE: Final = "must be the name of a Worker (a-z, 0-9, _ and -, at most 63 characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`worker` is the name of a Worker, or the id of a script in this installation."""

    worker: str
    request: Request


def read(data: Reader) -> Settings:
    """Read the Worker and the request: by default a POST to `/`."""
    worker = data.string("workerName")
    if worker and not WORKER_NAME.fullmatch(worker):
        data.problem("workerName", f"{NAME_RULE}, not {quoted(worker)}")
    return Settings(worker=worker, request=read_request(data, method="POST", url="/"))


def calls(settings: Settings) -> Call:
    """Return the call, which needs a service binding."""
    return Call(kind="service", worker=settings.worker)


def callback(node: Node, out: Emitter) -> None:
    """Write the function that sends the request via the service binding."""
    via = out.child_binding(calls(node.settings))
    write_callback(node, out, settings=node.settings.request, via=via)


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that sends the request."""
    out.durable_step(node, node.settings.request.policy)


TYPE = NodeType(
    name="sub_script",
    title="Sub-script",
    read=read,
    output="HttpResponse",
    callback=callback,
    emit=emit,
    calls=calls,
    sends_requests=True,
)
