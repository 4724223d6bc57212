"""Requests that can be sent again safely: the header `Idempotency-Key` of a POST."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from api.conventions.problems import ApiError
from api.models import IdempotentRequest

HEADER: Final = "Idempotency-Key"
MAX_KEY_LENGTH: Final = 255
KEPT: Final = timedelta(hours=24)
ABANDONED: Final = timedelta(minutes=10)
"""After this time, a request without a response is taken to have failed, for example in a crash."""
_RECORD: Final = "_api_idempotent"
_STORED_HEADERS: Final = ("Content-Type", "ETag", "Location")
_FIRST_FAILURE: Final = 400
_PRUNE_SECONDS: Final = 60.0
_pruned_at = -_PRUNE_SECONDS


class Replay(Exception):
    """The request was carried out before; `response` is what it was answered."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def checked_key(request: HttpRequest) -> str:
    """Return the key of a request; "" without one. Raises ApiError."""
    key = request.headers.get(HEADER, "")
    if len(key) > MAX_KEY_LENGTH:
        raise ApiError(400, f"The Idempotency-Key has more than {MAX_KEY_LENGTH} characters.")
    if not (key.isascii() and key.isprintable()):
        raise ApiError(400, "The Idempotency-Key must be printable ASCII.")
    return key


def begin(request: HttpRequest, caller: str) -> None:
    """Keep the same request from being carried out twice. Raises Replay, or ApiError."""
    key = checked_key(request) if request.method == "POST" else ""
    if not key:
        return
    _prune()
    fingerprint = _fingerprint(request)
    for _ in range(2):
        try:
            with transaction.atomic():
                record = IdempotentRequest.objects.create(
                    caller=caller, key=key, fingerprint=fingerprint
                )
        except IntegrityError:
            _refuse_or_replay(caller, key, fingerprint)
            continue
        setattr(request, _RECORD, record)
        return
    raise _running()


def finish(request: HttpRequest, response: HttpResponseBase) -> None:
    """Keep the response of a request that was carried out; one that failed can be sent again."""
    record: IdempotentRequest | None = getattr(request, _RECORD, None)
    if record is None:
        return
    if response.status_code >= _FIRST_FAILURE or not isinstance(response, HttpResponse):
        record.delete()
        return
    record.status, record.body = response.status_code, response.content.decode()
    record.headers = {name: response[name] for name in _STORED_HEADERS if name in response}
    record.save(update_fields=["status", "body", "headers"])


def _refuse_or_replay(caller: str, key: str, fingerprint: str) -> None:
    """Raise what the second of two requests gets; return if the first one is gone."""
    known = IdempotentRequest.objects.filter(caller=caller, key=key).first()
    if known is None:
        return
    if known.fingerprint != fingerprint:
        raise ApiError(422, "This Idempotency-Key was used for a different request. Use a new one.")
    if known.status is not None:
        response = HttpResponse(known.body, status=known.status, headers=known.headers)
        response["Idempotent-Replayed"] = "true"
        raise Replay(response)
    if timezone.now() - known.created_at < ABANDONED:
        raise _running()
    known.delete()


def _running() -> ApiError:
    message = "The first request with this Idempotency-Key is still being processed."
    return ApiError(409, message, headers={"Retry-After": "1"})


def _fingerprint(request: HttpRequest) -> str:
    """Return a hash of the request, keyed because its body may contain a secret that can be guessed."""
    content = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return salted_hmac("awaitstep.idempotency", content, algorithm="sha256").hexdigest()


def _prune() -> None:
    """Delete old requests; a process does so at most once a minute."""
    global _pruned_at
    if time.monotonic() - _pruned_at < _PRUNE_SECONDS:
        return
    _pruned_at = time.monotonic()
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
