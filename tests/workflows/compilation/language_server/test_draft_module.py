"""The module for the language server, for valid documents and for any others."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.support.examples import examples
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.mutations import Mutator
from tests.workflows.ir.valid_documents import pool
from tests.workflows.monsters import NAMES, monsters
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.language_server.draft_module import DraftModule, draft_module
from workflows.compilation.language_server.module_document import FieldText, ModuleDocument
from workflows.compilation.typescript import compile_modules
from workflows.nodes.built_in import NODE_TYPES

SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
MUTANTS = examples(150, 5000)


def draft(document: object) -> DraftModule:
    return draft_module(document, SETTINGS, NODE_TYPES)


def test_the_module_of_every_valid_document_has_all_its_code_and_no_syntax_error(
    tmp_path: Path,
) -> None:
    sources = {}
    for number, document in enumerate(pool()):
        found = draft(document)
        shown = ModuleDocument(found.module, found.codes)
        sources[f"m{number}.ts"] = shown.text
        assert found.has_tree
        missing = [key for key in found.codes if not shown.stands(key)]
        assert missing == []
        assert all(shown.offset(key, 0) is not None for key in found.codes)

    compile_modules(sources, tmp_path, checks_types=False)


def test_positions_are_converted_to_the_module_and_back() -> None:
    for document in pool():
        found = draft(document)
        shown = ModuleDocument(found.module, found.codes)
        for key, code in found.codes.items():
            references = [(part.start, part.end) for part in code.references]
            for offset in range(len(code.source) + 1):
                at = shown.offset(key, offset)
                assert at is not None
                if not any(start < offset < end for start, end in references):
                    spot = shown.spot(at)
                    assert spot is not None
                    assert (spot.key, spot.offset) == (key, offset)


def test_the_module_of_any_json_value_can_be_generated(caplog: pytest.LogCaptureFixture) -> None:
    random = Random(7)  # noqa: S311 - the same every time
    documents, mutator = pool(), Mutator(random)
    for _ in range(MUTANTS):
        mutant = json.loads(json.dumps(mutator.mutated(random.choice(documents))))
        found = draft(mutant)
        ModuleDocument(found.module, found.codes)

    assert caplog.records == []
    others: list[object] = [None, [], {}, "x", 7, {"nodes": [{}], "edges": 1}]
    assert not any(draft(value).has_tree for value in others)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_server_does_not_get_code_that_would_keep_it_busy(name: str) -> None:
    source = monsters(49_000)[name]
    found = draft(chain(node("a", code="return 1;")))
    document = ModuleDocument(found.module, found.codes)
    key = ("a", "data.code")
    document.show({key: FieldText(source, is_expression=False)}, key)

    is_valid = not document.codes[key].is_broken
    assert is_valid == (name in {"digits", "letters"})
    assert (source in document.text) == is_valid
    assert is_valid or document.offset(key, 0) is None


def test_code_that_is_typed_stays_in_the_module_while_it_is_broken() -> None:
    found = draft(chain(node("a", code="return 1;")))
    document = ModuleDocument(found.module, found.codes)
    key, source = ("a", "data.code"), "const x = [{ a: f(1) }];\n" * 1_000 + "x."
    document.show({key: FieldText(source, is_expression=False)}, key)

    assert source in document.text
