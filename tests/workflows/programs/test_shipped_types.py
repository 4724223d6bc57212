"""The node types that come with the product, in workerd, against a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.workflows.ir.documents import chain, document, node
from tests.workflows.programs.harness.recorder import Recorder, recording
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.ir.document.registry import Registry
from workflows.node_types.files import types_in
from workflows.node_types.loading import SHIPPED_NODE_TYPES
from workflows.nodes.custom import registry

SECRETS = {
    "RESEND_API_KEY": "re_secret",
    "SLACK_BOT_TOKEN": "xoxb-secret",
    "STRIPE_SECRET_KEY": "sk_secret",
}
FAST: dict[str, Any] = {"retryLimit": 2, "retryDelay": 10, "backoff": "constant"}
MAIL: dict[str, Any] = {
    "from": "shop@example.com",
    "to": "ada@example.com",
    "subject": "Hello",
    "text": "Hi",
}
POST: dict[str, Any] = {"channel": "#orders", "text": "An order"}
CHARGE: dict[str, Any] = {"amount": 1999, "currency": "EUR", "paymentMethod": "pm_1"}
PAID: dict[str, Any] = {
    "id": "pi_1",
    "status": "succeeded",
    "amount": 1999,
    "currency": "eur",
    "object": "x",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


def shipped() -> Registry:
    return registry(
        {"definition": files.value, "template": files.template}
        for files in types_in(SHIPPED_NODE_TYPES)
    )


def run(folder: Path, documents: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Run each document once and return the runs by the documents' names."""
    modules = compiled(documents, folder, types=shipped(), variables=frozenset(SECRETS))
    runs = [Run(workflow=name, params={"to": ["b@x.c", "c@x.c"]}) for name in documents]
    return dict(zip(documents, run_all(modules, runs, variables=SECRETS), strict=True))


