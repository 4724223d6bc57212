"""Operations of any shape, on documents of any shape, are performed or refused."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.editing.editing import after, edit
from tests.workflows.editing.test_random_operations import DOCUMENTS, RandomOperations
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.mutations import Mutator
from tests.workflows.ir.odd_values import IDS, LABELS, NASTY, VALUES
from workflows.editing import fragments
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import OpenDocument, Workbench
from workflows.editing.operations import OPERATIONS, perform
from workflows.editing.slots import slots_for
from workflows.editing.structure import selected_blocks
from workflows.nodes.built_in import NODE_TYPES

ARGUMENTS = ("node", "nodes", "slot", "name", "id", "field", "value", "changes", "label", "condition",
             "region", "to", "target", "node_type", "data", "fragment", "document", "trigger", "force",
             "type", "owner", "after")  # fmt: skip
FIELDS = ("data.code", "data.branches", "data.branches.0", "data.branches.0.label", "config.x",
          "data." + "9" * 5_000, "data.branches." + "9" * 5_000, "data.branches.²", "data.__proto__",
          "data" + ".a" * 5_000, "data..", "trigger", "")  # fmt: skip
ODD = st.one_of(
    st.sampled_from([*NASTY, *IDS, *LABELS, *FIELDS, *OPERATIONS, "step", "branch", "loop"]),
    st.sampled_from(VALUES),
    st.recursive(
        st.sampled_from(VALUES),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(ARGUMENTS), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
ARMS = st.lists(st.fixed_dictionaries({}, optional={"label": ODD, "condition": ODD}), max_size=3)
LIKELY = {
    "field": st.sampled_from(FIELDS),
    "data": st.fixed_dictionaries({}, optional={"branches": ARMS | ODD, "code": ODD}),
    "node_type": st.sampled_from(["branch", "loop", "try_catch"]),
    "type": st.sampled_from(list(OPERATIONS)),
}
REFUSED = [
    {"type": "add", "node_type": "branch", "slot": after("a"), "data": {}},
    {"type": "add", "node_type": "branch", "slot": after("a"), "data": {"branches": 5}},
    {"type": "add", "node_type": "branch", "slot": after("a"), "data": {"branches": [1]}},
    {"type": "configure", "node": "a", "field": "data" + ".a" * 5_000, "value": 1},
    {
        "type": "configure",
        "node": "if",
        "field": f"data.branches.{'1' * 5_000}.label",
        "value": "x",
    },
    {"type": "configure", "node": "if", "field": "data.branches.².label", "value": "x"},
]


@settings(deadline=None, max_examples=examples(150, 20_000))
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_any_arguments_of_an_operation_are_handled(data: st.DataObject, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - reproducible
    original = random.choice(DOCUMENTS)
    mutant = Mutator(random).mutated(original) if seed % 2 else original
    try:
        opened = OpenDocument(mutant, NODE_TYPES)
    except NotEditable:
        return
    operation = RandomOperations(random, opened).draw()
    names = data.draw(st.lists(st.sampled_from([*operation, *ARGUMENTS]), max_size=3))
    odd = {name: data.draw(LIKELY.get(name, ODD) | ODD) for name in names}

    _carry_out(opened, {**operation, **odd})


def _carry_out(opened: OpenDocument, operation: dict[str, Any]) -> None:
    try:
        edited = perform(opened, operation).opened
    except Refused:
        return
    ids = list(edited.draft.nodes)[:2]
    bench = Workbench(edited)
    fragments.fragment_of(bench, selected_blocks(bench, ids))
    slots_for(edited, ids)


@pytest.mark.parametrize("operation", REFUSED, ids=range(len(REFUSED)))
def test_values_that_cannot_be_read_are_refused(operation: dict[str, Any]) -> None:
    flow = document([node("a"), branch("if", yes="true", no=""), node("b")], "a if", "if b yes")
    with pytest.raises(Refused):
        perform(OpenDocument(flow, NODE_TYPES), operation)


@pytest.mark.parametrize("member", ["metadata", "trigger"])
@pytest.mark.parametrize("value", ["x", 5, [1]])
def test_a_document_whose_parts_are_not_objects_is_refused(member: str, value: object) -> None:
    flow = chain(node("a"))
    with pytest.raises(Refused, match=f"(?i){member}"):
        edit(flow, "replace_document", document={**flow, member: value})


@pytest.mark.parametrize("member", ["name", "data", "config"])
@pytest.mark.parametrize("value", [5, [1]])
def test_a_node_whose_parts_have_the_wrong_types_is_refused(member: str, value: object) -> None:
    flow = chain(node("a"))
    changed = {**flow, "nodes": [{**flow["nodes"][0], member: value}]}
    with pytest.raises(Refused, match=member):
        edit(flow, "replace_document", document=changed)


def test_a_document_without_metadata_is_refused() -> None:
    flow = chain(node("a"))
    without = {key: value for key, value in flow.items() if key != "metadata"}

    with pytest.raises(Refused, match="metadata"):
        edit(flow, "replace_document", document=without)
