"""Documents in which one string stands in every setting that takes a person's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.ir.documents import Document, node
from workflows.ir.reading.references import references_in

FAST: dict[str, Any] = {"retryLimit": 0, "retryDelay": 10, "backoff": "constant"}
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_IN_A_PATH = re.compile(r"[\s?#\\%.]")
_LOST_IN_A_URL = re.compile(r"[\t\n\r]")


def plain(text: str) -> str:
    """Return the text without references: what looks like one has a blank in its braces."""
    while references_in(text):
        text = text.replace("{{", "{ {", 1)
    return text


def literal(value: object) -> str:
    """Return the value as JSON writes it, without double braces."""
    return json.dumps(value, ensure_ascii=False).replace("{{", "{\\u007b")


@dataclass(frozen=True, slots=True)
class Words:
    """A string, and as much of it as each kind of setting can hold."""

    text: str

    @property
    def code(self) -> str:
        """A string literal, as JSON writes it; what looks like a reference is one in code too."""
        return literal(self.text)

    @property
    def free(self) -> str:
        return plain(self.text)

    @property
    def name(self) -> str:
        return _NOT_IN_A_NAME.sub("", self.text)[:200] or "-"

    @property
    def label(self) -> str:
        return self.text if self.text != "then" else "then "

    @property
    def header(self) -> str:
        return plain("".join(char for char in self.text if " " <= char <= "~").strip())

    @property
    def path(self) -> str:
        return f"/p{_NOT_IN_A_PATH.sub('', self.text)}p"

    @property
    def query(self) -> str:
        """What a query written into an address keeps of it."""
        return plain(re.sub(r"[#%]", "", self.text))


@dataclass(slots=True)
class Drawing:
    """A document that grows node by node, and what each of its steps must come to."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, str]] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    _last: str = ""
    _label: str = ""

    def add(self, id_: str, type_: str = "step", *, name: str = "", **data: Any) -> None:
        """Add a node after the last one of the chain."""
        self.nodes.append(node(id_, type_, name=name, **data))
        if self._last:
            self.edge(self._last, id_, self._label)
        self._last, self._label = id_, ""

    def arm(self, label: str, id_: str, **data: Any) -> None:
        """Add a step as an arm of the last node, which leads on by its `then` edge."""
        self.nodes.append(node(id_, **FAST, **data))
        self.edge(self._last, id_, label)
        self._label = "then"

    def edge(self, source: str, target: str, label: str = "") -> None:
        edge = {"id": f"{len(self.edges)}", "source": source, "target": target}
        self.edges.append(edge | ({"label": label} if label else {}))

    def document(self, words: Words, **parts: Any) -> Document:
        said = {"name": words.text, "description": words.text}
        return {
            "metadata": {**said, "version": 1, "createdAt": words.text, "updatedAt": words.text},
            "nodes": self.nodes,
            "edges": self.edges,
            "entryNodeId": self.nodes[0]["id"],
            "trigger": {"type": "http", "path": words.path},
            **parts,
        }


def workflow(words: Words, *, echo: str, variable: str) -> tuple[Document, dict[str, Any]]:
    """Return a workflow, and what its steps must come to, by their names."""
    drawing = Drawing()
    values = {"text": words.text, "header": words.header, "query": words.query, "type": "call"}
    drawing.add("first", code=f"return {literal(values)};")
    drawing.add("heard", "wait_for_event", eventType="{{ first.type }}", timeout="1 minute")
    _values(drawing, words, variable)
    _requests(drawing, words, echo)
    _containers(drawing, words)
    return drawing.document(words), drawing.expected


def _values(drawing: Drawing, words: Words, variable: str) -> None:
    codes = {
        "code": f"return {words.code};",
        "payload": "return {{ trigger.text }};",
        "event": "return {{ heard.payload }};",
        "before": "return {{ first.text }};",
        "variable": f"return env.{variable};",
        "joined": f"return {words.code} + {{{{ first.text }}}} + {words.code};",
    }
    for id_, code in codes.items():
        drawing.add(id_, code=code)
        drawing.expected[id_] = words.text
    drawing.expected["joined"] = words.text * 3
    drawing.add("named", name=f"named {words.name}", code="return 1;")
    drawing.expected[f"named {words.name}"] = 1


