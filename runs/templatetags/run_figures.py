"""A figure of the overview, linked to its runs."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.overview.presentation import LinkedFigure

register = template.Library()
_NOTHING = ("0", "0%", "-")


@register.simple_tag
def figure(item: LinkedFigure) -> SafeString:
    """The text of a figure as a link, or alone if it counts no runs."""
    if item.text in _NOTHING:
        return format_html('<span class="quiet">{}</span>', item.text)
    return format_html('<a href="{}?{}">{}</a>', reverse("runs:list"), item.query, item.text)
