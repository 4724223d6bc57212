"""An HTTP server on loopback that gives prepared answers and records requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.support.http_server import Handler, serving

Answer = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request; header names are in lowercase."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Recorder:
    """Gives the answers of a case, the first part of the path: each once, then the last one repeatedly."""

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: dict[str, list[RecordedRequest]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def at(self, case: str, *answers: Answer) -> str:
        """Set the answers of a case and return its address."""
        self.answers[case] = list(answers)
        return f"{self.address}/{case}"

    def answer(self, case: str, request: RecordedRequest) -> Answer:
        with self._lock:
            self.requests.setdefault(case, []).append(request)
            answers = self.answers[case]
            return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder(address="")

    class Recording(Handler):
        def do_POST(self) -> None:
            _, case, *rest = self.path.split("/")
            request = RecordedRequest(
                method=self.command,
                path="/" + "/".join(rest),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.read_body(),
            )
            status, body = recorder.answer(case, request)
            self.respond(status, (body if isinstance(body, str) else json.dumps(body)).encode())

    with serving(Recording) as recorder.address:
        yield recorder
