"""Adding, changing and deleting the saved tests of a draft."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from audit.trail import Actor
from runs.models import TestResult
from runs.services.control import Refused
from runs.test_runs.services import check_not_project
from toolchain.redaction import redact_json
from workflows import drafts
from workflows.audit_entries import record_workflow
from workflows.documents.saved_tests.reading import InvalidTests, read_test
from workflows.editing.document import refusals
from workflows.ir.reading.problems import quoted
from workflows.masked_values import masked_values
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]
_NOT_INVENTED: Final = (
    "The test contains the value of a secret. Replace it with an invented value, and set the variable "
    "to it in “variables”."
)
_CHANGED: Final = "Someone else has changed this test. Copy what you need from it, then save again: that replaces it."
_IN_LIST: Final = re.compile(r"^tests\.[0-9]+\.")
"""The place of a test among all tests, which says nothing to its author."""
_NO_TREE: Final = "The nodes of the draft are not connected in a way that can run."


def save_test(
    workflow: Workflow, test: Any, *, replaces: str = "", before: str = "", by: User
) -> str:
    """Add a test to the draft, or replace the one with the name `replaces`; return its name.

    `before` is the fingerprint of the test that was edited. Raises Refused for an invalid test, a name
    that another test has, or a secret in it, and if the test is no longer the one that was edited.
    """
    try:
        name = read_test(test).name
    except InvalidTests as invalid:
        raise Refused("\n".join(map(str, invalid.problems))) from None
    if redact_json(test, masked_values(workflow.pk)) != test:
        raise Refused(_NOT_INVENTED)

    def change(tests: list[JsonObject]) -> list[JsonObject]:
        new = {**test, "name": name}
        if not replaces:
            return [*tests, new]
        if before and fingerprint(_named(tests, replaces)) not in (before, fingerprint(new)):
            raise refusals.Refused(_CHANGED)
        return _with(tests, replaces, lambda _old: new)

    summary = f"Changed the test “{name}”" if replaces else f"Added the test “{name}”"
    _change(workflow, change, summary=summary, action="test saved", name=name, by=by)
    return name


def delete_test(workflow: Workflow, name: str, *, by: User) -> None:
    """Delete a test of the draft; versions keep theirs."""

    def change(tests: list[JsonObject]) -> list[JsonObject]:
        _named(tests, name)
        return [each for each in tests if each["name"] != name]

    summary = f"Deleted the test “{name}”"
    _change(workflow, change, summary=summary, action="test deleted", name=name, by=by)


def accept(workflow: Workflow, result: TestResult, *, by: User) -> None:
    """Make the test of a result expect what happened in it. Raises Refused if that is not known."""
    if not result.actual:
        raise Refused("What happened in this run of the test was not stored. Run the test again.")

    def accepted(test: JsonObject) -> JsonObject:
        return {**test, "expect": _accepted(test.get("expect", {}), result.actual)}

    def change(tests: list[JsonObject]) -> list[JsonObject]:
        return _with(tests, result.name, accepted)

    summary = f"Accepted the result of the test “{result.name}”"
    _change(workflow, change, summary=summary, action="test accepted", name=result.name, by=by)


def fingerprint(test: JsonObject) -> str:
    """Return a text that changes with the test."""
    return sha256(json.dumps(test, sort_keys=True).encode()).hexdigest()


def _named(tests: list[JsonObject], name: str) -> JsonObject:
    """Return the test with the name; raises Refused if there is none."""
    for test in tests:
        if test["name"] == name:
            return test
    raise refusals.Refused(f"The test {quoted(name)} has been deleted or renamed in the meantime.")


def _with(
    tests: list[JsonObject], name: str, change: Callable[[JsonObject], JsonObject]
) -> list[JsonObject]:
    """Return the tests, of which the one with the name is changed; raises Refused if there is none."""
    old = _named(tests, name)
    return [change(test) if test is old else test for test in tests]


def _accepted(expect: JsonObject, actual: JsonObject) -> JsonObject:
    """Return the new expectation; it has the same parts, and keeps JSON Schemas."""
    accepted = {
        key: value for key, value in actual.items() if key in expect or key in ("status", "error")
    }
    outputs = {
        id_: old if "schema" in old else actual.get("outputs", {}).get(id_)
        for id_, old in expect.get("outputs", {}).items()
    }
    if "outputs" in expect:
        accepted["outputs"] = {id_: new for id_, new in outputs.items() if new}
    if "schema" in expect.get("output", {}) and actual["status"] == "complete":
        accepted["output"] = expect["output"]
    return accepted


def _change(
    workflow: Workflow,
    change: Callable[[list[JsonObject]], list[JsonObject]],
    *,
    summary: str,
    action: str,
    name: str,
    by: User,
) -> None:
    check_not_project(workflow.kind)

    def record() -> None:
        record_workflow(action, workflow, by=Actor.of(by), test=name)

    try:
        drafts.change_tests(workflow.pk, change, summary=summary, by=by, on_store=record)
    except refusals.Refused as refused:
        raise Refused(_IN_LIST.sub("", str(refused))) from None
    except refusals.NotEditable:
        raise Refused(_NO_TREE) from None
