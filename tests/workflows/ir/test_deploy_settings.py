"""Deploy settings are read strictly: everything that Cloudflare or wrangler rejects is a problem."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.ir.deploy.deploy_settings import (
    COMPATIBILITY_DATE,
    Consumer,
    DeploySettings,
    InvalidSettings,
    Route,
    read_settings,
)
from workflows.ir.deploy.workflow_settings import WorkflowSettings

ROUTE = {"pattern": "api.example.com/orders/*", "zoneName": "example.com"}
COMPLETE: dict[str, Any] = {
    "routes": [ROUTE],
    "customDomains": ["orders.example.com"],
    "workersDev": False,
    "previewUrls": False,
    "compatibilityDate": "2025-01-31",
    "compatibilityFlags": [],
    "cronTriggers": [" 0  8 * * MON "],
    "placement": {"mode": "smart"},
    "limits": {"cpuMs": 500},
    "observability": {"enabled": False, "headSamplingRate": 0.5},
    "logpush": True,
    "queueConsumers": [
        {
            "queue": "jobs",
            "maxBatchSize": 5,
            "maxBatchTimeout": 0,
            "maxRetries": 3,
            "deadLetterQueue": "lost",
            "maxConcurrency": 7,
        }
    ],
    "workflow": {
        "concurrencyLimit": 10,
        "stepLimit": 500,
        "successRetention": "3 days",
        "errorRetention": 1000,
        "schedules": ["0  8 * * *", "0 8 * * *", "30 7 * * *"],
        "jurisdiction": "eu",
    },
}
PARSED = DeploySettings(
    routes=(Route(pattern="api.example.com/orders/*", zone="example.com"),),
    custom_domains=("orders.example.com",),
    workers_dev=False,
    preview_urls=False,
    compatibility_date="2025-01-31",
    compatibility_flags=(),
    crons=("0 8 * * MON",),
    placement="smart",
    cpu_ms=500,
    observability=False,
    sampling_rate=0.5,
    logpush=True,
    consumers=(
        Consumer(
            queue="jobs",
            max_batch_size=5,
            max_batch_timeout=0,
            max_retries=3,
            dead_letter_queue="lost",
            max_concurrency=7,
        ),
    ),
    workflow=WorkflowSettings(
        concurrency_limit=10,
        step_limit=500,
        success_retention=3 * 86_400_000,
        error_retention=1000,
        schedules=("0 8 * * *", "30 7 * * *"),
        jurisdiction="eu",
    ),
)


MANY_CRONS = [f"{number % 60} {number // 60} * * *" for number in range(101)]


def problems(value: Any) -> list[str]:
    """Return the problems of the settings, each with its path."""
    try:
        read_settings(value)
    except InvalidSettings as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


def test_empty_settings_have_all_defaults() -> None:
    assert read_settings({}) == DeploySettings()
    assert DeploySettings().compatibility_date == COMPATIBILITY_DATE


def test_every_setting_is_read() -> None:
    assert read_settings(COMPLETE) == PARSED


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_settings_must_be_an_object(value: object) -> None:
    assert problems(value) == ["settings: must be an object: {}"]


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", ["\ud800", 1.5, {"x": 1}, [None], [[1]]])
def test_every_problem_names_its_setting(name: str, value: object) -> None:
    assert all(name in problem for problem in problems({name: value}))


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"worker_dev": False}, "worker_dev"),
        ({"routes": [ROUTE | {"zone": "x"}]}, "routes.0.zone"),
        ({"placement": {"region": "x"}}, "placement.region"),
        ({"limits": {"cpu_ms": 100}}, "limits.cpu_ms"),
        ({"observability": {"sampling": 1}}, "observability.sampling"),
        ({"queueConsumers": [{"queue": "jobs", "retryDelay": 1}]}, "queueConsumers.0.retryDelay"),
        ({"workflow": {"locationHint": "weur"}}, "workflow.locationHint"),
    ],
)
def test_an_unknown_setting_is_a_problem(settings: dict[str, Any], path: str) -> None:
    assert problems(settings) == [f"{path}: is not a deploy setting"]


@pytest.mark.parametrize(
    "pattern",
    [
        "*.example.com/*",
        "example.com",
        "example.com/",
        "*example.com/a*",
        "https://api.example.com/v1/*",
        "API.example.com/Orders/*",
    ],
)
def test_routes_that_cloudflare_accepts_are_accepted(pattern: str) -> None:
    assert problems({"routes": [ROUTE | {"pattern": pattern}]}) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("api.example.com:8080/*", "cannot have a port"),
        ("api.example.com/a?b=*", "a query (?)"),
        ("api.example.com/ a", "cannot have spaces"),
        ("api.*.example.com/*", "must start with a host"),
        ("api.example.com/*/orders", "must be at its end"),
        ("/orders/*", "must start with a host"),
        ("api.other.org/*", "does not belong to the zone example.com"),
        ("notexample.com/*", "does not belong to the zone"),
        ("", "must not be empty"),
    ],
)
def test_routes_that_cloudflare_rejects_are_problems(pattern: str, expected: str) -> None:
    (problem,) = problems({"routes": [ROUTE | {"pattern": pattern}]})

    assert problem.startswith("routes.0.pattern: ")
    assert expected in problem


def test_a_route_is_unique_and_has_a_zone() -> None:
    assert "is listed twice" in problems({"routes": [ROUTE, ROUTE]})[0]
    assert problems({"routes": [{"pattern": "a.example.com/*"}]})[0].startswith("routes.0.zoneName")
    assert "must be a domain" in problems({"routes": [ROUTE | {"zoneName": "https://x"}]})[0]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("*.example.com", "cannot have a wildcard"),
        ("example.com/orders", "cannot have a path"),
        ("Example.com", "lowercase host name"),
        ("localhost", "must be a lowercase host name"),
        ("a..example.com", "must be a lowercase host name"),
        ("-a.example.com", "must be a lowercase host name"),
    ],
)
def test_custom_domains_that_wrangler_rejects_are_problems(domain: str, expected: str) -> None:
    (problem,) = problems({"customDomains": [domain]})

    assert problem.startswith("customDomains.0: ")
    assert expected in problem


@pytest.mark.parametrize("day", ["2021-11-01", "2026-11-02", "2025-13-01", "2025-1-1", "20250101"])
def test_a_compatibility_date_must_be_a_tested_date(day: str) -> None:
    assert problems({"compatibilityDate": day})[0].startswith("compatibilityDate: ")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"limits": {"cpuMs": 9}}, "limits.cpuMs"),
        ({"limits": {"cpuMs": 300_001}}, "limits.cpuMs"),
        ({"limits": {"cpuMs": True}}, "limits.cpuMs"),
        ({"workflow": {"concurrencyLimit": 0}}, "workflow.concurrencyLimit"),
        ({"workflow": {"concurrencyLimit": 50_001}}, "workflow.concurrencyLimit"),
        ({"workflow": {"stepLimit": 25_001}}, "workflow.stepLimit"),
        ({"workflow": {"stepLimit": "10"}}, "workflow.stepLimit"),
        ({"workflow": {"successRetention": "31 days"}}, "workflow.successRetention"),
        ({"workflow": {"successRetention": 0}}, "workflow.successRetention"),
        ({"workflow": {"errorRetention": "soon"}}, "workflow.errorRetention"),
        ({"workflow": {"errorRetention": True}}, "workflow.errorRetention"),
        ({"workflow": {"jurisdiction": "moon"}}, "workflow.jurisdiction"),
        ({"workflow": {"jurisdiction": ["eu"]}}, "workflow.jurisdiction"),
        ({"workflow": {"schedules": ["* * *"]}}, "workflow.schedules.0"),
        ({"workflow": {"schedules": MANY_CRONS}}, "workflow.schedules"),
        ({"observability": {"headSamplingRate": 1.1}}, "observability.headSamplingRate"),
        ({"observability": {"headSamplingRate": "1"}}, "observability.headSamplingRate"),
        ({"placement": {"mode": "fast"}}, "placement.mode"),
        ({"cronTriggers": ["0 8 * *"]}, "cronTriggers.0"),
        ({"cronTriggers": ["0 8 * * 0"]}, "cronTriggers.0"),
        ({"cronTriggers": [""]}, "cronTriggers.0"),
        ({"cronTriggers": "0 8 * * *"}, "cronTriggers"),
        ({"compatibilityFlags": ["Node Compat"]}, "compatibilityFlags.0"),
        ({"workersDev": "yes"}, "workersDev"),
        ({"logpush": 1}, "logpush"),
    ],
)
def test_a_problem_of_a_value_has_its_path(settings: dict[str, Any], path: str) -> None:
    (problem,) = problems(settings)

    assert problem.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("maxBatchSize", 0),
        ("maxBatchSize", 101),
        ("maxBatchTimeout", 61),
        ("maxRetries", -1),
        ("maxRetries", 101),
        ("maxConcurrency", 0),
        ("maxConcurrency", 251),
        ("queue", "Jobs"),
        ("deadLetterQueue", "-lost"),
        ("deadLetterQueue", "jobs"),
    ],
)
def test_a_consumer_keeps_to_the_limits_of_cloudflares_queues(key: str, value: object) -> None:
    (problem,) = problems({"queueConsumers": [{"queue": "jobs"} | {key: value}]})

    assert problem.startswith(f"queueConsumers.0.{key}: ")


def test_a_queue_has_only_one_consumer() -> None:
    (problem,) = problems({"queueConsumers": [{"queue": "jobs"}, {"queue": "jobs"}]})

    assert "already has a consumer" in problem


def test_all_problems_are_reported_together() -> None:
    messages = problems({"x": 1, "limits": {"cpuMs": 1}, "customDomains": ["*"], "routes": [{}]})

    assert len(messages) == 5
