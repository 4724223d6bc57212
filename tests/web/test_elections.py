from __future__ import annotations

import threading
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from web import elections
from web.elections import Election, elect
from web.models import ElectedProcess


@pytest.mark.django_db
def test_a_confirmed_process_cannot_be_replaced() -> None:
    holder, other = uuid4(), uuid4()
    assert elect("poller", holder)
    ElectedProcess.objects.update(beat_at=timezone.now() - timedelta(seconds=1))

    assert not elect("poller", other)
    assert elect("sweeper", other)
    assert elect("poller", holder)


@pytest.mark.django_db
def test_a_process_that_no_longer_confirms_is_replaced() -> None:
    holder, other = uuid4(), uuid4()
    assert elect("poller", holder)
    ElectedProcess.objects.update(beat_at=timezone.now() - timedelta(seconds=60))

    assert elect("poller", other)
    assert not elect("poller", holder)


@pytest.mark.django_db
def test_a_host_that_has_just_booted_is_not_elected_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert elect("poller", uuid4())
    monkeypatch.setattr(elections, "time", SimpleNamespace(monotonic=lambda: 1.0))

    assert not Election("poller").hold()


@pytest.mark.django_db(transaction=True)
def test_one_of_many_candidates_is_elected() -> None:
    start, elected = threading.Barrier(8), []

    def run() -> None:
        start.wait()
        elected.append(elect("poller", uuid4()))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(elected) == [False] * 7 + [True]
