"""Messages to receivers on loopback: signatures, retries, crashes, and what is recorded."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from email import message_from_string

import pytest
from django.core.mail.backends import smtp
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from alerts import services
from alerts.conditions import Condition
from alerts.delivery import guarded_http, outbox, senders
from alerts.delivery.dispatch import dispatch
from alerts.delivery.retries import DELAYS, MAX_ATTEMPTS, delay_after
from alerts.evaluation.evaluator import Evaluator
from alerts.models import AlertChannel, AlertDelivery
from audit.models import Entry
from audit.trail import Actor
from tests.alerts.examples import SECRET, end_deployment, make_channel, make_rule
from tests.alerts.receivers import (
    BUSY,
    ERROR,
    GONE,
    REDIRECT,
    RESET,
    SILENT,
    Receiver,
    mail_server,
    receiving,
)
from tests.support.audit_entries import entries
from workflows.services import set_variable

pytestmark = pytest.mark.django_db
ADA = Actor(name="Ada")


@pytest.fixture(autouse=True)
def allows_loopback(settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"alert_private_addresses": True})


def queue(channel: AlertChannel) -> AlertDelivery:
    """Let a rule fire, and return its message."""
    make_rule(Condition.DEPLOYMENT_FAILED, channel, name="Deploys <fail>")
    end_deployment(message="<!channel> & more")
    Evaluator().evaluate()
    dispatch()
    return AlertDelivery.objects.get()


def queue_for(receiver: Receiver, kind: str = "webhook") -> AlertDelivery:
    return queue(make_channel(kind, url=f"{receiver.url}/secret-path"))


def test_a_message_has_no_value_that_has_become_a_secret() -> None:
    with receiving() as receiver:
        delivery = queue_for(receiver)
        set_variable("TOKEN", "& more", is_secret=True)

        outbox.deliver(delivery)

    (request,) = receiver.requests
    assert "<!channel> •••" in request.json["data"]["alerts"][0]["reason"]


def attempt() -> AlertDelivery:
    """Make the next attempt now, whenever it is due."""
    AlertDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    (claimed,) = outbox.claim(10)
    outbox.deliver(claimed)
    return AlertDelivery.objects.get()


def test_the_receiver_verifies_the_signature_of_a_webhook() -> None:
    with receiving() as receiver:
        queued = queue_for(receiver)
        sent = attempt()

    (request,) = receiver.requests
    body = Webhook(SECRET).verify(request.text, request.headers)
    assert (body["type"], request.headers["webhook-id"]) == ("alerts.changed", queued.message_id)
    (alert,) = body["data"]["alerts"]
    assert (alert["event"], alert["rule"], alert["count"]) == ("fired", "Deploys <fail>", 1)
    assert (sent.status, sent.answer_code, sent.error) == ("sent", 204, "")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.text + " ", request.headers)
    assert outbox.claim(10) == []


def test_the_signature_is_that_of_the_specification() -> None:
    body, at = '{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC)

    signature = Webhook(SECRET).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("behavior", [ERROR, RESET, SILENT, REDIRECT])
def test_a_message_that_was_not_accepted_is_sent_again_unchanged(
    behavior: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(behavior) as receiver:
        queue_for(receiver)
        with monkeypatch.context() as patch:
            patch.setattr(guarded_http, "TOTAL_SECONDS", 0.1 if behavior == SILENT else 30.0)
            failed = attempt()
        sent = attempt()

    assert (failed.status, failed.attempts, failed.next_attempt_at > timezone.now()) == (
        "waiting",
        1,
        True,
    )
    assert failed.error
    assert (sent.status, sent.attempts, sent.error) == ("sent", 2, "")
    first, second = receiver.requests
    assert (first.text, first.headers["webhook-id"]) == (
        second.text,
        second.headers["webhook-id"],
    )
    assert {request.path for request in receiver.requests} == {"/secret-path"}


def test_a_message_is_given_up_after_the_last_attempt_and_can_be_sent_again() -> None:
    with receiving(*[ERROR] * MAX_ATTEMPTS) as receiver:
        queue_for(receiver)
        for _ in range(MAX_ATTEMPTS):
            failed = attempt()
        assert (failed.status, failed.answer_code) == ("failed", 500)
        assert outbox.claim(10) == []

        assert services.try_again(failed, by=ADA)
        assert attempt().status == "sent"
        assert not services.try_again(failed, by=ADA)


def test_a_receiver_that_is_gone_is_not_tried_again() -> None:
    with receiving(GONE) as receiver:
        queue_for(receiver)

        assert attempt().status == "failed"


def test_a_receiver_that_asks_to_wait_gets_more_time() -> None:
    with receiving(BUSY) as receiver:
        queue_for(receiver)

        pause = attempt().next_attempt_at - timezone.now()

    assert pause > timedelta(minutes=29)


def test_pauses_grow_with_jitter_and_end() -> None:
    pauses = [delay_after(number, random=lambda least, most: most) for number in range(1, 9)]

    assert pauses == [*(delay * 1.2 for delay in DELAYS), None]
    assert delay_after(1, requested=1e9, random=lambda *_: 1.0) == timedelta(hours=1)
    assert len({delay_after(3) for _ in range(9)}) > 1


def test_a_crash_after_sending_sends_the_message_again_with_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as receiver:
        queue_for(receiver)
        (claimed,) = outbox.claim(10)
        senders.send(
            AlertChannel.objects.get(), claimed
        )  # and the process dies before it records that
        assert outbox.claim(10) == []  # its lease holds
        sent = attempt()

    assert (sent.status, sent.attempts) == ("sent", 2)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == 2


def test_a_process_that_was_late_records_nothing() -> None:
    with receiving(ERROR) as receiver:
        queue_for(receiver)
        (late,) = outbox.claim(10)
        AlertDelivery.objects.update(next_attempt_at=timezone.now())
        (current,) = outbox.claim(10)

        outbox.deliver(late)

    stored = AlertDelivery.objects.get()
    assert (stored.attempts, stored.error, stored.status) == (current.attempts, "", "waiting")


def test_a_message_that_ends_every_process_is_given_up() -> None:
    queue(make_channel())
    AlertDelivery.objects.update(attempts=MAX_ATTEMPTS)

    failed = attempt()

    assert (failed.status, failed.error) == (
        "failed",
        "The server was stopped while it was sending the message.",
    )


def test_only_one_of_two_processes_claims_a_message() -> None:
    queue(make_channel())

    assert [len(outbox.claim(10)) for _ in range(2)] == [1, 0]


def test_slack_gets_text_in_which_nothing_is_a_mention_or_a_link() -> None:
    with receiving() as receiver:
        queue_for(receiver, "slack")
        attempt()

    text = receiver.requests[0].json["text"]
    assert "&lt;!channel&gt; &amp; more" in text
    assert "|Fired: Deploys &lt;fail&gt;: " in text
    assert "webhook-signature" not in receiver.requests[0].headers


def test_private_addresses_are_refused_unless_they_are_allowed(settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"alert_private_addresses": False})
    with receiving() as receiver:
        queue_for(receiver, "slack")

        failed = attempt()

    assert (failed.status, receiver.requests) == ("failed", [])
    assert failed.error.startswith("The host has a private, loopback or link-local address")


def test_no_secret_is_in_a_log_an_error_or_the_audit_trail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="alerts")
    with receiving(ERROR, GONE) as receiver:
        channel = make_channel(url=f"{receiver.url}/secret-path")
        queue(channel)
        attempt()
        failed = attempt()
        services.send_test(channel, by=ADA)

    texts = [caplog.text, failed.error, json.dumps(failed.notices), repr(channel)]
    texts += [json.dumps(entry.detail) for entry in Entry.objects.all()]
    assert not any("secret-path" in text or SECRET in text for text in texts)


def test_an_error_that_nobody_expected_is_recorded_without_its_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("https://hooks.example.com/secret-path")

    monkeypatch.setattr(guarded_http, "post", fail)
    queue(make_channel())

    assert attempt().error.startswith("The message could not be sent because of an internal error")
    assert "RuntimeError" in caplog.text
    assert "secret-path" not in caplog.text


def test_the_message_of_a_deleted_channel_is_given_up() -> None:
    channel = make_channel()
    queue(channel)
    channel.delete()

    assert (attempt().status, attempt_error()) == ("failed", "The channel was deleted.")


def attempt_error() -> str:
    return AlertDelivery.objects.get().error


def use_mail_server(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = f"{smtp.__name__}.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = False


def test_an_email_is_sent_again_if_the_mail_server_refuses_it(settings: Settings) -> None:
    with mail_server(b"451 try later\r\n") as mails:
        use_mail_server(settings, mails.port)
        queued = queue(make_channel("email"))
        failed, sent = attempt(), attempt()

    assert (failed.status, failed.answer_code) == ("waiting", 451)
    assert (sent.status, sent.error) == ("sent", "")
    message = message_from_string(mails.messages[0])
    assert queued.message_id in message["Message-ID"]
    assert message["Subject"].startswith("AwaitStep: Fired: Deploys <fail>")
    assert message["To"] == "ops@example.com"
    assert "<!channel> & more" in message.get_payload()
    assert "/alerts/" in message.get_payload()


def test_a_mail_server_that_is_down_or_missing_is_named(settings: Settings) -> None:
    with mail_server() as mails:
        pass
    use_mail_server(settings, mails.port)
    queue(make_channel("email"))
    assert attempt().error == "The mail server cannot be reached."

    settings.EMAIL_HOST = ""
    assert attempt().error == senders.NO_MAIL_SERVER


def test_a_test_message_is_sent_once_and_recorded() -> None:
    with receiving(ERROR) as receiver:
        channel = make_channel(url=receiver.url)
        failed = services.send_test(channel, by=ADA)
        sent = services.send_test(channel, by=ADA)

    assert (failed.status, failed.error) == ("failed", "The receiver responded with status 500.")
    assert sent.status == "sent"
    assert receiver.requests[1].json["type"] == "alerts.test"
    assert [entry.action for entry in entries()] == ["test message sent"] * 2