def _requests(drawing: Drawing, words: Words, echo: str) -> None:
    free, header, twice = words.free, words.header, f"{words.free}{{{{ first.text }}}}"
    asked: dict[str, dict[str, Any]] = {
        "address": {"url": f"{echo}/?{words.query}{{{{ first.query }}}}end"},
        "query": {"queryParams": {free: free, "q": twice}},
        "query_text": {"queryParams": json.dumps({free: free, "q": twice}, ensure_ascii=False)},
        "headers": {"headers": {"X-A": header, "X-B": "b{{ first.header }}"}},
        "json": {"method": "POST", "body": {free: [free, {"deep": twice}], f"l{twice}": free}},
        "json_text": {"method": "PUT", "body": json.dumps({free: free}, ensure_ascii=False)},
        "body": {"method": "POST", "body": f"[{words.code}, first.text].join('')"},
    }
    for id_, settings in asked.items():
        drawing.add(id_, "http_request", **({"url": f"{echo}/"} | FAST | settings))
    sent = words.query * 2
    drawing.expected |= {
        "address": _LOST_IN_A_URL.sub("", f"{sent}end"),
        "query": {free: free, "q": free + words.text},
        "query_text": {free: free, "q": free + words.text},
        "headers": [header, f"b{header}".strip()],
        "json": {free: [free, {"deep": free + words.text}], f"l{free}{words.text}": free},
        "json_text": {free: free},
        "body": words.text * 2,
    }


def _containers(drawing: Drawing, words: Words) -> None:
    code, expected = words.code, drawing.expected
    said = f"<{words.text}>"  # the platform cuts blanks off the ends of an error's message
    error = literal(said)
    arms = [
        {"label": words.label, "condition": f"event.payload.text === {code}"},
        {"label": f"x{words.text}"},
    ]
    drawing.add("branch", "branch", branches=arms)
    drawing.arm(words.label, "taken", code="return 'taken';")
    drawing.arm(f"x{words.text}", "missed", code="return 'missed';")
    drawing.add("each", "loop", name=words.name, collection=f"[{code}]")
    drawing.arm("body", "item", name=f"item {words.name}", code="return {{ item }};")
    drawing.add("while", "loop", loopType="while", condition=f"i < 1 && {code} === first.text")
    drawing.arm("body", "turn", code="return {{ first.text }};")
    drawing.add("stop", "break", condition=f"{code} !== {{{{ first.text }}}}")
    drawing.add("both", "parallel", onError="collect")
    drawing.arm("", "well", code=f"return {code};")
    drawing.arm("", "badly", code=f"throw new Error({error});")
    drawing.add("race", "race", name=f"race {words.name}", **FAST)
    drawing.arm("", "only", code=f"return {code};")
    drawing.arm("", "same", code=f"return {code};")
    drawing.add("guard", "try_catch")
    drawing.arm("try", "fails", code=f"throw new Error({error});")
    drawing.arm("catch", "mends", code="return {{ err.message }};")
    drawing.add("child", "sub_workflow", workflowId="echo", input=f"({{ text: {code} }})")
    drawing.add("script", "sub_script", workerName="script", queryParams={"q": words.free},
                headers={"X-Workflow": "Answer"}, body={"text": words.free})  # fmt: skip
    drawing.add("last", code="return [each, both, race, child, script.body];")
    collected = [
        {"status": "fulfilled", "value": words.text},
        {"status": "rejected", "error": {"name": "Error", "message": said}},
    ]
    expected |= {
        "taken": "taken",
        f"item {words.name} [0]": words.text,
        "turn [0]": words.text,
        "mends": said,
        "last": [
            {"results": [words.text]},
            collected,
            words.text,
            words.text,
            {"text": words.free},
        ],
    }


def script(words: Words) -> tuple[Document, Mapping[str, Any]]:
    """Return a script, and its answer to a body {text}."""
    drawing = Drawing()
    drawing.add("text", name=f"EXPORT_a{words.name}", code="return {{ trigger.text }};")
    drawing.add("name", name="EXPORT_name", code="return event.workflowName;")
    drawing.add("code", name="EXPORT_code", code=f"return {words.code};")
    answer = {f"a{words.name}": words.text, "name": words.text, "code": words.text}
    return drawing.document(words, kind="script"), answer
