"""Template tags that render the form of a node."""

from __future__ import annotations

import re
from typing import Any, Final

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from workflows.node_forms.controls import Control, NodeForm

register = template.Library()
_CODE: Final = re.compile(r"`([^`]+)`")


@register.inclusion_tag("workflows/fields/form.html")
def node_form(form: NodeForm) -> dict[str, Any]:
    """Render all controls of a node or trigger, without the `form` element around them."""
    return {"form": form}


@register.inclusion_tag("workflows/fields/field.html")
def node_field(control: Control) -> dict[str, Any]:
    """Render one field: its label, control, help and problems."""
    return {"control": control, "partial": f"workflows/fields/_{control.template}.html"}


@register.inclusion_tag("workflows/fields/_cell.html")
def node_cell(cell: Control) -> dict[str, Any]:
    """Render an input in a row of a table or list."""
    return {"control": cell, "partial": f"workflows/fields/_{cell.template}.html"}


@register.filter
def marked(text: str) -> SafeString:
    """Return a text as HTML, with what is in backticks as `code`."""
    return SafeString(_CODE.sub(r"<code>\1</code>", escape(text)))
