"""A figure of the overview, which leads to the runs behind it."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.overview.presentation import Linked

register = template.Library()
_NOTHING = ("0", "0%", "-")


@register.simple_tag
def figure(said: Linked) -> SafeString:
    """The words of a figure as a link; there is nothing behind none."""
    if said.words in _NOTHING:
        return format_html('<span class="quiet">{}</span>', said.words)
    return format_html('<a href="{}?{}">{}</a>', reverse("runs:list"), said.query, said.words)