def cases(folder: Path, type_: str, settings: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Run a node of the type against each address; return the runs by the names of the cases."""
    data = {"resend_email": MAIL, "slack_message": POST, "stripe_charge": CHARGE}[type_]
    return run(
        folder,
        {
            name: chain(node("it", type_, **data, **FAST, baseUrl=url))
            for name, url in settings.items()
        },
    )


def attempts(run: dict[str, Any]) -> list[bool]:
    return [attempt["success"] for attempt in run["steps"][0]["attempts"]]


def test_an_email_is_sent_as_resend_expects(server: Recorder, tmp_path: Path) -> None:
    url = server.at("mail", (200, {"id": "mail-1", "more": 1}))
    whole = MAIL | {"to": "ada@x.c, bob@x.c", "html": "<b>Hi</b>", "replyTo": "{{ trigger.to }}"}

    runs = run(tmp_path, {"Mail": chain(node("mail", "resend_email", **whole, baseUrl=url))})

    (request,) = server.requests["mail"]
    assert runs["Mail"]["output"] == {"id": "mail-1"}
    assert (request.method, request.path) == ("POST", "/emails")
    assert request.headers["authorization"] == "Bearer re_secret"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "AwaitStep"
    assert request.json == {
        "from": "shop@example.com",
        "to": ["ada@x.c", "bob@x.c"],
        "subject": "Hello",
        "html": "<b>Hi</b>",
        "text": "Hi",
        "reply_to": ["b@x.c", "c@x.c"],
    }


def test_a_message_is_posted_as_slack_expects(server: Recorder, tmp_path: Path) -> None:
    answer = {"ok": True, "channel": "C1", "ts": "1.2", "message": {}}
    url = server.at("post", (200, answer))
    blocks = [{"type": "divider"}]
    workflow = chain(
        node("first", "slack_message", **POST, baseUrl=url),
        node("second", "slack_message", **POST, baseUrl=f"{url}/", blocks=blocks,
             threadTs="{{ first.ts }}"),
    )  # fmt: skip

    runs = run(tmp_path, {"Post": workflow})

    first, second = server.requests["post"]
    assert runs["Post"]["output"] == {"channel": "C1", "ts": "1.2"}
    assert (first.path, first.headers["authorization"]) == (
        "/chat.postMessage",
        "Bearer xoxb-secret",
    )
    assert first.json == {"channel": "#orders", "text": "An order"}
    assert second.json == first.json | {"blocks": blocks, "thread_ts": "1.2"}


def test_a_charge_is_created_as_stripe_expects(server: Recorder, tmp_path: Path) -> None:
    url = server.at("charge", (200, PAID))
    more: dict[str, Any] = {
        "customer": "cus_1",
        "receiptEmail": "ada@x.c",
        "metadata": {"order": 7, "of": "a&b"},
    }

    runs = run(
        tmp_path, {"Charge": chain(node("pay", "stripe_charge", **CHARGE, **more, baseUrl=url))}
    )

    (request,) = server.requests["charge"]
    assert runs["Charge"]["output"] == {
        "id": "pi_1", "status": "succeeded", "amount": 1999, "currency": "eur",
    }  # fmt: skip
    assert request.path == "/v1/payment_intents"
    assert request.headers["authorization"] == "Bearer sk_secret"
    assert {name: values[0] for name, values in parse_qs(request.body).items()} == {
        "amount": "1999",
        "currency": "eur",
        "payment_method": "pm_1",
        "confirm": "true",
        "off_session": "true",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "customer": "cus_1",
        "receipt_email": "ada@x.c",
        "metadata[order]": "7",
        "metadata[of]": "a&b",
    }


GOOD = {
    "resend_email": {"id": "mail-1"},
    "slack_message": {"ok": True, "channel": "C1", "ts": "1.2"},
    "stripe_charge": PAID,
}
TEMPORARY = (408, 409, 425, 429, 500, 503)
FINAL = (400, 401, 402, 403, 404, 422)


@pytest.mark.parametrize("type_", GOOD)
def test_only_temporary_errors_are_retried(server: Recorder, tmp_path: Path, type_: str) -> None:
    good = (200, GOOD[type_])
    urls = {f"S{code}": server.at(f"{type_}{code}", (code, {}), good) for code in TEMPORARY}
    urls |= {f"S{code}": server.at(f"{type_}{code}", (code, "no"), good) for code in FINAL}

    runs = cases(tmp_path, type_, urls)

    for code in TEMPORARY:
        assert attempts(runs[f"S{code}"]) == [False, True], code
    for code in FINAL:
        assert len(server.requests[f"{type_}{code}"]) == 1, code
        assert f"responded with {code}: no" in runs[f"S{code}"]["error"]["message"]


@pytest.mark.parametrize("type_", ["resend_email", "stripe_charge"])
def test_every_attempt_of_a_step_has_the_same_idempotency_key(
    server: Recorder, tmp_path: Path, type_: str
) -> None:
    case = f"key_{type_}"
    url = server.at(case, (500, {}), (429, {}), (200, GOOD[type_]))

    runs = cases(tmp_path, type_, {"Key": url})

    keys = [request.headers["idempotency-key"] for request in server.requests[case]]
    assert attempts(runs["Key"]) == [False, False, True]
    assert (len(keys), len(set(keys))) == (3, 1)
    assert len(keys[0]) == 64


def test_every_step_of_every_run_has_its_own_idempotency_key(
    server: Recorder, tmp_path: Path
) -> None:
    url = server.at("keys", (200, PAID))
    pay = {**CHARGE, "baseUrl": url}
    workflow = document(
        [
            node("twice", "loop", loopType="times", count=2),
            node("inside", "stripe_charge", name="pay", **pay),
            node("after", "stripe_charge", name="pay", **pay),
            node("last", "stripe_charge", name="pay", **pay),
        ],
        "twice inside body", "twice after then", "after last",
    )  # fmt: skip
    modules = compiled({"Keys": workflow}, tmp_path, types=shipped(), variables=frozenset(SECRETS))

    run_all(modules, [Run(workflow="Keys"), Run(workflow="Keys")], variables=SECRETS)

    keys = [request.headers["idempotency-key"] for request in server.requests["keys"]]
    assert (len(keys), len(set(keys))) == (8, 8)


def test_temporary_errors_in_a_response_of_slack_are_retried(
    server: Recorder, tmp_path: Path
) -> None:
    good = (200, GOOD["slack_message"])
    busy = server.at("busy", (200, {"ok": False, "error": "ratelimited"}), good)
    lost = server.at("lost", (200, {"ok": False, "error": "channel_not_found"}), good)

    runs = cases(tmp_path, "slack_message", {"Busy": busy, "Lost": lost})

    assert attempts(runs["Busy"]) == [False, True]
    assert attempts(runs["Lost"]) == [False]
    message = "Slack refused the message: channel_not_found"
    assert message in runs["Lost"]["error"]["message"]


def test_stripes_message_is_the_cause_and_a_pending_payment_fails(
    server: Recorder, tmp_path: Path
) -> None:
    declined = {"error": {"code": "card_declined", "message": "Your card was declined."}}
    urls = {
        "Declined": server.at("declined", (402, declined)),
        "Waits": server.at("waits", (200, PAID | {"status": "requires_action"})),
    }

    runs = cases(tmp_path, "stripe_charge", urls)

    assert attempts(runs["Declined"]) == attempts(runs["Waits"]) == [False]
    assert runs["Declined"]["error"]["message"].endswith(
        "Stripe responded with 402: Your card was declined. (card_declined)"
    )
    assert "pi_1 is requires_action" in runs["Waits"]["error"]["message"]


def test_an_invalid_request_is_not_sent(server: Recorder, tmp_path: Path) -> None:
    url = server.at("never", (200, {}))
    empty = {name: value for name, value in MAIL.items() if name != "text"}
    half = CHARGE | {"amount": "{{ half.price }}"}

    runs = run(
        tmp_path,
        {
            "Empty": chain(node("mail", "resend_email", **empty, baseUrl=url)),
            "Half": chain(
                node("half", code="return { price: 19.99 };"),
                node("pay", "stripe_charge", **half, baseUrl=url),
            ),
        },
    )

    assert "neither HTML nor text" in runs["Empty"]["error"]["message"]
    assert "a whole number of cents, not 19.99" in runs["Half"]["error"]["message"]
    assert "never" not in server.requests
