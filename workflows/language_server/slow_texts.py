"""The texts with which a language server failed: it does not get them again for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.text.slots import SlotKey

_SECONDS: Final = 300.0


@dataclass(slots=True)
class SlowTexts:
    """One text for each field. A text of the field counts as slow unless it is much shorter."""

    clock: Callable[[], float]
    _found: dict[SlotKey, tuple[int, float]] = field(default_factory=dict)

    def add(self, key: SlotKey, source: str) -> None:
        """Remember the text of a field."""
        self._found[key] = (len(source), self.clock())

    def has(self, key: SlotKey, source: str) -> bool:
        """Whether the server probably fails with this text of the field."""
        length, added_at = self._found.get(key, (0, float("-inf")))
        return self.clock() - added_at < _SECONDS and len(source) > length // 2
