"""Documents that contain one string in every setting that takes free text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.ir.documents import Document, node
from workflows.ir.reading.references import LITERAL

FAST: dict[str, Any] = {"retryLimit": 0, "retryDelay": 10, "backoff": "constant"}
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_IN_A_PATH = re.compile(r"[\s?#\\%.]")
_LOST_IN_A_URL = re.compile(r"[\t\n\r]")


def plain(text: str) -> str:
    """Return how a setting of text or JSON contains the text, without references."""
    return text.replace("{{", LITERAL)


def literal(value: object) -> str:
    """Return the value as JSON."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Words:
    """A string, and as much of it as each kind of setting can contain."""

    text: str

    @property
    def code(self) -> str:
        """A JSON string literal, in which references are only text."""
        return literal(self.text)

    @property
    def free(self) -> str:
        return plain(self.text)

    @property
    def name(self) -> str:
        return _NOT_IN_A_NAME.sub("", self.text)[:200] or "-"

    @property
    def title(self) -> str:
        """A name for the workflow, which must have a visible character."""
        return f"x{_NOT_IN_A_NAME.sub('', self.text)[:200]}"

    @property
    def label(self) -> str:
        return self.text if self.text != "then" else "then "

    @property
    def header(self) -> str:
        return "".join(char for char in self.text if " " <= char <= "~").strip()

    @property
    def path(self) -> str:
        return f"/p{_NOT_IN_A_PATH.sub('', self.text)}p"

    @property
    def query(self) -> str:
        """What a query in a URL preserves of it."""
        return re.sub(r"[#%]", "", self.text)


@dataclass(slots=True)
class DocumentBuilder:
    """Builds a document node by node, with the expected output of each step."""

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
        """Add a step as an arm of the last node, which continues along its `then` edge."""
        self.nodes.append(node(id_, **FAST, **data))
        self.edge(self._last, id_, label)
        self._label = "then"

    def edge(self, source: str, target: str, label: str = "") -> None:
        edge = {"id": f"{len(self.edges)}", "source": source, "target": target}
        self.edges.append(edge | ({"label": label} if label else {}))

    def document(self, words: Words, **parts: Any) -> Document:
        texts = {"name": words.title, "description": words.text}
        return {
            "metadata": {**texts, "version": 1, "createdAt": words.text, "updatedAt": words.text},
            "nodes": self.nodes,
            "edges": self.edges,
            "entryNodeId": self.nodes[0]["id"],
            "trigger": {"type": "http", "path": words.path},
            **parts,
        }


def workflow(words: Words, *, echo: str, variable: str) -> tuple[Document, dict[str, Any]]:
    """Return a workflow, and the expected outputs by step names."""
    builder = DocumentBuilder()
    values = {"text": words.text, "header": words.header, "query": words.query, "type": "call"}
    builder.add("first", code=f"return {literal(values)};")
    builder.add("received", "wait_for_event", eventType="{{ first.type }}", timeout="1 minute")
    _values(builder, words, variable)
    _requests(builder, words, echo)
    _containers(builder, words)
    return builder.document(words), builder.expected


def _values(builder: DocumentBuilder, words: Words, variable: str) -> None:
    codes = {
        "code": f"return {words.code};",
        "payload": "return {{ trigger.text }};",
        "event": "return {{ received.payload }};",
        "before": "return {{ first.text }};",
        "variable": f"return env.{variable};",
        "joined": f"return {words.code} + {{{{ first.text }}}} + {words.code};",
    }
    for id_, code in codes.items():
        builder.add(id_, code=code)
        builder.expected[id_] = words.text
    builder.expected["joined"] = words.text * 3
    named = [{"name": words.text, "expression": f"{words.code} + {{{{ first.text }}}}"}]
    builder.add("values", "transform", shape="object", values=named)
    builder.expected["values"] = {words.text: words.text * 2}
    builder.add("named", name=f"named {words.name}", code="return 1;")
    builder.expected[f"named {words.name}"] = 1


