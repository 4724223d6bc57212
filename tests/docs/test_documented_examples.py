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
from tests.support.patience import PATIENCE
from workflows.nodes.built_in import BUILT_IN

TYPES = {type_.name: type_ for type_ in BUILT_IN}
EXAMPLES = examples()
DOCUMENTED_RUNS = [(example, run) for example in EXAMPLES for run in example.runs]
ENDED = {"complete", "errored", "terminated"}
POLL_STEP = re.compile(r": (wait|status)-\d+$")
CALLS = """
import io, json, sys
from django.core.management import CommandError, call_command

def printed(arguments):
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out)
    except (SystemExit, CommandError):
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


class Apis(Handler):
    """All APIs that the examples call: records requests, and answers them as the pages say.

    The first part of a path is the host that the page names.
    """

    requests: set[str]
    answers: dict[str, list[str]]

    def do_POST(self) -> None:
        body = self.read_body()
        path = self.path[self.path.index("/", 1) :]
        request = f"{self.command} {path} {json.dumps(json.loads(body)) if body else ''}".strip()
        self.requests.add(request)
        answers = self.answers[request]
        status, _, answer = (answers.pop(0) if len(answers) > 1 else answers[0]).partition(" ")
        self.respond(int(status), answer.encode())

    do_GET = do_POST


@pytest.fixture(scope="module")
def apis() -> Iterator[str]:
    """The address that stands for `https:/` on the pages."""
    Apis.requests = set()
    Apis.answers = {}
    for _, run in DOCUMENTED_RUNS:
        for request, answer in run.requests:
            Apis.answers.setdefault(request, []).append(answer)
    with serving(Apis) as address:
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
    commands: Commands, imported: dict[str, str], folder: Path, apis: str
) -> dict[str, str]:
    """The ids of the examples, by name, all deployed; those that others call are deployed first."""
    ids = {example.placeholder: imported[example.name] for example in EXAMPLES}
    callers = [example for example in EXAMPLES if ids.keys() & set(strings(example.document))]
    others = [example for example in EXAMPLES if example not in callers]
    files = [(_file(folder, example, ids), imported[example.name]) for example in callers]
    commands(
        *_variables(imported, apis),
        *(["import_workflow", file, "--workflow", id_] for file, id_ in files),
    )
    for group in (*batched(others, 7), callers):
        for printed in commands(
            *(["deploy_workflow", imported[example.name]] for example in group)
        ):
            last = json.loads(printed.splitlines()[-1])
            assert last["stage"] == "COMPLETED", last
    return imported


def batched(values: list[Example], size: int) -> Iterator[list[Example]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _variables(ids: dict[str, str], apis: str) -> Iterator[list[str]]:
    """Yield the commands that set the variables which the pages name."""
    for example in EXAMPLES:
        for name, value in example.variables.items():
            address = value.replace("https:/", apis)
            yield ["set_variable", name, address, "--workflow", ids[example.name]]


def _file(folder: Path, example: Example, ids: dict[str, str]) -> str:
    """Save the document as a reader of the page does, with ids instead of their placeholders."""
    text = json.dumps(example.document)
    for placeholder, id_ in ids.items():
        text = text.replace(f'"{placeholder}"', f'"{id_}"')
    path = folder / f"{example.placeholder}.ir.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def runs(commands: Commands, deployed: dict[str, str], apis: str) -> list[dict[str, Any]]:
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
    _decide(commands, list(zip(workflows, started, strict=True)))
    queries = [
        ["describe_run", id_, run_id, "--json"]
        for (id_, _), run_id in zip(workflows, started, strict=True)
    ]
    return _ended_runs(commands, queries, apis)


def _decide(commands: Commands, runs: list[tuple[tuple[str, DocumentedRun], str]]) -> None:
    """Decide the approvals of runs, as soon as these wait for it."""
    pending = [
        ["decide_approval", id_, run_id, decision, "--fields", fields]
        for (id_, run), run_id in runs
        for decision, fields in run.decisions
    ]
    deadline = time.monotonic() + PATIENCE
    while pending and time.monotonic() < deadline:
        done = commands(*pending)
        pending = [command for command, text in zip(pending, done, strict=True) if not text]


def _ended_runs(commands: Commands, queries: list[list[str]], apis: str) -> list[dict[str, Any]]:
    """Wait for the end of all runs, and return them with the addresses of the pages."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        runs = [json.loads(printed.replace(apis, "https:/")) for printed in commands(*queries)]
        if {run["status"] for run in runs} <= ENDED:
            return runs
    raise AssertionError(f"runs do not end: {runs}")


def _workflow_runs() -> list[tuple[Example, DocumentedRun]]:
    return [(example, run) for example, run in DOCUMENTED_RUNS if not example.is_script]


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.usefixtures("runs")
def test_requests_are_sent_as_the_pages_show() -> None:
    requests = {request for _, run in DOCUMENTED_RUNS for request, _ in run.requests}

    assert Apis.requests == requests


@pytest.mark.long
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
