"""Tags and filters that the templates of every app share: times, icons, copy buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from web import formatting, numbered_lines

register = template.Library()


@register.filter
def get(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """The value of a key; None where the mapping does not have it or is missing."""
    return (mapping or {}).get(key)


@register.filter
def duration(time: timedelta | float | None) -> str:
    return formatting.duration(time)


@register.filter
def elapsed(seconds: float) -> str:
    return formatting.elapsed(seconds)


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """A relative time that keeps the exact one, with its zone, in `title` and `datetime`."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        formatting.ago(moment, timezone.now()),
    )


@register.filter
def clock(moment: datetime | None) -> str | SafeString:
    """The time of day, with the date and the zone in `title` and `datetime`."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="milliseconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        exact.strftime("%H:%M:%S"),
    )


@register.filter
def from_dashboard(crumbs: str) -> SafeString:
    """Have the admin's breadcrumbs begin where those of the product's own pages do."""
    home = format_html('<a href="{}">{}</a>', reverse("admin:index"), gettext("Home"))
    first = format_html(
        '<a href="{}">Dashboard</a> &rsaquo; <a href="{}">Administration</a>',
        reverse("deployments:dashboard"),
        reverse("admin:index"),
    )
    return SafeString(crumbs.replace(home, first))


@register.filter
def permission_name(lacking: str) -> str:
    """The words for a permission that is named as "app.codename"; "" where none is."""
    app, _, codename = lacking.partition(".")
    known = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return known.values_list("name", flat=True).first() or "" if codename else ""


@register.simple_tag
def lines(text: str, name: str) -> SafeString:
    return numbered_lines.listing(text, str(name))


@register.inclusion_tag("web/_icon.html")
def icon(name: str) -> dict[str, str]:
    return {"name": name}


@register.inclusion_tag("web/_copy.html")
def copy(text: str, what: str) -> dict[str, str]:
    """A button that copies the text; it shows itself where there is JavaScript."""
    return {"text": text, "what": what}


@register.inclusion_tag("web/_copy.html")
def copy_from(name: str, what: str) -> dict[str, str]:
    """A button that copies the text of a listing."""
    return {"source": f"{name}-text", "what": what}
