"""The icon and the color class of a status."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tone:
    """The icon, the class of colour and the mark in a window's title of a status."""

    icon: str
    colour: str
    mark: str

    @property
    def css(self) -> str:
        return f"tone-{self.colour}"