def _requests(builder: DocumentBuilder, words: Words, echo: str) -> None:
    free, header, twice = words.free, plain(words.header), f"{words.free}{{{{ first.text }}}}"
    requests: dict[str, dict[str, Any]] = {
        "address": {"url": f"{echo}/?{plain(words.query)}{{{{ first.query }}}}end"},
        "query": {"queryParams": {free: free, "q": twice}},
        "query_text": {"queryParams": json.dumps({free: free, "q": twice}, ensure_ascii=False)},
        "headers": {"headers": {"X-A": header, "X-B": "b{{ first.header }}"}},
        "json": {"method": "POST", "body": {free: [free, {"deep": twice}], f"l{twice}": free}},
        "json_text": {"method": "PUT", "body": json.dumps({free: free}, ensure_ascii=False)},
        "body": {"method": "POST", "body": f"[{words.code}, first.text].join('')"},
    }
    for id_, settings in requests.items():
        builder.add(id_, "http_request", **({"url": f"{echo}/"} | FAST | settings))
    query, text = words.query * 2, words.text
    builder.expected |= {
        "address": _LOST_IN_A_URL.sub("", f"{query}end"),
        "query": {text: text, "q": text * 2},
        "query_text": {text: text, "q": text * 2},
        "headers": [words.header, f"b{words.header}".strip()],
        "json": {text: [text, {"deep": text * 2}], f"l{text}{text}": text},
        "json_text": {text: text},
        "body": words.text * 2,
    }


def _containers(builder: DocumentBuilder, words: Words) -> None:
    code, expected = words.code, builder.expected
    message = f"<{words.text}>"  # the platform strips whitespace from error messages
    error = literal(message)
    arms = [
        {"label": words.label, "condition": f"event.payload.text === {code}"},
        {"label": f"x{words.text}"},
    ]
    builder.add("branch", "branch", branches=arms)
    builder.arm(words.label, "taken", code="return 'taken';")
    builder.arm(f"x{words.text}", "missed", code="return 'missed';")
    builder.add("each", "loop", name=words.name, collection=f"[{code}]")
    builder.arm("body", "item", name=f"item {words.name}", code="return {{ item }};")
    builder.add("while", "loop", loopType="while", condition=f"i < 1 && {code} === first.text")
    builder.arm("body", "turn", code="return {{ first.text }};")
    builder.add("stop", "break", condition=f"{code} !== {{{{ first.text }}}}")
    builder.add("both", "parallel", onError="collect")
    builder.arm("", "well", code=f"return {code};")
    builder.arm("", "badly", code=f"throw new Error({error});")
    builder.add("race", "race", name=f"race {words.name}", **FAST)
    builder.arm("", "only", code=f"return {code};")
    builder.arm("", "same", code=f"return {code};")
    builder.add("guard", "try_catch")
    builder.arm("try", "fails", code=f"throw new Error({error});")
    builder.arm("catch", "fixes", code="return {{ err.message }};")
    builder.add("child", "sub_workflow", workflowId="echo", input=f"({{ text: {code} }})")
    builder.add("script", "sub_script", workerName="script", queryParams={"q": words.free},
                headers={"X-Workflow": "Answer"}, body={"text": words.free})  # fmt: skip
    builder.add("last", code="return [each, both, race, child, script.body];")
    collected = [
        {"status": "fulfilled", "value": words.text},
        {"status": "rejected", "error": {"name": "Error", "message": message}},
    ]
    expected |= {
        "taken": "taken",
        f"item {words.name} [0]": words.text,
        "turn [0]": words.text,
        "fixes": message,
        "last": [
            {"results": [words.text]},
            collected,
            words.text,
            words.text,
            {"text": words.text},
        ],
    }


def script(words: Words) -> tuple[Document, Mapping[str, Any]]:
    """Return a script, and its response to the body {text}."""
    builder = DocumentBuilder()
    builder.add("text", name=f"EXPORT_a{words.name}", code="return {{ trigger.text }};")
    builder.add("name", name="EXPORT_name", code="return event.workflowName;")
    builder.add("code", name="EXPORT_code", code=f"return {words.code};")
    answer = {f"a{words.name}": words.text, "name": words.title, "code": words.text}
    return builder.document(words, kind="script"), answer
