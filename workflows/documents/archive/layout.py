"""The names of folders and files in an archive, and links between its workflows."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from workflows.documents.archive.content import WorkflowContent
from workflows.nodes import start_many, sub_script, sub_workflow
from workflows.nodes.called_workflow import WORKFLOW_ID

MANIFEST: Final = "awaitstep-export.json"
WORKFLOWS: Final = "workflows"
TYPES: Final = "node-types"
ABOUT: Final = "workflow.json"
DOCUMENT: Final = "document.ir.json"
ENTRY_CODE: Final = "entry-code.ts"
DEPENDENCIES: Final = "dependencies.json"
BINDINGS: Final = "bindings.json"
DEPLOY_SETTINGS: Final = "deploy-settings.json"
TESTS: Final = "tests.json"
VARIABLES: Final = "variables.json"
DEFINITION: Final = "node.json"
TEMPLATE: Final = "template.ts"

_OTHERS: Final = re.compile(r"[^a-z0-9]+")
_MAX_FOLDER: Final = 50
_NOT_ON_WINDOWS: Final = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")
_CALLS: Final = {
    sub_workflow.TYPE.name: WORKFLOW_ID.name,
    start_many.TYPE.name: WORKFLOW_ID.name,
    sub_script.TYPE.name: sub_script.WORKER.name,
}
"""The setting with the id of another workflow, by node type."""


def folder_for(name: str) -> str:
    """Return a folder for a workflow: `order-with-payment` for "Order with payment"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    folder = _OTHERS.sub("-", letters).strip("-")[:_MAX_FOLDER].strip("-")
    is_usable = folder and not _NOT_ON_WINDOWS.fullmatch(folder)
    return folder if is_usable else f"{folder}-workflow".strip("-")


def in_folders(contents: Mapping[str, WorkflowContent]) -> dict[str, WorkflowContent]:
    """Return workflows by folder, in an order that does not depend on their ids; `contents` is by id.

    Calls between these workflows name the folder instead of the id.
    """
    ids = sorted(contents, key=lambda id_: _sort_key(contents[id_], contents.keys()))
    folders: dict[str, str] = {}
    for id_ in ids:
        folders[id_] = _free(folder_for(contents[id_].name), folders.values())
    return {folders[id_]: _with_folders(contents[id_], folders) for id_ in ids}


def _free(folder: str, taken: Iterable[str]) -> str:
    names, number, free = set(taken), 1, folder
    while free in names:
        number += 1
        free = f"{folder}-{number}"
    return free


def _sort_key(content: WorkflowContent, ids: Iterable[str]) -> tuple[str, str, str]:
    blank = _with_folders(content, dict.fromkeys(ids, ""))
    rest = [blank.document, content.entry_code, content.description, dict(content.deploy_settings)]
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return folder_for(content.name), content.name, text


def _with_folders(content: WorkflowContent, folders: Mapping[str, str]) -> WorkflowContent:
    if not any(data[key] in folders for _, data, key in _called(content.document)):
        return replace(content, calls={})
    document, calls = deepcopy(content.document), {}
    for node_id, data, key in _called(document):
        if data[key] in folders:
            data[key] = calls[node_id] = folders[data[key]]
    return replace(content, document=document, calls=calls)


def with_ids(content: WorkflowContent, ids: Mapping[str, str]) -> Any:
    """Return the document with the ids of the workflows in these folders."""
    if not content.calls:
        return content.document
    document = deepcopy(content.document)
    for node_id, data, key in _called(document):
        if content.calls.get(node_id) == data[key]:
            data[key] = ids.get(data[key], data[key])
    return document


def _called(document: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield each node that calls a workflow, its settings, and the key of the one with the id."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    for item in nodes if isinstance(nodes, list) else ():
        data = item.get("data") if isinstance(item, dict) else None
        if not isinstance(data, dict) or data.get("scriptName"):
            continue
        key = _CALLS.get(str(item.get("type")))
        if key and isinstance(data.get(key), str):
            yield str(item.get("id")), data, key
