from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.support.examples import examples
from tests.workflows.ir.documents import Document
from tests.workflows.ir.tree.graphs import random_choices
from tests.workflows.programs.harness.token import Token, random_graph
from tests.workflows.programs.harness.workers import Run, compiled, names, run_all
from workflows.nodes.documents import parse

DRAWN = examples(15, 300)


def test_graphs_of_all_containers_run_in_the_order_of_a_walk(tmp_path: Path) -> None:
    random = Random(20261128)  # noqa: S311 - the same graphs each time
    graphs = {f"Graph{index}": _valid_graph(random) for index in range(DRAWN)}
    choices = {name: random_choices(random, graph) for name, graph in graphs.items()}
    runs = [Run(workflow=name, params=choices[name]) for name in graphs]

    results = run_all(compiled(graphs, tmp_path), runs)

    for (name, graph), run in zip(graphs.items(), results, strict=True):
        token = Token(graph, choices[name])
        token.walk("n0")
        assert Counter(names(run)) == Counter(token.steps), name
        if not _kinds(graph) & {"parallel"}:
            assert names(run) == token.steps, name


def _valid_graph(random: Random) -> Document:
    while True:
        workflow = random_graph(random, size=random.randint(5, 11))
        nested = [kind for kind in _kinds(workflow) if kind != "step"]
        if len(nested) > 1 and parse(workflow).ir is not None:
            return workflow


def _kinds(workflow: dict[str, Any]) -> set[str]:
    return {node["type"] for node in workflow["nodes"]}
