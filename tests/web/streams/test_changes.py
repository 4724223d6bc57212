from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from tests.deployments.factories import make_deployment
from tests.support.patience import PATIENCE
from web.streams.changes import changes

pytestmark = pytest.mark.django_db(transaction=True)


def write_elsewhere() -> None:
    """Add rows on another connection."""

    def run() -> None:
        make_deployment()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_row_of_another_connection_is_noticed() -> None:
    noticed = changes()

    write_elsewhere()

    assert noticed.wait(PATIENCE)


def test_rows_from_before_are_not_noticed() -> None:
    write_elsewhere()
    noticed = changes()

    assert not noticed.wait(0.01)
    connection.close()
