"""A saved test, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.documents.saved_tests.pins import NOTHING, Pin

COMPLETE: Final = "complete"
STATUSES: Final = (COMPLETE, "errored", "terminated")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutput:
    """What an output must be: equal to a value, or valid against a JSON Schema.

    `values` are those of a node that runs several times, in order; `value` is then the last one.
    """

    value: Any = NOTHING
    values: tuple[Any, ...] | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRequest:
    """A request that the run must make once, and the response that it gets; nothing is sent.

    Without `body`, the request may have any.
    """

    method: str
    url: str
    body: Any = NOTHING
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = NOTHING

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    def as_plan(self) -> dict[str, Any]:
        """Return the request as the embedded platform reads it."""
        answer: dict[str, Any] = {"status": self.status, "headers": dict(self.headers)}
        if self.answer is not NOTHING:
            answer["body"] = self.answer
        body = {} if self.body is NOTHING else {"body": self.body}
        return {"method": self.method, "url": self.url, "answer": answer, **body}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must be true when the run ends; None leaves it open. `nodes` are all nodes that have run a step.

    `error` is a part of the error message.
    """

    status: str = COMPLETE
    error: str = ""
    nodes: frozenset[str] | None = None
    outputs: Mapping[str, ExpectedOutput] = field(default_factory=dict)
    output: ExpectedOutput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTest:
    """A test of a workflow.

    A `speed` of None skips everything that the run only waits for. `variables` replace those of the
    workflow. Without `requests`, the run's requests are really sent. `source` is the JSON that was read.
    """

    name: str
    payload: Any
    speed: float | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    requests: tuple[ExpectedRequest, ...] | None = None
    expected: Expected = field(default_factory=Expected)
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nodes(self) -> frozenset[str]:
        """The ids of all nodes that the test names."""
        return frozenset({*self.pins, *self.expected.outputs, *(self.expected.nodes or ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRequest:
    """A request that a run has made; `answered` is the index of the test's answer, or None.

    `body` is its text; None if it had none. `status` and `response` are what a real service
    responded: the body as text.
    """

    method: str
    url: str
    body: str | None
    answered: int | None
    status: int | None = None
    response: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a run has done. `outputs` are those of each node, in the order in which it ran."""

    status: str
    error: str
    nodes: tuple[str, ...]
    outputs: Mapping[str, tuple[Any, ...]]
    output: Any
    requests: tuple[MadeRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as the test expects; `node_id` is "" if no node is concerned."""

    message: str
    node_id: str = ""

    def as_json(self) -> dict[str, str]:
        return {"message": self.message, "node": self.node_id}
