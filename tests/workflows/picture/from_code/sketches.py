"""Pictures of code as a few lines of text, so that a test shows the whole picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import dedent

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.region_tree import Region
from workflows.picture.from_code.class_picture import picture_of_class
from workflows.picture.from_code.model import CodePicture

MAIN = "src/index.ts"


def class_with(body: str, *, top: str = "", methods: str = "", header: str = "") -> str:
    """Return a module with a class whose method `run` has this body."""
    start = header or "export class Flow extends WorkflowEntrypoint {"
    imports = 'import { WorkflowEntrypoint } from "cloudflare:workers";'
    parts = [imports, dedent(top), start, "async run(event, step) {" + dedent(body), "}", methods]
    return "\n".join([*parts, "}"])


def picture(body: str, **parts: str) -> CodePicture:
    return of_files({MAIN: class_with(body, **parts)})


def of_files(files: Mapping[str, object], *, main: str = MAIN, name: str = "Flow") -> CodePicture:
    return picture_of_class(files, main, name)


def sketch(found: CodePicture) -> str:
    """Return a line for each node and each arm: "do first", "branch ok", "  yes:"."""
    assert found.ir is not None, found.message
    return "\n".join(_lines(found.ir, found.ir.structure.root, ""))


def _lines(ir: WorkflowIR, region: Region, indent: str) -> Iterator[str]:
    for step in region.steps:
        node = ir.nodes[step.node_id]
        yield f"{indent}{node.type.name} {node.name}"
        for inner in step.regions:
            after = f" then {ir.nodes[inner.continues_at].name}" if inner.continues_at else ""
            yield f"{indent}  {inner.label}:{after}"
            yield from _lines(ir, inner, indent + "    ")
        for inner in step.shared:
            after = f" then {ir.nodes[inner.continues_at].name}" if inner.continues_at else ""
            yield f"{indent}  shared:{after}"
            yield from _lines(ir, inner, indent + "    ")


def sketch_of(body: str, **parts: str) -> str:
    return sketch(picture(body, **parts))


def drawn(text: str) -> str:
    """Return an expected sketch without the indentation of the test."""
    return dedent(text).strip("\n").rstrip()
