from __future__ import annotations

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.support.patience import PATIENCE
from toolchain import bounded_calls


def echo(value: object) -> object:
    return value


def process_id() -> int:
    return os.getpid()


def backtrack(length: int) -> bool:
    """Match for ages, without releasing the GIL."""
    return re.match("(x+x+)+y", "x" * length) is not None


def fill_memory() -> int:
    return len(bytearray(8 * 1024**3))


def fail() -> None:
    raise ValueError("no")


def test_a_call_returns_what_the_function_returns_in_another_process() -> None:
    value = {"text": "é\ud800", "list": [1, None, 0.5]}

    assert bounded_calls.call(echo, value, seconds=PATIENCE) == value
    assert bounded_calls.call(process_id, seconds=PATIENCE) != os.getpid()


def test_a_call_that_takes_too_long_is_ended_and_the_next_one_works() -> None:
    with pytest.raises(bounded_calls.TookTooLong):
        bounded_calls.call(backtrack, 60, seconds=0.2)

    assert bounded_calls.call(backtrack, 5, seconds=PATIENCE) is False


def test_the_limit_is_on_each_call_and_not_on_their_sum() -> None:
    started = time.monotonic()
    bounded_calls.call(backtrack, 19, seconds=PATIENCE)
    limit = 8 * (time.monotonic() - started)

    matches = [bounded_calls.call(backtrack, 19, seconds=limit) for _ in range(12)]

    assert matches == [False] * 12


def test_a_call_that_takes_too_much_memory_fails_alone() -> None:
    with pytest.raises(bounded_calls.CallFailed, match="MemoryError"):
        bounded_calls.call(fill_memory, seconds=PATIENCE)


def test_an_exception_of_the_function_is_reported() -> None:
    with pytest.raises(bounded_calls.CallFailed, match="ValueError: no"):
        bounded_calls.call(fail, seconds=PATIENCE)


def test_calls_of_many_threads_get_their_own_answers() -> None:
    numbers = list(range(20))
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda number: bounded_calls.call(echo, number, seconds=PATIENCE), numbers)
        )

    assert answers == numbers


def test_a_process_answers_one_call_after_another() -> None:
    bounded_calls.end_workers()
    processes = [bounded_calls.call(process_id, seconds=PATIENCE) for _ in range(3)]

    assert all(first == second for first, second in pairwise(processes))
