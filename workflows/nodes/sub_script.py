"""`sub_script`: calls another Worker."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.ir.fields import Text
from workflows.ir.node_types import NodeType
from workflows.ir.reader import Reader
from workflows.nodes.http_request import Settings as Request
from workflows.nodes.http_request import read as read_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    worker: Text
    request: Request


def read(data: Reader) -> Settings:
    return Settings(worker=data.text("workerName"), request=read_request(data))


TYPE = NodeType(name="sub_script", title="Sub-script", read=read, output="HttpResponse")
