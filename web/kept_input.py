"""What was typed into a form that was refused: the session keeps it until a page shows the form again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest

_KEY: Final = "awaitstep_kept_input"
_MAX_FORMS: Final = 5
_MAX_LENGTH: Final = 200_000  # characters of one form

Fields = Mapping[str, str]


def keep_input(request: HttpRequest, form: str, fields: Fields) -> None:
    """Keep the fields of a form; the input of the oldest forms is dropped."""
    if not any(fields.values()) or sum(map(len, fields.values())) > _MAX_LENGTH:
        return
    others = {name: kept for name, kept in _all(request).items() if name != form}
    request.session[_KEY] = dict([*others.items(), (form, dict(fields))][-_MAX_FORMS:])


def take_input(request: HttpRequest, form: str) -> Fields:
    """Return the fields that were kept, and forget them."""
    kept = _all(request)
    fields = kept.get(form, {})
    if fields:
        request.session[_KEY] = {name: each for name, each in kept.items() if name != form}
    return fields


def _all(request: HttpRequest) -> Mapping[str, Fields]:
    kept: Mapping[str, Fields] = request.session.get(_KEY, {})
    return kept
