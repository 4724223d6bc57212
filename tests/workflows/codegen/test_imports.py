from __future__ import annotations

import re

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import chain, every_type, node
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import USED_GLOBALS

ALLOWED = [
    "import { createHash } from 'node:crypto'; return createHash('md5')",
    "import Stripe from 'stripe'; return new Stripe('x')",
    "import * as inner from '@scope/pkg/inner'; return inner",
    "import 'stripe/side-effect'; return 1",
    "import type { Stripe } from 'stripe'; return 1",
    "const { connect } = await import('cloudflare:sockets'); return 1",
    "let x: import('stripe').Stripe; return x",
    "import x from 'stripe/lib/a.b/c.js'; return x",
    "import { readFile } from 'node:fs/promises'; return readFile",
    "const module = { exports: 1 }; return module.exports",
    "return new.target",
]

REFUSED = [
    "return require('node:path')",
    "return require('stripe')",
    "import x from './secrets.json'; return x",
    "import x from '/etc/passwd'; return x",
    "import x from 'lodash'; return x",
    "import x from 'stripes'; return x",
    "import x from 'fs'; return x",
    "import x = require('node:fs'); return x",
    "import x from 'node:fs' with { type: 'json' }; return x",
    "return require('/etc/passwd')",
    "return require(event.payload)",
    "return require(`node:fs`)",
    "return require.resolve('/etc/passwd')",
    "const load = require; return load('/etc/passwd')",
    "return r\\u0065quire('/etc/passwd')",
    "return await import('../settings.json')",
    "return await import(`../${event.payload}.json`)",
    "return await import('../' + event.payload)",
    "return new URL('./secrets.txt', import.meta.url)",
    "return new URL(event.payload, import.meta.url)",
    "let x: typeof import('/etc/passwd'); return x",
    "export * from './secrets.js'",
    "export { x } from '/etc/passwd'",
    "import a from 'stripe/../../../../leak.json'; return a",
    "import a from '@scope/pkg/./../../leak.json'; return a",
    "import a from 'stripe//etc/passwd'; return a",
    "import a from 'stripe/'; return a",
    "import a from '@scope/../stripe'; return a",
    "import a from 'stripe/..\\u002fleak.json'; return a",
    "import a from 'stripe/%2e%2e/leak.json'; return a",
    "import a from 'stripe/a?raw'; return a",
    "import a from 'stripe/a#b'; return a",
    "import a from 'node:../leak.json'; return a",
    "import a from 'node:fs/../../leak.json'; return a",
    "import a from 'node:'; return a",
    "import a from 'cloudflare:/etc/passwd'; return a",
    "return await import('stripe/../../leak.json')",
    "return require('stripe/../../leak.json')",
    "return new (URL)('./x.json', import.meta.url)",
    "const U = URL; return new U('./x', import.meta.url)",
    "return import.meta.url",
    "const { url } = import . meta; return url",
    "return module.require('/etc/passwd')",
    "return module?.require('/etc/passwd')",
    "return module['require']('/etc/passwd')",
]

DEPENDENCIES = {"stripe": "1.0.0", "@scope/pkg": "2.0.0"}


@pytest.mark.parametrize("code", ALLOWED)
def test_cloudflare_node_and_declared_packages_may_be_imported(code: str) -> None:
    assert generated(chain(node("a", code=code)), dependencies=DEPENDENCIES).source


@pytest.mark.parametrize("code", REFUSED)
def test_every_other_import_is_a_problem_on_its_node(code: str) -> None:
    refused = refusal(chain(node("a", code=f"\n{code}")), dependencies=DEPENDENCIES)

    assert refused.startswith("nodes.a.data.code: line 2, column ")


@pytest.mark.parametrize("code", REFUSED)
def test_every_other_import_is_a_problem_in_entry_code(code: str) -> None:
    entry = f"export function fetch() {{\n  return new Response('x');\n}}\n{code}"

    assert "entryCode: line 4" in refusal(chain(node("a")), entry_code=entry)


def test_imports_move_to_the_header_once_and_leave_blank_lines() -> None:
    first = "import { createHash, type Hash } from 'node:crypto';\n\nreturn createHash('a')"
    second = "import { createHash as hash, createHash } from 'node:crypto';\nreturn hash('b')"

    source = generated(chain(node("a", code=first), node("b", code=second))).source

    assert source.count("node:crypto") == 1
    header = 'import { createHash, createHash as hash, type Hash } from "node:crypto";\n'
    assert header in source
    assert f"=> {{\n{' ' * 52}\n\nreturn createHash('a')\n" in source


def test_two_imports_of_one_name_are_a_problem() -> None:
    refused = refusal(
        chain(
            node("a", code="import { x } from 'node:fs'; return x"),
            node("b", code="import { x } from 'node:path'; return x"),
        )
    )

    assert refused.startswith('nodes.b.data.code: line 1, column 1: `x` is imported from "node:fs"')


def test_a_variable_never_hides_an_import() -> None:
    code = "import { createHash } from 'node:crypto'; return createHash('a')"

    source = generated(
        chain(node("createHash"), node("b", code=code + " + {{ createHash.from }}"))
    ).source

    assert "const createHash_2 = await step.do(" in source
    assert "createHash('a') + createHash_2.from" in source


SHADOWING = [
    "import { format as fetch } from 'node:util'; return fetch('a')",
    "import URL from 'node:url'; return URL",
    "import * as JSON from 'node:fs'; return JSON",
    "import type { KVNamespace } from 'node:fs'; return 1",
]


@pytest.mark.parametrize("code", SHADOWING)
def test_an_import_cannot_replace_a_name_that_generated_code_uses(code: str) -> None:
    assert "import it under another name" in refusal(chain(node("a", code=code)))


def test_generated_code_uses_no_other_global_names() -> None:
    module = generated(every_type() | {"trigger": {"type": "http"}})
    code = Syntax(Code("", module.source, is_expression=False, references=()))

    assert code.free.keys() <= USED_GLOBALS


@pytest.mark.parametrize("kind", BindingKind)
def test_generated_code_uses_no_other_global_types(kind: BindingKind) -> None:
    assert re.match(r"\w+", kind.typescript)[0] in USED_GLOBALS  # type: ignore[index]


CRYPTO = "import crypto from 'node:crypto'; return crypto.createHash('md5')"


def test_an_import_may_have_the_name_of_a_global_that_other_code_does_not_use() -> None:
    other = "const crypto = 1; return [crypto].map((process) => process)"

    assert generated(chain(node("a", code=CRYPTO), node("b", code=other)))


def test_an_import_cannot_change_the_meaning_of_a_global_in_other_code() -> None:
    other = node("b", code="return crypto.randomUUID()")

    assert refusal(chain(node("a", code=CRYPTO), other)) == (
        "nodes.a.data.code: line 1, column 1: `crypto` is imported here, but means the global in "
        "nodes.b.data.code: import it under another name"
    )
