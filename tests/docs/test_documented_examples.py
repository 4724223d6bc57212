"""Each example of the documentation is deployed as a reader would, and does what its page says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.docs.page_examples import PAGES, TYPE_PAGES, Example, Told, canonical, examples, strings
from tests.support.installation import Installation
from workflows.nodes.built_in import BUILT_IN

TYPES = {type_.name: type_ for type_ in BUILT_IN}
EXAMPLES = examples()
TOLD = [(example, told) for example in EXAMPLES for told in example.runs]
ENDED = {"complete", "errored", "terminated"}
ASKED_AGAIN = re.compile(r": (wait|status)-\d+$")
CALLS = """
import io, json, sys
from django.core.management import call_command

def printed(arguments):
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out)
    except SystemExit:
        pass
    return out.getvalue().strip()

print(json.dumps([printed(arguments) for arguments in json.load(sys.stdin)]))
"""


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs many of the product's commands in one process, for Django takes long to start."""

    installation: Installation

    def __call__(self, *commands: list[str]) -> list[str]:
        asked = json.dumps(commands)
        done = self.installation.manage("shell", "-v", "0", "-c", CALLS, stdin=asked)
        printed: list[str] = json.loads(done.stdout)
        return printed


class Carrier(BaseHTTPRequestHandler):
    """The API of the page's request: it notes what it is asked, and answers as the page says."""

    asked: list[str]
    answer: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.asked.append(f"{self.command} {self.path} {json.dumps(json.loads(body))}")
        status, _, answer = self.answer.partition(" ")
        self.send_response(int(status))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def carrier() -> Iterator[ThreadingHTTPServer]:
    Carrier.asked = []
    Carrier.answer = next(told.answer for _, told in TOLD if told.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Carrier)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def commands(installation: Installation) -> Commands:
    return Commands(installation)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def imported(commands: Commands, folder: Path) -> dict[str, str]:
    """The ids of the examples by their names."""
    files = [_file(folder, example, {}) for example in EXAMPLES]
    printed = commands(*(["import_workflow", file] for file in files))
    return dict(zip((example.name for example in EXAMPLES), printed, strict=True))


@pytest.fixture(scope="module")
def deployed(
    commands: Commands, imported: dict[str, str], folder: Path, carrier: ThreadingHTTPServer
) -> dict[str, str]:
    """The ids of the examples, all of them deployed: those that others call first."""
    named = {one.placeholder: imported[one.name] for one in EXAMPLES}
    callers = [one for one in EXAMPLES if named.keys() & set(strings(one.document))]
    others = [one for one in EXAMPLES if one not in callers]
    files = [(_file(folder, one, named), imported[one.name]) for one in callers]
    address = f"http://127.0.0.1:{carrier.server_port}"
    commands(
        ["set_variable", "CARRIER_API", address, "--workflow", imported["Parcel"]],
        *(["import_workflow", file, "--workflow", id_] for file, id_ in files),
    )
    for group in (others[:7], others[7:], callers):
        for printed in commands(*(["deploy_workflow", imported[one.name]] for one in group)):
            last = json.loads(printed.splitlines()[-1])
            assert last["stage"] == "COMPLETED", last
    return imported


def _file(folder: Path, example: Example, named: dict[str, str]) -> str:
    """Save the document as a reader of the page does, with ids in place of the words for them."""
    text = json.dumps(example.document)
    for placeholder, id_ in named.items():
        text = text.replace(f'"{placeholder}"', f'"{id_}"')
    path = folder / f"{example.placeholder}.ir.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def runs(commands: Commands, deployed: dict[str, str]) -> list[dict[str, Any]]:
    """What became of each run of the page's workflows, in its order."""
    ids = [(deployed[example.name], told) for example, told in _workflows()]
    printed = commands(*(["trigger_workflow", id_, "--payload", told.payload] for id_, told in ids))
    started = [json.loads(text)["id"] for text in printed]
    sent = [
        ["send_event", id_, run, name, "--payload", payload]
        for (id_, told), run in zip(ids, started, strict=True)
        for name, payload in told.events
    ]
    commands(*sent)
    asked = [
        ["describe_run", id_, run, "--json"] for (id_, _), run in zip(ids, started, strict=True)
    ]
    return _ended(commands, asked)


def _ended(commands: Commands, asked: list[list[str]]) -> list[dict[str, Any]]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = [json.loads(printed) for printed in commands(*asked)]
        if {run["status"] for run in found} <= ENDED:
            return found
    raise AssertionError(f"runs do not end: {found}")


def _workflows() -> list[tuple[Example, Told]]:
    return [(example, told) for example, told in TOLD if not example.is_script]


@pytest.mark.parametrize(
    "at",
    range(len(_workflows())),
    ids=[f"{one.name}, {told.payload}" for one, told in _workflows()],
)
def test_a_run_does_what_the_page_tells(runs: list[dict[str, Any]], at: int) -> None:
    _, told = _workflows()[at]

    assert (runs[at]["status"], canonical(runs[at]["output"])) == ("complete", told.end)
    assert list(_steps(runs[at], told)) == told.steps


def _steps(run: dict[str, Any], told: Told) -> Iterator[tuple[str, int, str]]:
    """Yield the steps in the page's form: what one gave only where the page tells it.

    A child is asked as often as it takes until it has ended; the page shows that once.
    """
    silent = {name for name, _, gives in told.steps if not gives}
    for step in run["steps"]:
        name = step["name"].removesuffix("-1")
        if not ASKED_AGAIN.search(name):
            tries = len(step.get("attempts", [])) or 1
            yield name, tries, "" if name in silent else _gave(step)


def _gave(step: dict[str, Any]) -> str:
    if step.get("success") is False:
        return f"error {json.dumps(step['attempts'][-1]['error']['message'])}"
    return canonical(step["output"] or "null")


@pytest.mark.usefixtures("runs")
def test_the_request_of_the_page_is_sent_as_it_shows() -> None:
    requests = [told.request for _, told in TOLD if told.request]

    assert Carrier.asked == requests


def test_a_script_answers_as_the_page_tells(
    installation: Installation, deployed: dict[str, str]
) -> None:
    ((script, told),) = [(example, told) for example, told in TOLD if example.is_script]
    method, path = told.start.split()

    answer = installation.worker(deployed[script.name], path, method, json=json.loads(told.payload))

    assert canonical(answer.text) == told.end


def test_every_document_of_the_pages_says_what_its_runs_do() -> None:
    assert len(EXAMPLES) == sum(page.count("```json") for page in PAGES)
    assert all(told.end for _, told in TOLD)


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_has_an_example_on_its_page(type_: str) -> None:
    documents = map(json.loads, re.findall(r"```json\n(.*?)```", TYPE_PAGES[type_], re.S))

    assert any(node["type"] == type_ for one in documents for node in one["nodes"])
