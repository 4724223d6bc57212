"""Template tags and filters for all apps: times, icons, copy buttons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from toolchain.commands import command
from toolchain.platform_outage import current
from web import formatting, navigation, numbered_lines
from web.kept_input import Fields, take_input

register = template.Library()
_SHORT = 8  # characters of a long id
_LONGEST_WHOLE = 20  # characters: ids of workflows, and most that people choose for runs
_APP_CRUMB = re.compile(r'&rsaquo; <a href="/admin/\w+/">[^<]*</a>\s*')


@register.inclusion_tag("web/_platform_outage.html", takes_context=True)
def platform_outage(context: Context) -> dict[str, Any]:
    """Show users who are logged in that the embedded platform is not running."""
    request = context["request"]
    outage = current(settings.AWAITSTEP.data_dir) if request.user.is_authenticated else None
    return {"outage": outage, "address": request.get_full_path()}


@register.simple_tag(takes_context=True)
def kept_input(context: Context, form: str, key: object) -> Fields:
    """Return what was typed into this form about the object with this key, if it was refused."""
    return take_input(context["request"], f"{form} {key}")


@register.inclusion_tag("web/_navigation.html", takes_context=True)
def navigation_items(context: Context) -> dict[str, Any]:
    """The links of the navigation that the user may follow, with the current one marked."""
    request = context["request"]
    current = navigation.current_item(request.path)
    return {"items": navigation.items_for(request.user), "current": current, "kind": _kind(request)}


def _kind(request: HttpRequest) -> str:
    """Return `aria-current` for the current item: "page" on its own page, "true" on pages under it."""
    return "page" if request.path == navigation.current_item(request.path).url else "true"


@register.filter
def get(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """Return the value of a key; None if it, or the mapping, is missing."""
    return (mapping or {}).get(key)


@register.filter
def duration(time: timedelta | float | None) -> str:
    """Format a duration, in seconds if it is a number; "" for None."""
    return formatting.duration(time)


@register.filter
def elapsed(seconds: float) -> str:
    """Format the time so far in whole seconds."""
    return formatting.elapsed(seconds)


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """Render a relative time; `title` and `datetime` have the exact one with its time zone."""
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
    """Render the time of day, and the date unless it is today; `title` has the time zone too."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    is_today = exact.date() == timezone.localdate()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="milliseconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        exact.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S"),
    )


@register.filter
def from_dashboard(crumbs: str, path: str) -> SafeString:
    """Start the admin's breadcrumbs at the dashboard, as on all other pages.

    "Administration" is only part of the breadcrumbs of the admin's own pages.
    """
    home = format_html('<a href="{}">{}</a>', reverse("admin:index"), gettext("Home"))
    dashboard = format_html('<a href="{}">Dashboard</a>', reverse("deployments:dashboard"))
    index = format_html('<a href="{}">Administration</a>', reverse("admin:index"))
    if navigation.current_item(path) is navigation.ADMINISTRATION:
        return SafeString(crumbs.replace(home, f"{dashboard} &rsaquo; {index}"))
    return SafeString(_APP_CRUMB.sub("", crumbs, count=1).replace(home, dashboard))


@register.filter
def permission_name(permission: str) -> str:
    """Return the name of the permission "app.codename"; "" if there is none."""
    app, _, codename = permission.partition(".")
    permissions = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return permissions.values_list("name", flat=True).first() or "" if codename else ""


@register.filter
def code_list(names: Iterable[str]) -> SafeString:
    """Names in a fixed-width font, separated by commas."""
    return format_html_join(", ", "<code>{}</code>", ((name,) for name in names))


@register.simple_tag(name="command")
def command_line(*words: str) -> str:
    """A management command as it runs when pasted in the project's folder."""
    return command(*words)


@register.simple_tag
def target_url(view: str, workflow: str, target: int) -> str:
    """The URL of a page of a workflow, for one of its targets."""
    return f"{reverse(view, args=[workflow])}?target={target}"


@register.simple_tag
def lines(
    text: str,
    name: str,
    sources: Sequence[numbered_lines.Source | None] = (),
    anchors: str = "",
) -> SafeString:
    """Render numbered lines, whose ids start with `anchors`, by default with `name` and a hyphen.

    `sources` has the source of each line.
    """
    return numbered_lines.listing(text, str(name), sources or (), anchors=anchors)


@register.simple_tag
def tab_link(
    url: str,
    label: str,
    name: str = "",
    shown: str | None = None,
    id: str = "",  # noqa: A002
) -> SafeString:
    """An item of a list of tabs; it is the current one if its name is that of the shown tab."""
    current = SafeString(' aria-current="page"') if name == shown else ""
    key = format_html(' id="{}"', id) if id else ""
    return format_html('<li><a href="{}"{}{}>{}</a></li>', url, key, current, label)


@register.inclusion_tag("web/_short_id.html")
def short_id(text: str, what: str, url: str = "", id: str = "") -> dict[str, str]:  # noqa: A002
    """An id, or the first 8 characters of a long one, with the whole id in a tooltip and a button to copy it."""
    short = text if len(text) <= _LONGEST_WHOLE else f"{text[:_SHORT]}…"
    return {"text": text, "short": short, "what": what, "url": url, "id": id}


@register.simple_block_tag
def row(content: str, label: str) -> SafeString:
    """A row of a list of facts: the label, and the content of the block."""
    return format_html("<div><dt>{}</dt><dd>{}</dd></div>", label, SafeString(content.strip()))


@register.inclusion_tag("web/_icon.html")
def icon(name: str) -> dict[str, str]:
    """Render an icon, hidden from screen readers."""
    return {"name": name}


@register.inclusion_tag("web/_copy.html")
def copy(text: str, what: str) -> dict[str, str]:
    """Render a button that copies the text; it needs JavaScript to appear."""
    return {"text": text, "what": what}


@register.inclusion_tag("web/_copyable.html")
def copyable(text: str, what: str, url: str = "", id: str = "") -> dict[str, str]:  # noqa: A002
    """Text in a fixed-width font, as a link if there is a URL, with a button that copies it."""
    return {"text": text, "what": what, "url": url, "id": id}


@register.inclusion_tag("web/_copy.html")
def copy_from(name: str, what: str) -> dict[str, str]:
    """Render a button that copies the text of a listing."""
    return {"source": f"{name}-text", "what": what}
