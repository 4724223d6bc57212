from __future__ import annotations

import pytest

from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.nodes.documents import parse


def warnings(drawn: Document) -> list[str]:
    parsed = parse(drawn)
    assert parsed.ir is not None
    return [str(problem) for problem in parsed.problems]


def _configured(**config: object) -> Document:
    return chain(node("a") | {"config": config})


@pytest.mark.parametrize(
    ("drawn", "path"),
    [
        (_configured(retry={"limit": 3}), "nodes.a.config.retry"),
        (_configured(retries={"limt": 2}), "nodes.a.config.retries.limt"),
        (chain(node("a"), trigger={"type": "http", "pth": "/x"}), "trigger.pth"),
        (
            chain(node("s", "sleep", duration=1) | {"config": {"timeout": 5}}),
            "nodes.s.config.timeout",
        ),
    ],
)
def test_a_setting_that_has_no_effect_is_told_wherever_it_stands(
    drawn: Document, path: str
) -> None:
    assert [warning.split(":")[0] for warning in warnings(drawn)] == [path]


def test_a_setting_of_an_arm_too() -> None:
    drawn = document([branch("b", x="true"), node("a")], "b a x")
    drawn["nodes"][0]["data"]["branches"][0]["when"] = "1"

    assert warnings(drawn)[0].startswith("nodes.b.data.branches.0.when: is not a setting")


@pytest.mark.parametrize("key", ["data", "config"])
def test_a_race_that_is_asked_to_run_again_warns_where_that_is_asked(key: str) -> None:
    race = node("r", "race")
    race["data"] |= {"retryLimit": 1} if key == "data" else {}
    race |= {"config": {"retries": {"limit": 1}}} if key == "config" else {}

    told = warnings(document([race, node("a"), node("b")], "r a x", "r b y"))

    path = {"data": "nodes.r.data.retryLimit", "config": "nodes.r.config.retries.limit"}[key]
    assert [warning.split(":")[0] for warning in told] == [path]


def test_what_stands_behind_a_break_that_always_leaves_is_told() -> None:
    drawn = chain(node("a"), node("stop", "break"), node("never"), node("nor"))

    assert warnings(drawn) == [
        'nodes.never: never runs, because "stop" before it always breaks: give that node a '
        "condition, or remove this one"
    ]
    assert not warnings(chain(node("stop", "break", condition="true"), node("a")))


@pytest.mark.parametrize(
    "url", ["/x", "ftp://x", "example.com", "{{ trigger.x }}/y", "http{{ trigger.s }}://x"]
)
def test_an_address_that_cannot_be_requested_is_told(url: str) -> None:
    told = warnings(chain(node("ask", "http_request", url=url)))

    assert bool(told) == ("{{" not in url)


@pytest.mark.parametrize("url", ["/x", "https://worker/x", "x"])
def test_a_path_is_enough_for_another_worker(url: str) -> None:
    told = warnings(chain(node("ask", "sub_script", workerName="w", url=url)))

    assert bool(told) == (url == "x")


def test_an_id_that_hides_what_a_run_was_given_is_told() -> None:
    assert "trigger of the run" in warnings(chain(node("trigger"), node("a")))[0]


def test_a_name_that_the_product_cannot_keep_is_refused() -> None:
    drawn = chain(node("a"))
    drawn["metadata"]["name"] = "x" * 257

    assert [problem.path for problem in parse(drawn).problems] == ["metadata.name"]
