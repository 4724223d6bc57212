"""The task that performs changes of many runs, in a queue of their own; the table says which."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final

from django_tasks import task

from runs.bulk.batch_work import START, start_the_rest
from runs.bulk.change_work import change_the_rest
from runs.bulk.leases import Later, Lost, Work, claim, left
from targets.cloudflare.errors import DeployError

logger = logging.getLogger(__name__)

QUEUE: Final = "runs"
_AGAIN: Final = 60.0  # seconds until a change that waits for its turn is put into the queue again
_OUR_FAULT: Final = "Something went wrong here. The server's log has the details."
_asked: dict[int, float] = {}


@task(queue_name=QUEUE)
def perform(pk: int) -> None:
    """Perform the change, or go on with it where its worker died; each ending is recorded."""
    _asked.pop(pk, None)
    work = claim(pk)
    if work is None:
        return
    with suppress(Lost):
        if not _take_turn(work):
            perform.enqueue(pk)  # where the server stops, the next one's sweep finds it


def _take_turn(work: Work) -> bool:
    """Do what can be done in one turn; False where another one is needed. Raises Lost."""
    try:
        _perform(work)
    except Later:
        work.release()
        return True
    except DeployError as refused:
        work.end(str(refused))
    except Lost:
        raise
    except Exception:
        logger.exception("%s failed", work.made)
        work.end(_OUR_FAULT)
    else:
        if not work.is_done:
            work.release()
            return False
        work.end()
    return True


def _perform(work: Work) -> None:
    if work.made.action == START:
        start_the_rest(work)
    else:
        change_the_rest(work)


def sweep() -> None:
    """Put what nobody works on into the queue again: a worker may have died, or a task been lost."""
    now = time.monotonic()
    for pk in left():
        if now - _asked.get(pk, -_AGAIN) >= _AGAIN:
            _asked[pk] = now
            perform.enqueue(pk)
