"""Where the documentation describes a setting or a problem."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from django.urls import reverse

from workflows.documentation.markdown import parsed, setting_anchor
from workflows.documentation.pages import INDEX, pages
from workflows.editing.problem_places import path_in_node
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TriggerType
from workflows.ir.reading.problems import Problem

_INDEXES: Final = re.compile(r"\.\d+(?=\.|$)")
_OF_DOCUMENT: Final = {
    "entryCode": "building-workflows.md#entry-code",
    "edges": "building-workflows.md#edges",
    "nodes": "building-workflows.md#nodes",
    "trigger": "triggers.md",
    "kind": "scripts.md",
    "dependencies": "building-workflows.md#npm-packages",
}
_DOCUMENT: Final = "building-workflows.md#the-document"
_OF_STEPS: Final = (("steps.md", "steps"), ("steps.md", "rollbacks"))
VARIABLES: Final = "environment.md#variables"
_DEPLOY_SETTINGS: Final = "deploying.md"


def url_of(place: str, *, workflow: str = "") -> str:
    """Return the URL of a place in the documentation: a file, and possibly an anchor.

    Its page offers to add examples to the workflow. Addresses of other sites stay as they are.
    """
    if place.startswith(("https://", "http://")):
        return place
    file, _, anchor = place.partition("#")
    address = file.removesuffix(".md")
    url = (
        reverse("documentation:index")
        if address == INDEX
        else reverse("documentation:page", args=[address])
    )
    query = f"?{urlencode({'workflow': workflow})}" if workflow else ""
    return f"{url}{query}#{quote(anchor)}" if anchor else f"{url}{query}"


def place_of_setting(type_: NodeType | TriggerType, path: str) -> str:
    """Return where a setting is described; `path` is its path in `data` or in the trigger.

    Settings that all steps have are described with the steps. A custom type describes its own.
    """
    file = type_.docs.partition("#")[0]
    steps = _INDEXES.sub("", path).split(".")
    for length in range(len(steps), 0, -1):
        name = "[].".join(steps[:length])
        for page, holder in ((file, type_.name), *_OF_STEPS):
            if (anchor := setting_anchor(holder, name)) in _anchors(page):
                return f"{page}#{anchor}"
    return type_.docs


def place_of_deploy_setting(name: str) -> str:
    """Return where a deploy setting such as `limits.cpuMs` is described."""
    return f"{_DEPLOY_SETTINGS}#{setting_anchor('deploy', name)}"


def place_of_problem(problem: Problem, type_: NodeType | TriggerType | None) -> str:
    """Return where the documentation describes what a problem is about; `type_` is the type of its node."""
    path = path_in_node(problem)
    root, _, rest = path.partition(".")
    if type_ is not None and root in ("data", "config", "trigger"):
        return place_of_setting(type_, rest)
    return type_.docs if type_ is not None else _OF_DOCUMENT.get(root, _DOCUMENT)


def _anchors(file: str) -> set[str]:
    page = pages().get(file.removesuffix(".md"))
    return parsed(page).anchors if page else set()
