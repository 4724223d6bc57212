"""Each documented example deploys as a reader would deploy it, and runs as its page describes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.page_examples import (
    PAGES,
    TYPE_PAGES,
    DocumentedRun,
    Example,
    canonical,
    examples,
    strings,
)
from tests.support.http_server import Handler, serving
from tests.support.installation import Installation
from workflows.nodes.built_in import BUILT_IN

TYPES = {type_.name: type_ for type_ in BUILT_IN}
EXAMPLES = examples()
DOCUMENTED_RUNS = [(example, run) for example in EXAMPLES for run in example.runs]
ENDED = {"complete", "errored", "terminated"}
POLL_STEP = re.compile(r": (wait|status)-\d+$")
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
    """Runs many commands in one process, because Django is slow to start."""

    installation: Installation

    def __call__(self, *commands: list[str]) -> list[str]:
        done = self.installation.manage("shell", "-v", "0", "-c", CALLS, stdin=json.dumps(commands))
        printed: list[str] = json.loads(done.stdout)
        return printed


class Carrier(Handler):
    """The API that the page's example calls: records requests, and answers as the page says."""

    requests: list[str]
    answer: str

    def do_POST(self) -> None:
        body = self.read_body()
        self.requests.append(f"{self.command} {self.path} {json.dumps(json.loads(body))}")
        status, _, answer = self.answer.partition(" ")
        self.respond(int(status), answer.encode())


@pytest.fixture(scope="module")
def carrier() -> Iterator[str]:
    Carrier.requests = []
    Carrier.answer = next(run.answer for _, run in DOCUMENTED_RUNS if run.answer)
    with serving(Carrier) as address:
        yield address


@pytest.fixture(scope="module")
def commands(installation: Installation) -> Commands:
    return Commands(installation)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def imported(commands: Commands, folder: Path) -> dict[str, str]:
    """The ids of the examples, by name."""
    files = [_file(folder, example, {}) for example in EXAMPLES]
    printed = commands(*(["import_workflow", file] for file in files))
    return dict(zip((example.name for example in EXAMPLES), printed, strict=True))


@pytest.fixture(scope="module")
def deployed(
    commands: Commands, imported: dict[str, str], folder: Path, carrier: str
) -> dict[str, str]:
    """The ids of the examples, by name, all deployed; those that others call are deployed first."""
    ids = {example.placeholder: imported[example.name] for example in EXAMPLES}
    callers = [example for example in EXAMPLES if ids.keys() & set(strings(example.document))]
    others = [example for example in EXAMPLES if example not in callers]
    files = [(_file(folder, example, ids), imported[example.name]) for example in callers]
    commands(
        ["set_variable", "CARRIER_API", carrier, "--workflow", imported["Parcel"]],
        *(["import_workflow", file, "--workflow", id_] for file, id_ in files),
    )
    for group in (others[:7], others[7:], callers):
        for printed in commands(
            *(["deploy_workflow", imported[example.name]] for example in group)
        ):
            last = json.loads(printed.splitlines()[-1])
            assert last["stage"] == "COMPLETED", last
    return imported


def _file(folder: Path, example: Example, ids: dict[str, str]) -> str:
    """Save the document as a reader of the page does, with ids instead of their placeholders."""
    text = json.dumps(example.document)
    for placeholder, id_ in ids.items():
        text = text.replace(f'"{placeholder}"', f'"{id_}"')
    path = folder / f"{example.placeholder}.ir.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def runs(commands: Commands, deployed: dict[str, str]) -> list[dict[str, Any]]:
    """The runs of the documented workflows after their end, in page order."""
    workflows = [(deployed[example.name], run) for example, run in _workflow_runs()]
    printed = commands(
        *(["trigger_workflow", id_, "--payload", run.payload] for id_, run in workflows)
    )
    started = [json.loads(text)["id"] for text in printed]
    events = [
        ["send_event", id_, run_id, name, "--payload", payload]
        for (id_, run), run_id in zip(workflows, started, strict=True)
        for name, payload in run.events
    ]
    commands(*events)
    return _ended_runs(
        commands,
        [
            ["describe_run", id_, run_id, "--json"]
            for (id_, _), run_id in zip(workflows, started, strict=True)
        ],
    )


def _ended_runs(commands: Commands, queries: list[list[str]]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = [json.loads(printed) for printed in commands(*queries)]
        if {run["status"] for run in runs} <= ENDED:
            return runs
    raise AssertionError(f"runs do not end: {runs}")


def _workflow_runs() -> list[tuple[Example, DocumentedRun]]:
    return [(example, run) for example, run in DOCUMENTED_RUNS if not example.is_script]


@pytest.mark.parametrize(
    "at",
    range(len(_workflow_runs())),
    ids=[f"{example.name}, {run.payload}" for example, run in _workflow_runs()],
)
def test_a_run_does_what_its_page_describes(runs: list[dict[str, Any]], at: int) -> None:
    _, documented = _workflow_runs()[at]

    assert (runs[at]["status"], canonical(runs[at]["output"])) == ("complete", documented.end)
    assert list(_steps(runs[at], documented)) == documented.steps


def _steps(run: dict[str, Any], documented: DocumentedRun) -> Iterator[tuple[str, int, str]]:
    """Yield the steps in the form of the page, which may omit an output.

    A child run is polled until it has ended; the page shows one poll.
    """
    silent = {name for name, _, output in documented.steps if not output}
    for step in run["steps"]:
        name = step["name"].removesuffix("-1")
        if not POLL_STEP.search(name):
            tries = len(step.get("attempts", [])) or 1
            yield name, tries, "" if name in silent else _output(step)


def _output(step: dict[str, Any]) -> str:
    if step.get("success") is False:
        return f"error {json.dumps(step['attempts'][-1]['error']['message'])}"
    return canonical(step["output"] or "null")


@pytest.mark.usefixtures("runs")
def test_a_request_is_sent_as_its_page_shows() -> None:
    requests = [run.request for _, run in DOCUMENTED_RUNS if run.request]

    assert Carrier.requests == requests


def test_a_script_answers_as_its_page_describes(
    installation: Installation, deployed: dict[str, str]
) -> None:
    ((script, run),) = [(example, run) for example, run in DOCUMENTED_RUNS if example.is_script]
    method, path = run.start.split()

    answer = installation.worker(deployed[script.name], path, method, json=json.loads(run.payload))

    assert canonical(answer.text) == run.end


def test_every_document_on_the_pages_has_a_documented_run() -> None:
    assert len(EXAMPLES) == sum(page.count("```json") for page in PAGES)
    assert all(run.end for _, run in DOCUMENTED_RUNS)


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_has_an_example_on_its_page(type_: str) -> None:
    documents = map(json.loads, re.findall(r"```json\n(.*?)```", TYPE_PAGES[type_], re.S))

    assert any(node["type"] == type_ for document in documents for node in document["nodes"])
