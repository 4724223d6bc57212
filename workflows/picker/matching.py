"""Which workflows a typed text refers to."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Q, QuerySet

from workflows.models import Workflow

MAX_MATCHES: Final = 20
_ID_AT_END: Final = re.compile(r"\(([a-z0-9]{1,20})\)$")


def label_of(workflow: Workflow) -> str:
    """Return the text that a field suggests and shows; unlike a name, it is unique."""
    return f"{workflow.name} ({workflow.pk})"


def matching(text: str) -> QuerySet[Workflow]:
    """Return the workflows whose name contains the text, or whose id starts with it."""
    found = Workflow.objects.all()
    if text:
        found = found.filter(Q(name__icontains=text) | Q(pk__startswith=text.lower()))
    return found.only("pk", "name").order_by("name", "pk")


def resolve(text: str) -> list[Workflow]:
    """Return the workflow that the text refers to; if it is ambiguous, up to MAX_MATCHES.

    A label or an id refers to its workflow, the whole name of one workflow to that one, and other
    texts to all workflows that match.
    """
    text = text.strip()
    id_at_end = _ID_AT_END.search(text)
    ids = {text, id_at_end[1]} if id_at_end else {text}
    known = list(Workflow.objects.filter(pk__in=ids).only("pk", "name"))
    if known or not text:
        return known
    named = list(matching(text).filter(name=text)[:2])
    return named if len(named) == 1 else list(matching(text)[:MAX_MATCHES])
