"""Counting requests: one process, several processes, and a database that is busy."""

from __future__ import annotations

from collections.abc import Mapping

from api.conventions.request_counter import Counter, Limit, Usage

NOON = 1_800_000_000.0
READS = Limit(bucket="requests of ada", most=20)


class Shared:
    """The counts that the processes share."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, int], int] = {}
        self.writes = 0
        self.is_busy = False

    def publish(self, counts: Mapping[str, int], window: int) -> Mapping[str, int] | None:
        if self.is_busy:
            return None
        self.writes += 1
        for bucket, number in counts.items():
            self.counts[bucket, window] = self.counts.get((bucket, window), 0) + number
        return {bucket: self.counts[bucket, window] for bucket in counts}


def admitted(counter: Counter, limit: Limit, requests: int, *, now: float = NOON) -> int:
    return sum(not usage(counter, limit, now=now).is_exceeded for _ in range(requests))


def usage(counter: Counter, limit: Limit, *, now: float = NOON) -> Usage:
    return counter.count([limit], now=now)[0]


def test_one_process_admits_exactly_the_limit() -> None:
    assert admitted(Counter(Shared().publish), READS, 50) == 20


def test_reads_are_shared_in_blocks() -> None:
    shared = Shared()

    admitted(Counter(shared.publish), READS, 20)

    assert shared.writes == 10


def test_two_processes_together_admit_at_most_a_block_more() -> None:
    shared = Shared()
    first, second = Counter(shared.publish), Counter(shared.publish)

    total = sum(admitted(each, READS, 1) for _ in range(50) for each in (first, second))

    assert 20 <= total <= 20 + READS.block


def test_an_exact_limit_is_exact_for_all_processes() -> None:
    shared, deploys = Shared(), Limit(bucket="deploys of ada", most=5, is_exact=True)
    counters = [Counter(shared.publish) for _ in range(3)]

    total = sum(admitted(each, deploys, 1) for _ in range(10) for each in counters)

    assert total <= 5 + len(counters) - 1


def test_refused_requests_cost_no_writes() -> None:
    shared = Shared()
    counter = Counter(shared.publish)
    admitted(counter, READS, 20)
    writes = shared.writes

    assert admitted(counter, READS, 100) == 0
    assert shared.writes == writes


def test_the_next_window_starts_over() -> None:
    counter = Counter(Shared().publish)
    admitted(counter, READS, 20)

    assert usage(counter, READS, now=NOON + 60).remaining == 19


def test_a_process_counts_on_its_own_while_the_database_is_busy() -> None:
    shared = Shared()
    shared.is_busy = True

    assert admitted(Counter(shared.publish), READS, 50) == 20


def test_a_usage_says_when_the_window_ends() -> None:
    assert usage(Counter(Shared().publish), READS, now=NOON + 45).resets_in == 15
