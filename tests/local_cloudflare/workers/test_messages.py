"""Messages of queues: sent by Workers and the API, and kept until a consumer receives them."""

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
from tests.local_cloudflare.support.workers import deploy_worker, pid_file, wait_for, wait_until
from tests.support.platform_fixture import Platform, error_codes, start_platform


def test_a_message_sent_by_the_api_reaches_its_consumer(platform: Platform) -> None:
    deploy_consumer(platform, "ear")
    queue = create_queue(platform, "to-ear")
    add_consumer(platform, queue, "ear")

    pushed = push_message(platform, queue, {"order": 7})

    assert pushed.metadata.metrics.backlog_count == 1
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

    received = [json.dumps(message["body"]) for message in received_messages(platform, "kinds", 9)]
    assert sorted(received) == sorted(json.dumps(body) for body in bodies * 3)


def test_a_batch_has_the_size_of_its_setting(platform: Platform) -> None:
    deploy_consumer(platform, "batches")
    queue = create_queue(platform, "to-batches")
    add_consumer(platform, queue, "batches", batch_size=2, max_wait_time_ms=60_000)
    messages = [{"body": number, "content_type": "json"} for number in range(4)]

    platform.api("POST", f"queues/{queue}/messages/batch", json={"messages": messages})

    assert {message["size"] for message in received_messages(platform, "batches", 4)} == {2}


def test_a_failed_message_is_retried_and_moved_to_the_dead_letter_queue(platform: Platform) -> None:
    for name in ("fallible", "dead-letters"):
        deploy_consumer(platform, name)
    queue = create_queue(platform, "to-fallible")
    add_consumer(platform, queue, "fallible", dead="dead-queue", max_retries=2)
    dead_queue = next(
        queue
        for queue in platform.client().queues.list(account_id=platform.account_id)
        if queue.queue_name == "dead-queue"
    )
    add_consumer(platform, str(dead_queue.queue_id), "dead-letters")

    push_message(platform, queue, {"fails": 2})
    push_message(platform, queue, {"fails": 3})

    [delivered] = received_messages(platform, "fallible")
    [dead] = received_messages(platform, "dead-letters")
    assert (delivered["attempts"], delivered["body"]) == (3, {"fails": 2})
    assert (dead["queue"], dead["body"]) == ("dead-queue", {"fails": 3})


@pytest.mark.long
def test_messages_survive_a_kill_and_a_time_without_a_consumer(tmp_path: Path) -> None:
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


@pytest.mark.long
def test_a_waiting_message_starts_its_group_with_the_platform(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    deploy_consumer(first, "sleeper")
    queue = create_queue(first, "slow")
    add_consumer(first, queue, "sleeper", max_wait_time_ms=3000)
    push_message(first, queue, "kept")
    first.kill()

    second = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    wait_for(lambda: backlog_count(second, queue), 0)
    second.running.stop()


@pytest.mark.long
def test_a_message_starts_a_stopped_group_which_stops_after_delivery(tmp_path: Path) -> None:
    quick = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    deploy_consumer(quick, "dozer")
    queue = create_queue(quick, "to-dozer")
    add_consumer(quick, queue, "dozer", max_wait_time_ms=2500)
    process_file = pid_file(quick, "worker-dozer")
    log = quick.state / "logs" / "worker-dozer.jsonl"
    wait_until(lambda: not process_file.exists())

    push_message(quick, queue, "up")

    wait_until(lambda: log.exists() and "received" in log.read_text())
    wait_until(lambda: not process_file.exists())
    assert received_messages(quick, "dozer")[0]["body"] == "up"
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
def test_an_invalid_message_is_refused_with_cloudflares_code(
    platform: Platform, message: dict[str, object], code: int
) -> None:
    name = f"wrong-{code}-{len(message)}"
    response = platform.api("POST", f"queues/{create_queue(platform, name)}/messages", json=message)

    assert error_codes(response) == [code]


def test_a_worker_that_sends_too_much_receives_an_error(platform: Platform) -> None:
    create_queue(platform, "narrow")
    deploy_worker(platform, "loud", PRODUCER, producer_binding("narrow"))

    response = platform.fetch("loud", method="POST", json={"send": ["x" * 130_000]})

    assert response.status_code == 500
    assert "128000" in response.text or "Payload" in response.text
