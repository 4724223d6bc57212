"""Deploys on a platform with many Workers, compared with one with few."""

from __future__ import annotations

from bench.figures import ratio, table
from bench.timed_deploy import import_sample, timed_deploy
from tests.support.installation import Installation

METHOD = """
Method: first deploys of the sample, from request to COMPLETED, before and after deploying
{workers} more Workers."""


def measure(installation: Installation, *, rounds: int, workers: int) -> None:
    """Measure, deploy `workers` Workers, and measure again."""
    print(METHOD.format(workers=workers))
    with installation.client() as client:
        few = [timed_deploy(client, import_sample(installation)).seconds for _ in range(rounds)]
        for _ in range(workers):
            timed_deploy(client, import_sample(installation))
        many = [timed_deploy(client, import_sample(installation)).seconds for _ in range(rounds)]
    table("First deploy, seconds", {"few Workers": few, f"{workers} more Workers": many})
    ratio("many / few", many, few, limit=1.1)
