"""A deploy on a platform that holds one Worker, against one that holds many."""

from __future__ import annotations

from bench.click import click, new_workflow
from bench.figures import ratio, table
from tests.support.installation import Installation

METHOD = """
Method: first deploys of the sample, click to COMPLETED, before and after the platform was filled
with {workers} Workers by deploying them."""


def measure(installation: Installation, *, rounds: int, workers: int) -> None:
    """Fill the platform up to `workers`; the ones deployed by other measurements count too."""
    print(METHOD.format(workers=workers))
    with installation.client() as client:
        few = [click(client, new_workflow(installation)).seconds for _ in range(rounds)]
        for _ in range(workers):
            click(client, new_workflow(installation))
        many = [click(client, new_workflow(installation)).seconds for _ in range(rounds)]
    table("First deploy, seconds", {"few Workers": few, f"{workers} more Workers": many})
    ratio("many / few", many, few, limit=1.1)
