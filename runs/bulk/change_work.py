"""Making one change to many runs, one call per run."""

from __future__ import annotations

from audit.trail import Actor
from runs.bulk.leases import Work
from runs.models import Run
from runs.services import control
from targets.cloudflare.errors import DeployError, RateLimited


def change_the_rest(work: Work) -> None:
    """Make the change for each run that is left; one that is refused keeps no other from its own.

    Ends when its turn is over. Raises Later where the target is asked too often; Lost.
    """
    made, by = work.made, Actor(work.made.by, work.made.by_name)
    while work.goes_on:
        run_id = made.run_ids[made.settled]
        run = Run.objects.select_related("target", "workflow").filter(pk=run_id).first()
        try:
            if run is not None:
                control.tell(run, made.action, by=by, reason=made.reason)
        except RateLimited as busy:
            work.put_off(busy.until)
        except DeployError as refused:
            work.count(refused=[{"run": str(run and run.instance_id), "message": str(refused)}])
        else:
            work.count(done=1)
