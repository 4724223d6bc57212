"""Ids on pages: nobody can type an id of which a part is missing without a sign."""

from __future__ import annotations

import pytest

from web.templatetags.ui import short_id


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        ("qvvquxe4af", "qvvquxe4af"),
        ("order-2026-12-000042", "order-2026-12-000042"),
        ("20809b57-add7-42b7-9be0-7f591f63c64c", "20809b57…"),
    ],
)
def test_only_long_ids_are_shortened(whole: str, shown: str) -> None:
    context = short_id(whole, "the id")

    assert (context["short"], context["text"]) == (shown, whole)
