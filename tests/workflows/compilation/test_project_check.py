"""The type check of projects: packages and modules of Node.js have unknown types, which does not matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflows.compilation.project_check import ProjectVerdict, check_project
from workflows.compilation.project_folder import ProjectSource
from workflows.compilation.project_imports import imported_files
from workflows.documents.projects.compiler_settings import compiler_settings

TYPED_PACKAGES = """\
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import Stripe from "stripe";
const schema = z.object({ a: z.string() });
interface Values { db: DrizzleD1Database<typeof schema>; charge: Stripe.Charge; a: z.infer<typeof schema> }
const app = new Hono<{ Bindings: Env; Variables: Values }>();
app.get("/", async (c: Context) => c.json({ id: (await c.env.FLOW.create()).id }));
export default app;
"""
NODE = """\
import fs from "fs";
import { createHash } from "node:crypto";
const { EventEmitter } = require("events");
export default [fs.existsSync, createHash, EventEmitter, process.env.A, Buffer.from("a")];
"""


def verdict(text: str, folder: Path, *packages: str, **others: str) -> ProjectVerdict:
    files = {"src/index.ts": text, **others}
    return check_project(ProjectSource(files=files, main="src/index.ts", packages=packages), folder)


@pytest.mark.parametrize("text", [TYPED_PACKAGES, NODE], ids=["packages", "node"])
def test_unknown_types_do_not_matter(tmp_path: Path, text: str) -> None:
    found = verdict(text, tmp_path, "hono", "zod", "drizzle-orm", "stripe")

    assert found == ProjectVerdict()


def test_a_declaration_of_require_goes_before_ours(tmp_path: Path) -> None:
    declared = "declare var require: (name: string) => { one: number };\n"

    found = verdict('export default require("a").one;', tmp_path, **{"src/env.d.ts": declared})

    assert found == ProjectVerdict()


def test_what_javascript_accepts_is_a_warning(tmp_path: Path) -> None:
    found = verdict("export default [!function () {}(), { a: 1, a: 2 }];\n", tmp_path)

    assert not found.errors
    assert {each.code for each in found.warnings} == {"TS1117", "TS1345"}


def test_a_mistake_has_its_file_and_line(tmp_path: Path) -> None:
    found = verdict('const a = "b";\nexport default a.toUppercase();\n', tmp_path)

    (error,) = found.errors
    assert (error.file, error.line, error.code) == ("src/index.ts", 2, "TS2551")


@pytest.mark.parametrize(
    ("specifier", "path"),
    [
        ("./sums", "src/sums.ts"),
        ("./sums.js", "src/sums.ts"),
        ("./view.jsx", "src/view.tsx"),
        ("./lib", "src/lib/index.ts"),
        ("../rates.json", "rates.json"),
        ("@/sums", "src/sums.ts"),
        ("rates", "rates.json"),
        ("..", "index.mjs"),
    ],
)
def test_imports_are_found_by_all_their_spellings(specifier: str, path: str) -> None:
    main, aliases = "src/index.ts", {"@/*": ["gone/*", "src/*"], "rates": ["rates"]}
    others = ("src/sums.ts", "src/view.tsx", "src/lib/index.ts", "rates.json", "index.mjs")
    files = {main: f'import "{specifier}";', **dict.fromkeys(others, "")}

    assert imported_files(files, main, aliases) == [main, path]


def test_so_many_imports_and_aliases_that_reading_them_takes_long_are_not_followed() -> None:
    many = {"@/*": [f"at{number}/*" for number in range(1_000)], "*": ["*" * 500, "lib/*"]}
    paths = json.dumps({"compilerOptions": {"paths": many}})
    main = "".join(f'import "x{number}";\n' for number in range(5_000)) + 'import "./last";'

    aliases = compiler_settings({"tsconfig.json": paths}).aliases
    found = imported_files({"main.ts": main, "last.ts": ""}, "main.ts", aliases)

    assert [len(replacements) for replacements in aliases.values()] == [100]
    assert found == ["main.ts"]
