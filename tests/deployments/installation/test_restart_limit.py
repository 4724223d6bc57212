from __future__ import annotations

from itertools import count

from deployments.installation.restart_limit import MOST, WITHIN_SECONDS, RestartLimit


def test_restarts_take_longer_each_time_and_eventually_stop() -> None:
    clock = count()
    limit = RestartLimit(lambda: float(next(clock)))

    assert [limit.next_pause() for _ in range(MOST + 1)] == [0.0, 1.0, 2.0, 4.0, 8.0, None]


def test_restarts_that_are_long_ago_do_not_count() -> None:
    times = iter([*[0.0] * MOST, WITHIN_SECONDS + 1])
    limit = RestartLimit(lambda: next(times))

    pauses = [limit.next_pause() for _ in range(MOST + 1)]

    assert pauses[-1] == 0.0
