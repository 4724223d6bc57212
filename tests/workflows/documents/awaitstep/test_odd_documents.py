"""Any document and any entry code can be converted: what cannot be taken over stays as it is."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random

import pytest

from tests.support.examples import examples
from tests.workflows.documents.awaitstep import documents
from tests.workflows.ir.mutations import Mutator
from tests.workflows.ir.valid_documents import pool
from workflows.documents.awaitstep.conversion import convert
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse

PIECES = [
    "@fetch ", "@queue ", "@config ", "function a(b) ", "async ", "export ", "{", "}", "{ max_retries: 1 }", "(", ")",
    "return 1;", "import a from 'b'\n", "`${", "}`", "// @fetch\n", "class A ", "\n", ";", "ä", "const a = 1;", "@",
]  # fmt: skip


def test_our_own_documents_stay_as_they_are() -> None:
    for document in pool():
        found = convert(document, NODE_TYPES)

        assert (found.document, found.rewrites, found.problems) == (document, (), ())


@pytest.mark.parametrize("name", documents.names())
def test_a_converted_document_does_not_change_again(name: str) -> None:
    once = convert(documents.document(name), NODE_TYPES)

    assert convert(once.document, NODE_TYPES).rewrites == ()


def test_mutated_documents_are_converted_without_new_errors() -> None:
    random = Random(5)  # noqa: S311 - the same every time
    originals = [*map(documents.document, documents.names()), *pool()]
    mutator = Mutator(random)
    for _ in range(examples(150, 6_000)):
        mutant = mutator.mutated(random.choice(originals))
        before = deepcopy(mutant)

        found = convert(mutant, NODE_TYPES)

        assert mutant == before
        assert _errors(found.document) <= _errors(mutant), json.dumps(mutant)


def _errors(document: object) -> int:
    return sum(problem.is_error for problem in parse(document).problems)


def test_any_entry_code_is_converted_or_refused() -> None:
    random = Random(6)  # noqa: S311 - the same every time
    document = documents.document("approval")
    for _ in range(examples(75, 3_000)):
        source = "".join(random.choices(PIECES, k=random.randint(1, 12)))

        found = convert(document, NODE_TYPES, entry_code=source)

        if not any(problem.is_error for problem in found.problems):
            again = convert(document, NODE_TYPES, entry_code=found.entry_code)
            assert again.entry_code == found.entry_code, source
