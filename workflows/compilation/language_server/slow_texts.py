"""The texts with which a language server failed: it does not get them again for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.text.slots import SlotKey

_SECONDS: Final = 300.0


@dataclass(slots=True)
class SlowTexts:
    """One text for each field. A text of the field counts as slow unless it is much shorter.

    If any of several texts may have made a server fail, the next servers get those texts only one
    at a time, each when its field is edited, so that no other field is blamed.
    """

    clock: Callable[[], float]
    _found: dict[SlotKey, tuple[int, float]] = field(default_factory=dict)
    _checked: dict[SlotKey, str] = field(default_factory=dict)
    _doubtful_until: float = float("-inf")

    def checked(self, texts: Mapping[SlotKey, str]) -> None:
        """Remember texts that a server has checked without failing."""
        self._checked.update(texts)

    def failed(self, texts: Mapping[SlotKey, str]) -> None:
        """Remember which of these texts a server has failed with, as far as that is known."""
        suspects = [key for key, source in texts.items() if not self._is_checked(key, source)]
        if len(suspects) == 1:
            self._found[suspects[0]] = (len(texts[suspects[0]]), self.clock())
        elif suspects:
            self._doubtful_until = self.clock() + _SECONDS

    @property
    def has_doubts(self) -> bool:
        """Whether servers get unchecked texts only one at a time."""
        return self.clock() < self._doubtful_until

    def has(self, key: SlotKey, source: str) -> bool:
        """Whether the server probably fails with this text of the field."""
        length, added_at = self._found.get(key, (0, float("-inf")))
        return self.clock() - added_at < _SECONDS and len(source) > length // 2

    def is_doubtful(self, key: SlotKey, source: str) -> bool:
        """Whether the server gets this text only while its field is edited."""
        return self.has_doubts and not self._is_checked(key, source)

    def _is_checked(self, key: SlotKey, source: str) -> bool:
        return self._checked.get(key) == source
