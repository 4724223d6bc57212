"""The limits on requests of an address, of a key and of a user's session, and their headers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.conventions.problems import ApiError
from api.conventions.request_counter import Counter, Limit, Usage
from api.models import RequestCount
from audit.acting import client_network
from web.busy_database import skipped_if_locked

DEPLOYS: Final = "deploys"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_USAGES: Final = "_api_usages"
_KEPT_WINDOWS: Final = 2


def count_address(request: HttpRequest) -> None:
    """Count a request of an address; raises ApiError if it is one too many.

    An unknown address has no limit, because it may be that of all clients.
    """
    if address := client_network(request):
        _count(request, f"address {address}")


def count_caller(request: HttpRequest, caller: str, *, is_deploy: bool) -> None:
    """Count a request of a key or a user; raises ApiError if it is one too many."""
    _count(request, caller, is_deploy=is_deploy)


def add_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Tell the client about the limit of which the least is left."""
    usages: list[Usage] = getattr(request, _USAGES, [])
    if usages:
        tightest = min(usages, key=lambda each: each.remaining)
        response["RateLimit-Limit"] = str(tightest.most)
        response["RateLimit-Remaining"] = str(tightest.remaining)
        response["RateLimit-Reset"] = str(tightest.resets_in)


def _count(request: HttpRequest, who: str, *, is_deploy: bool = False) -> None:
    limits = list(_limits(who, is_write=request.method not in _SAFE, is_deploy=is_deploy))
    if not limits:
        return
    usages = _counter.count(limits, now=time.time())
    setattr(request, _USAGES, [*getattr(request, _USAGES, []), *usages])
    if any(usage.is_exceeded for usage in usages):
        seconds = usages[0].resets_in
        message = f"Too many requests. Try again in {seconds} second{'s' if seconds != 1 else ''}."
        raise ApiError(429, message, headers={"Retry-After": str(seconds)})


def _limits(who: str, *, is_write: bool, is_deploy: bool) -> Iterator[Limit]:
    own = settings.AWAITSTEP
    if own.api_requests_per_minute:
        yield Limit(bucket=f"requests of {who}", most=own.api_requests_per_minute)
    if is_write and own.api_writes_per_minute:
        yield Limit(bucket=f"writes of {who}", most=own.api_writes_per_minute, is_exact=True)
    if is_deploy and own.api_deploys_per_minute:
        yield Limit(bucket=f"deploys of {who}", most=own.api_deploys_per_minute, is_exact=True)


def _publish(counts: Mapping[str, int], window: int) -> Mapping[str, int] | None:
    """Add to the counts in the database; None if it is busy: a limit must not delay a request."""
    shared: dict[str, int] | None = None
    with skipped_if_locked(), transaction.atomic():
        shared = {bucket: _add(bucket, window, number) for bucket, number in counts.items()}
        RequestCount.objects.filter(window__lt=window - _KEPT_WINDOWS).delete()
    return shared


def _add(bucket: str, window: int, number: int) -> int:
    rows = RequestCount.objects.filter(bucket=bucket, window=window)
    if not rows.update(count=F("count") + number):
        try:
            with transaction.atomic():
                RequestCount.objects.create(bucket=bucket, window=window, count=number)
        except IntegrityError:  # another process was faster
            rows.update(count=F("count") + number)
    return rows.values_list("count", flat=True).get()


_counter: Final = Counter(_publish)
