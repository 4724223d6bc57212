"""Messages: sent by Workers and by the API, taken by consumers, kept until they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_cloudflare.support.queues import (
    PRODUCER,
    add_consumer,
    backlog_count,
    create_queue,
    deploy_consumer,
    producer_binding,
    push_message,
    received_messages,
)
from tests.local_cloudflare.support.workers import deploy_worker, group_pid, wait_for
from tests.support.platform_fixture import Platform, start_platform


def test_a_message_sent_by_the_api_reaches_its_consumer(platform: Platform) -> None:
    deploy_consumer(platform, "ear")
    queue = create_queue(platform, "to-ear")
    add_consumer(platform, queue, "ear")

    answer = push_message(platform, queue, {"order": 7})

    assert answer.metadata.metrics.backlog_count == 1
    [message] = received_messages(platform, "ear")
    assert message == {"queue": "to-ear", "body": {"order": 7}, "attempts": 1, "size": 1}


def test_a_worker_sends_every_kind_of_body(platform: Platform) -> None:
    deploy_consumer(platform, "kinds")
    add_consumer(platform, create_queue(platform, "to-kinds"), "kinds")
    deploy_worker(platform, "speaker", PRODUCER, producer_binding("to-kinds"))

    bodies: list[object] = [{"a": [1, None]}, "text", 3]
    for options in ({}, {"contentType": "json"}, {"contentType": "v8"}):
        sent = {"send": bodies, "options": options}
        assert platform.fetch("speaker", method="POST", json=sent).text == "sent"

    found = [json.dumps(message["body"]) for message in received_messages(platform, "kinds", 9)]
    assert sorted(found) == sorted(json.dumps(body) for body in bodies * 3)


def test_a_batch_is_as_large_as_its_settings_say(platform: Platform) -> None:
    deploy_consumer(platform, "batches")
    queue = create_queue(platform, "to-batches")
    add_consumer(platform, queue, "batches", batch_size=2, max_wait_time_ms=60_000)
    messages = [{"body": number, "content_type": "json"} for number in range(4)]

    platform.api("POST", f"queues/{queue}/messages/batch", json={"messages": messages})

    assert {message["size"] for message in received_messages(platform, "batches", 4)} == {2}


def test_a_failed_message_comes_again_and_ends_in_the_dead_letter_queue(platform: Platform) -> None:
    for name in ("fallible", "undertaker"):
        deploy_consumer(platform, name)
    queue = create_queue(platform, "to-fallible")
    add_consumer(platform, queue, "fallible", dead="graveyard", max_retries=2)
    graveyard = next(
        found
        for found in platform.client().queues.list(account_id=platform.account_id)
        if found.queue_name == "graveyard"
    )
    add_consumer(platform, str(graveyard.queue_id), "undertaker")

    push_message(platform, queue, {"fails": 2})
    push_message(platform, queue, {"fails": 3})

    [taken] = received_messages(platform, "fallible")
    [buried] = received_messages(platform, "undertaker")
    assert (taken["attempts"], taken["body"]) == (3, {"fails": 2})
    assert (buried["queue"], buried["body"]) == ("graveyard", {"fails": 3})


def test_messages_outlive_a_kill_and_a_time_without_consumer(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    deploy_consumer(first, "late")
    queue = create_queue(first, "patient")
    deploy_worker(first, "early", PRODUCER, producer_binding("patient"))
    first.fetch("early", method="POST", json={"send": ["by code"]})
    push_message(first, queue, "by the API", delay_seconds=1)
    first.kill()

    second = start_platform(tmp_path)
    add_consumer(second, queue, "late")
    bodies = {message["body"] for message in received_messages(second, "late", 2)}
    second.running.stop()

    assert bodies == {"by code", "by the API"}


def test_a_queue_that_waits_starts_its_group_with_the_platform(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    deploy_consumer(first, "sleeper")
    queue = create_queue(first, "slow")
    add_consumer(first, queue, "sleeper", max_wait_time_ms=3000)
    push_message(first, queue, "kept")
    first.kill()

    second = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    wait_for(lambda: backlog_count(second, queue), 0)
    second.running.stop()


def stopped(note: Path) -> None:
    """Return when the group's process is gone."""
    wait_for(lambda: "runs" if note.exists() else "stopped", "stopped")


def test_a_message_wakes_a_stopped_group_which_rests_when_it_is_taken(tmp_path: Path) -> None:
    quick = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    deploy_consumer(quick, "dozer")
    queue = create_queue(quick, "to-dozer")
    add_consumer(quick, queue, "dozer", max_wait_time_ms=2500)
    note = quick.state / "groups" / "worker-dozer" / "workerd.pid"
    stopped(note)

    push_message(quick, queue, "up")
    before = group_pid(quick, "worker-dozer")

    assert received_messages(quick, "dozer")[0]["body"] == "up"
    assert before
    stopped(note)
    quick.running.stop()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, 10207),
        ({"body": 1, "content_type": "v8"}, 10207),
        ({"body": 1, "delay_seconds": 90_000}, 10203),
        ({"body": "x" * 130_000}, 10204),
    ],
)
def test_a_wrong_message_has_cloudflares_code(
    platform: Platform, message: dict[str, object], code: int
) -> None:
    name = f"wrong-{code}-{len(message)}"
    answer = platform.api("POST", f"queues/{create_queue(platform, name)}/messages", json=message)

    assert answer.json()["errors"][0]["code"] == code


def test_a_worker_that_sends_too_much_is_told(platform: Platform) -> None:
    create_queue(platform, "narrow")
    deploy_worker(platform, "loud", PRODUCER, producer_binding("narrow"))

    answer = platform.fetch("loud", method="POST", json={"send": ["x" * 130_000]})

    assert answer.status_code == 500
    assert "128000" in answer.text or "Payload" in answer.text
