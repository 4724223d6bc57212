"""The template tag for the state of a check."""

from __future__ import annotations

from typing import Any

from django import template

from web.tones import Tone

register = template.Library()

_CHECK_STATES = {
    "passed": ("Passed", Tone("check", "good", "")),
    "warning": ("Warning", Tone("warn", "warn", "")),
    "failed": ("Failed", Tone("cross", "bad", "")),
    "unknown": ("Unknown", Tone("dot", "quiet", "")),
}


@register.inclusion_tag("web/_status.html")
def check_state(value: str) -> dict[str, Any]:
    """Render the icon and the label of a check's state."""
    label, tone = _CHECK_STATES[value]
    return {"label": label, "tone": tone}
