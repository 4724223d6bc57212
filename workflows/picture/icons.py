"""Line icons of node types and states, 16 by 16 px."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from workflows.ir.document.model import Node

_CIRCLE: Final = '<circle cx="8" cy="8" r="6"/>'
_SHAPES: Final = {
    "step": '<path d="m5.5 5-3 3 3 3M10.5 5l3 3-3 3"/>',
    "transform": '<path d="M3 2.8v10.4M6 5h7.5M6 11h7.5M11.2 2.8 13.5 5l-2.3 2.2M8.3 8.8 6 11l2.3 2.2"/>',
    "sleep": '<path d="M13.2 9.6A5.8 5.8 0 1 1 6.6 2.7a4.6 4.6 0 0 0 6.6 6.9z"/>',
    "sleep_until": f'{_CIRCLE}<path d="M8 4.5V8l2.5 1.5"/>',
    "wait_for_event": '<path d="M4.2 11V7.2a3.8 3.8 0 0 1 7.6 0V11l1.2 1.3H3zM6.8 14h2.4"/>',
    "human_approval": '<circle cx="6.5" cy="4.8" r="2.6"/><path d="M2 13.5c0-2.6 1.9-4.3 4.5-4.3 1 0 1.8.2 2.5.6M9.6 12l1.6 1.6 3-3.4"/>',
    "wait_until": '<path d="M13.5 8A5.5 5.5 0 1 1 11.6 3.8L13.5 5.5M13.5 2.3v3.2h-3.2M5.6 8.2l1.7 1.7 3.2-3.6"/>',
    "debounce": '<path d="M2 3v10M5 5v6M8 6.5v3M11.5 5.2 14 8l-2.5 2.8M10 8h4"/>',
    "rate_limit": '<path d="M2.5 12a6 6 0 1 1 11 0M8 10.5 11 6.5"/><circle cx="8" cy="11" r="1"/>',
    "http_request": f'{_CIRCLE}<path d="M2 8h12M8 2c2.2 2 2.2 10 0 12M8 2c-2.2 2-2.2 10 0 12"/>',
    "branch": '<path d="M8 1.8V5L4 9v5M8 5l4 4v5M2.2 12.2 4 14l1.8-1.8M10.2 12.2 12 14l1.8-1.8"/>',
    "parallel": '<path d="M2.5 3h11M4.5 3v10.5M8 3v10.5M11.5 3v10.5"/>',
    "race": '<path d="M3.5 14.5V2M3.5 2.8h9.3l-2 2.8 2 2.9H3.5"/>',
    "loop": '<path d="M3 8a5 5 0 0 1 8.6-3.4L13 6M13 2.8V6H9.8M13 8a5 5 0 0 1-8.6 3.4L3 10M3 13.2V10h3.2"/>',
    "try_catch": '<path d="M8 1.8 13 4v4c0 3.2-2.2 5.3-5 6.3C5.2 13.3 3 11.2 3 8V4z"/>',
    "break": '<path d="M9.5 2.5H3v11h6.5M6.5 8h7.5M11.3 5.2 14 8l-2.7 2.8"/>',
    "sub_workflow": '<path d="M2.5 2.5h5v4h-5zM8.5 9.5h5v4h-5zM5 6.5v5h3.5"/>',
    "start_many": '<path d="M2 5.5h4v5H2zM10.5 1.8h3.5v3h-3.5zM10.5 6.5h3.5v3h-3.5zM10.5 11.2h3.5v3h-3.5zM6 8h4.5M8.2 3.3v9.4M8.2 3.3h2.3M8.2 12.7h2.3"/>',
    "sub_script": '<path d="M2.5 8h9M8.5 4.8 11.7 8l-3.2 3.2M14 3v10"/>',
    "data": '<path d="M2.5 3.8c0-1 2.5-1.8 5.5-1.8s5.5.8 5.5 1.8-2.5 1.8-5.5 1.8-5.5-.8-5.5-1.8zM2.5 3.8v8.4c0 1 2.5 1.8 5.5 1.8s5.5-.8 5.5-1.8V3.8M2.5 8c0 1 2.5 1.8 5.5 1.8s5.5-.8 5.5-1.8"/>',
    "message": '<path d="M2.5 2.8h11v8H7l-3 2.7v-2.7H2.5zM5.3 5.7h5.4M5.3 8h3.4"/>',
    "mail": '<path d="M2 3.5h12v9H2zM2 4l6 4.8L14 4"/>',
    "ai": '<path d="M6.5 2.5 7.8 6l3.5 1.3-3.5 1.3-1.3 3.5-1.3-3.5L1.7 7.3 5.2 6zM12 2v3M10.5 3.5h3M12.2 11v3M10.7 12.5h3"/>',
    "payment": '<path d="M1.8 3.5h12.4v9H1.8zM1.8 6.5h12.4M4.2 10h3"/>',
    "app": '<path d="M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z"/>',
    "custom": '<path d="M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8.2 13.5 5M8 8.2v6"/>',
    "code": '<path d="M6 2.5H5A1.5 1.5 0 0 0 3.5 4v2.5L2 8l1.5 1.5V12A1.5 1.5 0 0 0 5 13.5h1M10 2.5h1A1.5 1.5 0 0 1 12.5 4v2.5L14 8l-1.5 1.5V12a1.5 1.5 0 0 1-1.5 1.5h-1"/>',
    "function": '<path d="M11.5 2.8c-2.300-.8-3.300.4-3.600 2.400L6.700 11.500c-.3 1.900-1.300 2.600-3.200 1.900M4.500 7h6"/>',
    "return": '<path d="M13 3v3.500A2.500 2.500 0 0 1 10.500 9H3M6.200 5.800 3 9l3.200 3.200"/>',
    "trigger": '<path d="M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z"/>',
    "link": '<path d="M4 2.5v5.5h7.5M8.7 5.2 11.5 8l-2.8 2.8"/>',
    "check": f'{_CIRCLE}<path d="m5.3 8.2 1.9 1.9 3.6-4"/>',
    "cross": f'{_CIRCLE}<path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>',
    "ring": '<circle cx="8" cy="8" r="6" opacity=".25"/><path d="M8 2a6 6 0 0 1 6 6"/>',
    "wait": f'{_CIRCLE}<path d="M6.4 5.8v4.4M9.6 5.8v4.4"/>',
    "retry": '<path d="M13.5 8A5.5 5.5 0 1 1 11.6 3.8L13.5 5.5M13.5 2.3v3.2h-3.2"/>',
    "stop": f'{_CIRCLE}<path d="M6 6h4v4H6z"/>',
    "skip": f'{_CIRCLE}<path d="M5.2 8h5.6"/>',
    "dot": '<circle cx="8" cy="8" r="2"/>',
    "plus": f'{_CIRCLE}<path d="M8 5.2v5.6M5.2 8h5.6"/>',
    "pencil": '<path d="m3 13 .7-3L10.5 3.2l2.3 2.3L6 12.3zM9 4.7 11.3 7"/>',
    "move": '<path d="M8 2v12M5.5 4.5 8 2l2.5 2.5M5.5 11.5 8 14l2.5-2.5"/>',
    "undo": '<path d="m5.5 3.5-3 3 3 3M2.5 6.5H10a3.5 3.5 0 0 1 0 7H7"/>',
    "warn": '<path d="M8 2.2 14.2 13H1.8zM8 6.3v3.2M8 11.3v.1"/>',
}


def icon_of(node: Node) -> str:
    """Return the name of the node's icon."""
    return node.type.icon


def symbols(names: Iterable[str], *, uid: str) -> str:
    """Return SVG symbols of the icons; their ids start with `uid`."""
    return "".join(
        f'<symbol id="{uid}-i-{name}" viewBox="0 0 16 16">{_SHAPES[name]}</symbol>'
        for name in sorted(set(names) - {""})
    )


def all_symbols(*, uid: str) -> str:
    """Return SVG symbols of all icons."""
    return symbols(_SHAPES, uid=uid)
