"""The background task that performs bulk changes, in its own queue."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final

from django_tasks import task

from audit.trail import Actor
from deployments.pipeline.errors import LeaseLost
from runs.bulk.batch_work import START, start_remaining
from runs.bulk.claims import ClaimedChange, RetryLater, claim, unclaimed
from runs.models import Run
from runs.services import control
from targets.cloudflare.errors import DeployError, RateLimited

logger = logging.getLogger(__name__)

QUEUE: Final = "runs"
_ENQUEUE_INTERVAL: Final = 60.0  # seconds until a change that waits for its turn is enqueued again
_INTERNAL_ERROR: Final = "Something went wrong in AwaitStep. The server log has the details."
_enqueued_at: dict[int, float] = {}


@task(queue_name=QUEUE)
def perform(pk: int) -> None:
    """Perform a bulk change, or continue one whose worker died."""
    _enqueued_at.pop(pk, None)
    claimed = claim(pk)
    if claimed is None:
        return
    with suppress(LeaseLost):
        if not _take_turn(claimed):
            perform.enqueue(
                pk
            )  # if the server stops, the sweep of the next server finds the change


def _take_turn(claimed: ClaimedChange) -> bool:
    """Work for one turn; False if another turn is needed.

    Raises LeaseLost if another process has taken over.
    """
    try:
        _perform(claimed)
    except RetryLater:
        claimed.release()
        return True
    except LeaseLost:
        raise
    except DeployError as error:
        claimed.end(str(error))
    except Exception:
        logger.exception("%s failed", claimed.change)
        claimed.end(_INTERNAL_ERROR)
    else:
        if not claimed.is_done:
            claimed.release()
            return False
        claimed.end()
    return True


def _perform(claimed: ClaimedChange) -> None:
    if claimed.change.action == START:
        start_remaining(claimed)
    else:
        change_remaining(claimed)


def change_remaining(claimed: ClaimedChange) -> None:
    """Change each remaining run until the turn ends; a run that is rejected does not stop the rest.

    Raises RetryLater if the target is rate limited, LeaseLost if another process has taken over.
    """
    change, by = claimed.change, Actor(claimed.change.by, claimed.change.by_name)
    while claimed.may_continue:
        run_id = change.run_ids[change.processed]
        run = Run.objects.select_related("target", "workflow").filter(pk=run_id).first()
        try:
            if run is not None:
                control.send_action(
                    run,
                    change.action,
                    by=by,
                    reason=change.reason,
                    rollback=change.rolls_back,
                )
        except RateLimited as error:
            claimed.postpone(error.until)
        except DeployError as error:
            claimed.count(refused=[{"run": str(run and run.instance_id), "message": str(error)}])
        else:
            claimed.count(done=1)


def sweep() -> None:
    """Enqueue what no process is working on: a worker may have died, or a task may have been lost."""
    now = time.monotonic()
    for pk in unclaimed():
        if now - _enqueued_at.get(pk, -_ENQUEUE_INTERVAL) >= _ENQUEUE_INTERVAL:
            _enqueued_at[pk] = now
            perform.enqueue(pk)
