"""How a status looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """The icon and the color of a status, and its mark in the window title."""

    icon: str
    color: str
    mark: str

    @property
    def css(self) -> str:
        return f"tone-{self.color}"
