"""Gradual deployments: requests are split between two versions of a Worker."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.local_cloudflare.support.workers import (
    deploy_worker,
    live_version,
    upload,
    wait_until,
)
from tests.support.platform_fixture import Platform, error_codes, start_platform

MODULE = "application/javascript+module"


def code(answer: str) -> str:
    return f"export default {{ fetch() {{ return new Response({answer!r}) }} }}"


def upload_version(platform: Platform, name: str, code: str, **annotations: str) -> str:
    """Upload a version without deploying it; return its id."""
    metadata = {
        "main_module": "worker.js",
        "compatibility_date": "2026-11-01",
        "annotations": {f"workers/{key}": value for key, value in annotations.items()},
    }
    files = {
        "metadata": (None, json.dumps(metadata)),
        "worker.js": ("worker.js", code, MODULE),
    }
    response = platform.api("POST", f"workers/scripts/{name}/versions", files=files)
    assert response.status_code == 200, response.text
    return str(response.json()["result"]["id"])


def split(platform: Platform, name: str, **shares: float) -> httpx.Response:
    """Deploy versions with these percentages."""
    versions = [{"version_id": id_, "percentage": share} for id_, share in shares.items()]
    body = {"strategy": "percentage", "versions": versions}
    return platform.api("POST", f"workers/scripts/{name}/deployments", json=body)


def two_versions(platform: Platform, name: str) -> tuple[str, str]:
    """Deploy a Worker that answers "old", and upload a version that answers "new"."""
    deploy_worker(platform, name, code("old"))
    return live_version(platform, name), upload_version(platform, name, code("new"))


def answers(platform: Platform, name: str, number: int = 32) -> Counter[str]:
    return Counter(platform.fetch(name).text for _ in range(number))


def with_key(platform: Platform, name: str) -> dict[int, str]:
    """Return the responses to 40 requests, each with a different key."""
    keys = range(40)
    headers = [{"Cloudflare-Workers-Version-Key": f"user-{key}"} for key in keys]
    return {key: platform.fetch(name, headers=headers[key]).text for key in keys}


def test_both_versions_answer_requests(platform: Platform) -> None:
    old, new = two_versions(platform, "split-half")

    response = split(platform, "split-half", **{old: 50, new: 50})

    assert response.json()["result"]["versions"] == [
        {"version_id": old, "percentage": 50},
        {"version_id": new, "percentage": 50},
    ]
    assert set(answers(platform, "split-half")) == {"old", "new"}


def test_a_version_without_a_share_only_answers_requests_that_name_it(platform: Platform) -> None:
    old, new = two_versions(platform, "split-override")
    assert split(platform, "split-override", **{old: 100, new: 0}).status_code == 200

    def overridden(value: str) -> str:
        headers = {"Cloudflare-Workers-Version-Overrides": value}
        return platform.fetch("split-override", headers=headers).text

    assert set(answers(platform, "split-override")) == {"old"}
    assert overridden(f'split-override="{new}"') == "new"
    assert overridden(f'other="x", split-override="{new}"') == "new"
    assert overridden(f'split-override="{old[:-1]}"') == "old"
    assert overridden(f"split-override={new}") == "old"


def test_a_key_keeps_its_version_while_the_share_of_the_new_one_grows(platform: Platform) -> None:
    old, new = two_versions(platform, "split-key")
    split(platform, "split-key", **{old: 70, new: 30})
    first = with_key(platform, "split-key")

    assert with_key(platform, "split-key") == first
    assert set(first.values()) == {"old", "new"}

    split(platform, "split-key", **{old: 30, new: 70})
    second = with_key(platform, "split-key")
    moved = {(first[key], second[key]) for key in first}
    assert moved == {("old", "old"), ("old", "new"), ("new", "new")}


COUNTING = """
let count = 0;
export default {
  scheduled() { count += 1 },
  queue() { count += 1 },
  fetch() { return new Response(String(count)) },
}
"""


def counting_versions(platform: Platform, name: str) -> tuple[str, str]:
    """Deploy two versions, for half of the requests each, that count what they handle."""
    deploy_worker(platform, name, COUNTING)
    ids = live_version(platform, name), upload_version(platform, name, COUNTING)
    split(platform, name, **dict.fromkeys(ids, 50))
    return ids


def counts(platform: Platform, name: str, ids: tuple[str, str]) -> list[int]:
    """Return what each version has counted."""
    headers = [{"Cloudflare-Workers-Version-Overrides": f'{name}="{id_}"'} for id_ in ids]
    return [int(platform.fetch(name, headers=each).text) for each in headers]


@pytest.mark.long
def test_schedules_are_split_as_well(platform: Platform) -> None:
    ids = counting_versions(platform, "split-cron")

    for _ in range(32):
        assert platform.fetch("split-cron", "/cdn-cgi/handler/scheduled").status_code == 200

    found = counts(platform, "split-cron", ids)
    assert sum(found) == 32
    assert all(found)


@pytest.mark.long
def test_messages_of_a_queue_are_split_as_well(platform: Platform) -> None:
    name = "split-queue"
    ids = counting_versions(platform, name)
    queue = platform.api("POST", "queues", json={"queue_name": name}).json()["result"]["queue_id"]
    settings = {"batch_size": 1, "max_wait_time_ms": 0}
    body = {"type": "worker", "script_name": name, "settings": settings}
    assert platform.api("POST", f"queues/{queue}/consumers", json=body).status_code == 200

    for _ in range(40):
        platform.api("POST", f"queues/{queue}/messages", json={"body": "x"})

    wait_until(lambda: sum(counts(platform, name, ids)) == 40)
    assert all(counts(platform, name, ids))


def test_a_deploy_ends_the_split(platform: Platform) -> None:
    old, new = two_versions(platform, "split-ended")
    split(platform, "split-ended", **{old: 50, new: 50})

    upload(platform, "split-ended", code("newest"))

    assert set(answers(platform, "split-ended")) == {"newest"}


@pytest.mark.long
def test_a_split_survives_a_restart(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    try:
        old, new = two_versions(first, "split-kept")
        split(first, "split-kept", **{old: 50, new: 50})
    finally:
        first.kill()
    second = start_platform(tmp_path)
    try:
        assert set(answers(second, "split-kept")) == {"old", "new"}
    finally:
        second.running.stop()


def test_a_version_that_does_not_start_leaves_the_deployment_as_it_was(platform: Platform) -> None:
    deploy_worker(platform, "split-broken", code("old"))
    old = live_version(platform, "split-broken")
    broken = upload_version(platform, "split-broken", 'throw new Error("no"); export default {}')

    response = split(platform, "split-broken", **{old: 50, broken: 50})

    assert error_codes(response) == [10021]
    assert set(answers(platform, "split-broken", 8)) == {"old"}


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ([60, 50], "must add up to 100, not 110"),
        ([100, -1], "must be a number from 0 to 100"),
        ([40, 30, 30], "must have 1 to 2 different versions"),
        ([], "must have 1 to 2 different versions"),
    ],
)
def test_an_impossible_split_is_refused(
    platform: Platform, shares: list[float], problem: str
) -> None:
    deploy_worker(platform, "split-refused", code("old"))
    ids = [live_version(platform, "split-refused")]
    ids += [upload_version(platform, "split-refused", code("new")) for _ in range(2)]

    response = split(platform, "split-refused", **dict(zip(ids, shares, strict=False)))

    assert response.status_code == 400
    assert problem in response.text
    assert set(answers(platform, "split-refused", 8)) == {"old"}


def test_secrets_cannot_be_changed_during_a_gradual_deployment(platform: Platform) -> None:
    old, new = two_versions(platform, "split-secret")
    split(platform, "split-secret", **{old: 50, new: 50})
    secret = {"name": "KEY", "text": "x", "type": "secret_text"}

    response = platform.api("PUT", "workers/scripts/split-secret/secrets", json=secret)

    assert error_codes(response) == [10215]


def preview(platform: Platform, name: str, *, is_enabled: bool = True) -> None:
    body = {"enabled": True, "previews_enabled": is_enabled}
    platform.api("POST", f"workers/scripts/{name}/subdomain", json=body)


def test_a_version_has_its_own_url(platform: Platform) -> None:
    old, new = two_versions(platform, "previewed")
    preview(platform, "previewed")

    assert platform.fetch(f"{new[:8]}-previewed").text == "new"
    assert platform.fetch(f"{old[:8]}-previewed").text == "old"
    assert set(answers(platform, "previewed", 8)) == {"old"}
    assert platform.fetch("00000000-previewed").status_code == 404


def test_an_alias_belongs_to_the_newest_version_with_it(platform: Platform) -> None:
    deploy_worker(platform, "aliased", code("old"))
    preview(platform, "aliased")
    upload_version(platform, "aliased", code("first"), alias="try-it")
    assert platform.fetch("try-it-aliased").text == "first"

    upload_version(platform, "aliased", code("second"), alias="try-it")

    assert platform.fetch("try-it-aliased").text == "second"
    assert set(answers(platform, "aliased", 8)) == {"old"}


def test_a_worker_without_previews_has_no_other_urls(platform: Platform) -> None:
    _, new = two_versions(platform, "unpreviewed")
    preview(platform, "unpreviewed", is_enabled=False)

    response = platform.fetch(f"{new[:8]}-unpreviewed")

    assert response.status_code == 404
    assert "has no preview URLs" in response.text


def test_a_preview_that_does_not_start_leaves_the_worker_running(platform: Platform) -> None:
    deploy_worker(platform, "preview-broken", code("old"))
    preview(platform, "preview-broken")
    broken = upload_version(platform, "preview-broken", 'throw new Error("no"); export default {}')

    response = platform.fetch(f"{broken[:8]}-preview-broken")

    assert (response.status_code, "did not start" in response.text) == (500, True)
    assert platform.fetch("preview-broken").text == "old"
