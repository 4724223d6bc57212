"""Runs saved tests, and keeps their results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from django.utils.crypto import salted_hmac

from audit.trail import Actor
from runs import statuses
from runs.models import TestResult, TestRun
from runs.saved_tests.observing import made_request, observe
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from runs.test_runs.progress import TestProgress, output_of, progress_of
from runs.test_runs.services import TestInput
from targets.cloudflare import test_runs
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import NoTarget
from toolchain.redaction import redact, redact_json
from workflows.audit_entries import record_workflow
from workflows.documents.saved_tests.checking import differences
from workflows.documents.saved_tests.making import make_test
from workflows.documents.saved_tests.model import Difference, Observed, SavedTest
from workflows.documents.saved_tests.reading import InvalidTests, read_tests
from workflows.draft_code import node_names
from workflows.masked_values import masked_values
from workflows.node_types.registered import snapshot
from workflows.picture.states import NodeState, State

MAX_SECONDS: Final = 60.0
MAX_TOTAL_SECONDS: Final = 240.0
_POLL: Final = 0.1  # seconds
KEPT_RESULTS: Final = 5  # of each test
_MAX_ACTUAL: Final = 500_000  # characters
_TOO_LONG: Final = (
    f"The tests take more than {MAX_TOTAL_SECONDS:.0f} seconds in total. Run them one by one first: a "
    "test that has passed is not run again before a deployment."
)
_NOT_A_RESULT: Final = (services.TooManyTestRuns, services.NotTestable, NoTarget)
_OF_THE_PLATFORM: Final = (Cause.UNREACHABLE, Cause.RATE_LIMIT, Cause.CREDENTIALS, Cause.PERMISSION)
_NOT_CONTENT: Final = frozenset({"tests"})

Learn = Callable[[SavedTest, Observed], SavedTest]
"""Takes a test and what happened in a run of it, and returns the test that replaces it."""


def saved_tests(runnable: Runnable) -> dict[str, SavedTest]:
    """Return the tests by name; raises InvalidTests if something other than the pages stored them."""
    return {test.name: test for test in read_tests(runnable.content["tests"])}


def run_test(
    runnable: Runnable, test: SavedTest, *, by: Actor, learn: Learn | None = None
) -> TestResult:
    """Run a test on the embedded platform, wait for its end, and store the result.

    If something differs, `learn` returns the test with which the run is compared instead. A workflow that
    cannot be built fails the test. Raises DeployError if the platform is off or does not respond, or if it
    has too many test runs.
    """
    started = time.monotonic()
    progress, observed = None, None
    found = _unknown_nodes(runnable, test)
    if not found:
        progress, observed, found = _tried(runnable, test, by=by)
    if learn and observed and found:
        test = learn(test, observed)
        found = _differences(runnable, test, observed)
    result = TestResult.objects.create(
        workflow=runnable.workflow,
        name=test.name,
        key=_keys(runnable, [test], by=by)[test.name],
        passed=not found,
        differences=[each.as_json() for each in found],
        states=_states(progress, found),
        ir=runnable.ir,
        node_types=snapshot(runnable.ir),
        actual=_actual(test, observed) if observed else {},
        seconds=time.monotonic() - started,
        by_name=by.name,
    )
    _remove_old(result)
    record_workflow("test run", runnable.workflow, by=by, test=test.name, passed=result.passed)
    return result


def _tried(
    runnable: Runnable, test: SavedTest, *, by: Actor
) -> tuple[TestProgress | None, Observed | None, tuple[Difference, ...]]:
    try:
        progress, observed = execute(runnable, test, by=by)
    except DeployError as error:
        if isinstance(error, _NOT_A_RESULT) or error.cause in _OF_THE_PLATFORM:
            raise
        findings = [each for each in error.as_findings() if not each.is_warning]
        found = (Difference(message=str(each), node_id=each.node_id) for each in findings)
        return None, None, tuple(found)
    if observed is None:
        message = f"The run did not end within {MAX_SECONDS:.0f} seconds."
        return progress, None, (Difference(message=message),)
    return progress, observed, _differences(runnable, test, observed)


def _differences(runnable: Runnable, test: SavedTest, observed: Observed) -> tuple[Difference, ...]:
    names = node_names(runnable.ir)
    return differences(test, observed, lambda id_: names.get(id_, id_))


def execute(
    runnable: Runnable, test: SavedTest, *, by: Actor
) -> tuple[TestProgress, Observed | None]:
    """Run a test, and return what happened; None instead if the run did not end in time."""
    run = services.start_run(runnable, _input(test), by=by)
    try:
        _wait(run)
        progress = progress_of(run)
        if progress.problem:
            raise DeployError(progress.problem, cause=Cause.UNREACHABLE)
        return progress, observed_of(progress) if progress.is_over else None
    finally:
        services.remove(run)


def _input(test: SavedTest) -> TestInput:
    return TestInput(
        payload=test.payload,
        pins=test.pins,
        speed=test.speed,
        saved_test=test.name,
        requests=test.requests,
        variables=test.variables,
    )


def _wait(run: TestRun) -> None:
    end = time.monotonic() + MAX_SECONDS
    while time.monotonic() < end:
        data = services.read(run)
        if data is None or statuses.is_final(str(data.get("status"))):
            return
        time.sleep(_POLL)


def observed_of(progress: TestProgress) -> Observed:
    """Return what a test run has done, with secrets masked."""
    run = progress.run
    made = test_runs.requests(services.quick_account(), run.worker_name)
    masked: list[Mapping[str, Any]] = redact_json(made, masked_values(run.workflow_id))
    return observe(
        progress.data,
        progress.steps,
        progress.calls,
        ir=progress.ir,
        full_output=lambda step: output_of(run, step),
        requests=map(made_request, masked),
    )


def _unknown_nodes(runnable: Runnable, test: SavedTest) -> tuple[Difference, ...]:
    unknown = sorted(test.nodes - node_names(runnable.ir).keys())
    return tuple(
        Difference(message=f'The test names the node "{id_}", which the workflow does not have.')
        for id_ in unknown
    )


def _states(progress: TestProgress | None, found: tuple[Difference, ...]) -> dict[str, Any]:
    """Return the states of the nodes as JSON; those with differences are marked."""
    states: dict[str, NodeState] = dict(progress.states) if progress else {}
    for each in found:
        if each.node_id:
            states[each.node_id] = NodeState(state=State.PROBLEM, note="differs from the test")
    return {id_: asdict(state) for id_, state in states.items()}


def states_of(result: TestResult) -> dict[str, NodeState]:
    """Return the states of the nodes of a stored result."""
    return {
        id_: NodeState(**{**state, "state": State(state["state"])})
        for id_, state in result.states.items()
    }


def _actual(test: SavedTest, observed: Observed) -> dict[str, Any]:
    """Return what the test would have to expect to pass; {} if that is too large to be stored."""
    made = make_test(
        observed,
        name=test.name,
        payload=None,
        speed=None,
        variables={},
        pins={id_: pin.as_json() for id_, pin in test.pins.items()},
        with_requests=False,
    )
    expect: dict[str, Any] = made["expect"]
    return expect if len(json.dumps(expect)) <= _MAX_ACTUAL else {}


def _keys(runnable: Runnable, tests: Iterable[SavedTest], *, by: Actor) -> dict[str, str]:
    """Return a key for each test that changes with all that its result depends on but other services.

    They are the same in every process.
    """
    content = {name: part for name, part in runnable.content.items() if name not in _NOT_CONTENT}
    stored = services.stored_variables(runnable, by)
    base = [content, runnable.workflow.class_name]
    keys: dict[str, str] = {}
    for test in tests:
        source = {key: value for key, value in test.source.items() if key != "name"}
        values = sorted(
            (name, item.value, item.is_secret)
            for name, item in stored.items()
            if name not in test.variables
        )
        text = json.dumps([*base, values, source], sort_keys=True)
        keys[test.name] = salted_hmac("saved test", text, algorithm="sha256").hexdigest()
    return keys


def _remove_old(result: TestResult) -> None:
    same = TestResult.objects.filter(workflow=result.workflow_id, name=result.name)
    kept = list(same.values_list("pk", flat=True)[:KEPT_RESULTS])
    same.filter(pk__lt=min(kept)).delete()


def known_results(runnable: Runnable, *, by: Actor) -> dict[str, TestResult | None]:
    """Return the newest result for exactly this content, by the name of the test; None if there is none."""
    try:
        tests = saved_tests(runnable)
    except InvalidTests:
        return {}
    keys = _keys(runnable, tests.values(), by=by)
    rows = TestResult.objects.filter(workflow=runnable.workflow, key__in=keys.values())
    secrets = masked_values(runnable.workflow.pk)
    found = {row.key: without_later_secrets(row, secrets) for row in rows.order_by("pk")}
    return {name: found.get(key) for name, key in keys.items()}


def without_later_secrets(result: TestResult, secrets: frozenset[str]) -> TestResult:
    """Mask the values in a result that have become secrets since, and return it."""
    result.differences = [
        {**each, "message": redact(str(each["message"]), secrets)} for each in result.differences
    ]
    result.actual = redact_json(result.actual, secrets)
    return result


def run_all(
    runnable: Runnable, tests: Iterable[SavedTest], *, by: Actor, again: bool = True
) -> Iterator[TestResult]:
    """Run tests one after the other, and yield each result.

    Unless they run `again`, one that has passed with this content keeps its result. Raises DeployError
    like `run_test`, and if all of them together take too long.
    """
    known = {} if again else known_results(runnable, by=by)
    end = time.monotonic() + MAX_TOTAL_SECONDS
    for test in tests:
        result = known.get(test.name)
        if result and result.passed:
            yield result
            continue
        if time.monotonic() > end:
            raise DeployError(_TOO_LONG, cause=Cause.TIMEOUT)
        yield run_test(runnable, test, by=by)
