"""Raised events, results of tests, and deployments that are streamed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.conventions.schema import ApiSchema, BodySchema


class StartedRun(ApiSchema):
    """A run that an event has started, or why it could not be."""

    workflow_id: str
    instance_id: str | None = None
    error: str | None = None


class StartedRuns(ApiSchema):
    """One item for each workflow that listens to the event."""

    data: list[StartedRun]


class TestChoice(BodySchema):
    """What is tested: a version instead of the draft, one test instead of all of them."""

    version: int | None = Field(None, ge=1, le=2**31)
    test: str | None = None


class TestOutcomes(ApiSchema):
    """The results of the tests."""

    passed: bool
    data: list[dict[str, Any]]


class StreamQuery(ApiSchema):
    """With `named`, each stage is also sent as an event named `progress`, as AwaitStep's clients expect."""

    events: Literal["named"] | None = None


class StreamedDeployment(BodySchema):
    """Where and how to deploy; AwaitStep's clients send `connectionId`, the id of a target."""

    target: str | None = None
    connection_id: str | None = None
    version_id: str | None = None
    confirm: str = ""
    override_freeze: str = ""
    override_tests: str = ""
    config: dict[str, Any] | None = None
