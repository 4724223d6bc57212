from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import branch, document, node
from tests.workflows.ir.mutations import Mutator
from tests.workflows.ir.valid_documents import pool
from workflows.codegen.module.generate import GeneratedModule, generate
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.compilation.typescript import CompileFailed, compile_modules
from workflows.ir.reading.problems import InvalidIR
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse, parse_json

BATCHES, MUTANTS = examples(2, 20), examples(250, 500)
SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
SAMPLE = Path(__file__).parents[3] / "workflows" / "samples" / "guide.ir.json"
VARIED = document(
    [
        branch("choose", big="event.payload.n > {{ trigger.n }}", small=""),
        node("ask", "http_request", url="http://x/{{ trigger.id }}", headers={"a": "{{ env.A }}"}),
        node("wait", "wait_for_event", eventType="paid", timeout=1000),
        node("loop", "loop", loopType="while", condition="true"),
        node("inside", "break", condition="1"),
        node("until", "sleep_until", timestamp="2026-01-01T00:00:00Z"),
        node("both", "parallel"),
        node("safe", "try_catch"),
        node("child", "sub_workflow", workflowId="x"),
        node("end"),
        node("risky"),
        node("rescue", code="return {{ err.message }};"),
    ],
    "choose ask big", "choose wait small", "ask loop", "wait loop", "loop inside body",
    "loop until then", "until both", "both safe one", "both child two", "child end",
    "safe end then", "safe risky try", "safe rescue catch",
)  # fmt: skip

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["then", "step", "{{ a }}", "{{ env.X }}", "}", "\ud800", "\0", "choose", "end"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every member and item of a JSON value as container and key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    places = [(value, key) for key in keys]
    for inner in [value[key] for key in keys]:
        places += _places(inner) if isinstance(inner, dict | list) else []
    return places


def _mutated(data: st.DataObject, original: Any) -> Any:
    mutant = copy.deepcopy(original)
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(mutant)
        container, key = places[data.draw(st.integers(0, len(places) - 1))]
        match data.draw(st.sampled_from(["replace", "remove", "copy"])):
            case "replace":
                container[key] = data.draw(VALUES)
            case "remove":
                del container[key]
            case _ if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
        if not mutant or not _places(mutant):
            break
    return mutant


@settings(
    deadline=None, max_examples=examples(60, 2000), suppress_health_check=[HealthCheck.too_slow]
)
@given(data=st.data(), original=st.sampled_from([VARIED, json.loads(SAMPLE.read_text())]))
def test_a_mutated_document_has_problems_or_a_program_and_never_raises(
    data: st.DataObject, original: Any
) -> None:
    parsed = parse(_mutated(data, original))

    if parsed.ir:
        with suppress(InvalidIR):
            generate(parsed.ir, ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW"))
    assert (parsed.ir is None) == any(problem.is_error for problem in parsed.problems)
    assert all(str(problem).isprintable() or problem.message for problem in parsed.problems)


@settings(deadline=None)
@given(text=st.one_of(st.text(), st.binary()))
def test_no_text_raises_an_exception(text: str | bytes) -> None:
    assert parse_json(text).ir is None


def test_the_varied_document_is_valid() -> None:
    assert [*map(str, parse(VARIED).problems)] == []


def test_the_documents_to_mutate_are_valid_and_have_every_type() -> None:
    documents = pool()

    assert [
        str(problem) for ir_document in documents for problem in parse(ir_document).problems
    ] == []
    assert {item["type"] for ir_document in documents for item in ir_document["nodes"]} == set(
        NODE_TYPES
    )


@pytest.mark.parametrize("seed", range(BATCHES))
def test_mutated_documents_that_are_valid_compile(seed: int, tmp_path: Path) -> None:
    random = Random(seed)  # noqa: S311 - the same every time
    documents, mutator = pool(), Mutator(random)
    mutants = [json.dumps(mutator.mutated(random.choice(documents))) for _ in range(MUTANTS)]

    valid = {
        f"m{index}.ts": module for index, text in enumerate(mutants) for module in _module(text)
    }

    assert len(valid) > MUTANTS / 10
    try:
        compile_modules({name: module.source for name, module in valid.items()}, tmp_path)
    except CompileFailed as failed:
        names = dict.fromkeys(diagnostic.file for diagnostic in failed.diagnostics)
        messages = [f"{error.file}: {error.message}" for error in failed.diagnostics[:20]]
        broken = [mutants[int(name[1:-3])] for name in names if name in valid]
        pytest.fail("\n".join([*messages, *broken[:3]]))


def _module(text: str) -> Iterator[GeneratedModule]:
    """Yield the module of a document; without one, the document must have problems."""
    parsed = parse_json(text)
    assert (parsed.ir is None) == any(problem.is_error for problem in parsed.problems)
    try:
        yield generate_from_document(json.loads(text), SETTINGS)
    except InvalidIR as invalid:
        if not invalid.problems or not all(problem.message for problem in invalid.problems):
            pytest.fail(f"refused without a message: {text}")
