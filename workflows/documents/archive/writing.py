"""Writes archives: equal content gives equal bytes."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterable, Iterator
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from workflows.documents.archive import layout
from workflows.documents.archive.content import (
    FORMAT,
    Archive,
    TypeContent,
    WorkflowContent,
)
from workflows.ir.validation.validate import MAX_TEXT, compact

_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_LEVEL: Final = 6


def write(archive: Archive) -> bytes:
    """Return the zip file of an archive."""
    return zipped(files_of(archive))


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip file of these names and contents."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as file:
        for name, data in files:
            info = ZipInfo(name, _MOMENT)
            info.create_system, info.external_attr = _UNIX, (stat.S_IFREG | 0o644) << 16
            file.writestr(info, data, compress_type=ZIP_DEFLATED, compresslevel=_LEVEL)
    return buffer.getvalue()


def files_of(archive: Archive) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of all files, in their order."""
    manifest = {
        "format": FORMAT,
        "workflows": list(archive.workflows),
        "nodeTypes": [f"{type_.id}/{type_.version}" for type_ in archive.types],
    }
    yield layout.MANIFEST, _json(manifest)
    for folder, workflow in archive.workflows.items():
        for name, data in _workflow(workflow):
            yield f"{layout.WORKFLOWS}/{folder}/{name}", data
    for type_ in archive.types:
        for name, data in _type(type_):
            yield f"{layout.TYPES}/{type_.id}/{type_.version}/{name}", data


def _workflow(workflow: WorkflowContent) -> Iterator[tuple[str, bytes]]:
    about = {"name": workflow.name, "description": workflow.description}
    yield layout.ABOUT, _json(about | ({"calls": dict(workflow.calls)} if workflow.calls else {}))
    yield layout.DOCUMENT, _json(workflow.document)
    if workflow.entry_code:
        yield layout.ENTRY_CODE, workflow.entry_code.encode()
    parts = {
        layout.DEPENDENCIES: workflow.dependencies,
        layout.BINDINGS: workflow.bindings,
        layout.DEPLOY_SETTINGS: workflow.deploy_settings,
        layout.VARIABLES: workflow.variables,
    }
    for name, part in parts.items():
        if part:
            yield name, _json(dict(part))
    if workflow.tests:
        yield layout.TESTS, _json(list(workflow.tests))


def _type(type_: TypeContent) -> Iterator[tuple[str, bytes]]:
    yield layout.DEFINITION, _json(type_.definition)
    yield layout.TEMPLATE, type_.template.encode()


def _json(value: Any) -> bytes:
    """Return JSON on several lines, or on one if it would otherwise be too large to import."""
    indented = f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode()
    return indented if len(indented) <= MAX_TEXT else compact(value).encode()
