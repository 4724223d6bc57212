"""A server on loopback in place of all services: it records requests, and answers as the cases say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qs

from tests.support.http_server import Handler, serving
from tests.workflows.nodes.library.cases import Case, lengthened
from tests.workflows.nodes.library.signatures import is_assertion, is_webhook_signature

KEY: Final = "<idempotency key>"
"""In an expected request: any key, the same in all requests of the case."""
ANY: Final = "<any>"
SIGNATURE: Final = "<webhook signature>"
TWO_SIGNATURES: Final = "<two webhook signatures>"
ASSERTION: Final = "<assertion of the service account>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A request that a Worker has made; header names are in lowercase."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return {name: ", ".join(values) for name, values in parse_qs(self.body).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(slots=True)
class Services:
    """Knows which case of each type runs, because the runner says so. The host decides on the type."""

    cases: Mapping[str, Sequence[Case]]
    address: str = ""
    made: dict[tuple[str, int], list[Made]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    _running: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def start(self, type_: str, index: int) -> None:
        self._running[type_] = index

    def answer(self, host: str, made: Made) -> Mapping[str, Any]:
        """Return the answer to a request: the next one of the case, or a failure without one."""
        with self._lock:
            for type_, index in self._running.items():
                case = self.cases[type_][index] if type_ in self.cases else None
                if case and any(host in each.hosts for each in self.cases[type_]):
                    requests = self.made.setdefault((type_, index), [])
                    requests.append(made)
                    if len(requests) <= len(case.requests):
                        answer: Mapping[str, Any] = case.requests[len(requests) - 1]["answer"]
                        return answer
            self.unexpected.append(f"{made.method} {made.url}")
            return {"status": 501, "body": {"message": "no answer"}}


@contextmanager
def serving_services(cases: Mapping[str, Sequence[Case]]) -> Iterator[Services]:
    services = Services(cases)

    class Service(Handler):
        def do_PUT(self) -> None:
            if self.path.count("/") > 1:
                self.do_POST()
                return
            services.start(self.path.strip("/"), int(self.read_body()))
            self.respond(200, b"")

        def do_POST(self) -> None:
            host = self.path.split("/")[1]
            made = Made(
                method=self.command,
                url=f"https:/{self.path}",
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.read_body(),
            )
            answer = services.answer(host, made)
            body = lengthened(answer.get("body", {}))
            headers = {"content-type": "application/json", **answer.get("headers", {})}
            headers |= {"x-broken": "1"} if answer.get("broken") else {}
            text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
            self.respond(answer.get("status", 200), text.encode(), headers.items())

        do_GET = do_PATCH = do_DELETE = do_POST

    with serving(Service) as services.address:
        yield services


def differences(expected: Sequence[Mapping[str, Any]], made: Sequence[Made]) -> list[str]:
    """Return what is not as a case expects. A part that it does not mention may be anything."""
    found = [] if len(expected) == len(made) else [f"{len(made)} requests, not {len(expected)}"]
    keys: set[str] = set()
    for expected_request, request in zip(expected, made, strict=False):
        found += _differences(expected_request, request, keys)
    return [*found, *(["several idempotency keys"] if len(keys) > 1 else [])]


def _differences(expected_request: Mapping[str, Any], made: Made, keys: set[str]) -> Iterator[str]:
    actual = {
        "method": made.method,
        "url": made.url,
        "headers": {name: made.headers.get(name) for name in expected_request.get("headers", {})},
        "body": made.json if "body" in expected_request else None,
        "form": made.form,
        "text": made.body,
    }
    for name in expected_request.keys() - {"answer"}:
        expected = filled(_signed(lengthened(expected_request[name]), made), actual[name], keys)
        if expected != actual[name]:
            yield f"{name}: {actual[name]!r}, not {expected!r}"


def _signed(expected: Any, made: Made) -> Any:
    """Replace the placeholders of signatures with the signatures of the request, if they are right."""
    if not isinstance(expected, dict):
        return expected
    signature, assertion = made.headers.get("webhook-signature", ""), made.form.get("assertion", "")
    is_right = is_webhook_signature(signature, made.headers, made.body)
    right = {
        SIGNATURE: is_right and signature,
        TWO_SIGNATURES: is_right and signature.count("v1,") > 1 and signature,
        ASSERTION: is_assertion(assertion) and assertion,
    }
    return {
        name: (isinstance(value, str) and right.get(value)) or value
        for name, value in expected.items()
    }


def filled(expected: Any, actual: Any, keys: set[str]) -> Any:
    """Replace the placeholders in an expected value with the actual parts, and collect the keys."""
    if expected == ANY and actual:
        return actual
    if isinstance(expected, str) and KEY in expected and isinstance(actual, str):
        start, _, end = expected.partition(KEY)
        keys.add(actual[len(start) : len(actual) - len(end)])
        return actual if actual.startswith(start) and actual.endswith(end) else expected
    if isinstance(expected, dict) and isinstance(actual, dict):
        return {name: filled(each, actual.get(name), keys) for name, each in expected.items()}
    return expected
