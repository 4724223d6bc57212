"""The code of a graph, which can become a project, has a picture in which the steps of its runs are found."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.support.examples import examples
from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import every_type
from tests.workflows.picture.from_code.sketches import MAIN, of_files, sketch
from tests.workflows.programs.harness.programs import CONTAINERS, ProgramGenerator, document_of
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.picture.from_code.run_states import run_of_class

COUNT = examples(12, 200)


def test_the_steps_of_generated_code_are_found(tmp_path: Path) -> None:
    random = Random("code")  # noqa: S311 - the same each time
    documents = {
        f"Flow{number}": document_of(
            ProgramGenerator(random, CONTAINERS).program(depth=3, length=3)
        )
        for number in range(COUNT)
    }
    modules = compiled(documents, tmp_path)
    results = run_all(modules, [Run(workflow=name) for name in documents])

    for (name, code), run in zip(modules.items(), results, strict=True):
        found = of_files({"index.js": code}, main="index.js", name=name)
        result = run_of_class(found, run["steps"], run["status"])
        assert [step["name"] for step in result.unmatched] == [], code
        for call in result.calls:
            assert found.ir
            own_name = call.raw["name"].split("-")[0].split(" ")[0].split(":")[0]
            assert found.ir.nodes[call.node_id].name.startswith(own_name), code


def test_every_type_of_node_has_its_steps() -> None:
    code = generated(every_type(), class_name="Flow").source
    found = of_files({MAIN: code})

    assert found.is_complete
    assert not found.problems
    drawn = sketch(found)
    for line in (
        "do first",
        "do ask",
        "sleep left",
        "sleep_until right",
        "do child: id",
        "do rescue",
        "do call",
    ):
        assert line in drawn
