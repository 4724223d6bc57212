"""The texts with which a language server failed: it does not get them again for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.text.slots import SlotKey

_SECONDS: Final = 300.0
_EVERYONE: Final = object()


@dataclass(frozen=True, slots=True)
class _Slow:
    """A text with which a server failed; it counts until this time."""

    source: str
    until: float

    def matches(self, source: str, *, is_own: bool) -> bool:
        """Whether a text is probably as slow; of texts by others, only this one is."""
        return len(source) > len(self.source) // 2 if is_own else source == self.source


@dataclass(slots=True)
class SlowTexts:
    """One text for each field and author. A text of the field counts as slow unless it is much shorter.

    A text that someone has typed does not hold back what others type into the field, unless they
    type the same. `author` is who types the texts that are checked now.

    If any of several texts may have made a server fail, the next servers get those texts only one
    at a time, each when its field is edited, so that no other field is blamed.
    """

    clock: Callable[[], float]
    author: object = None
    _found: dict[SlotKey, dict[object, _Slow]] = field(default_factory=dict)
    _checked: dict[SlotKey, str] = field(default_factory=dict)
    _doubtful_until: float = float("-inf")

    def checked(self, texts: Mapping[SlotKey, str]) -> None:
        """Remember texts that a server has checked without failing."""
        self._checked.update(texts)

    def failed(self, texts: Mapping[SlotKey, str], saved: Mapping[SlotKey, str]) -> None:
        """Remember which of these texts a server has failed with, as far as that is known.

        A text that is `saved` in the draft is everyone's.
        """
        suspects = [key for key, source in texts.items() if not self._is_checked(key, source)]
        if len(suspects) == 1:
            key = suspects[0]
            author = _EVERYONE if texts[key] == saved.get(key) else self.author
            self._found.setdefault(key, {})[author] = _Slow(texts[key], self.clock() + _SECONDS)
        elif suspects:
            self._doubtful_until = self.clock() + _SECONDS

    @property
    def has_doubts(self) -> bool:
        """Whether servers get unchecked texts only one at a time."""
        return self.clock() < self._doubtful_until

    def has(self, key: SlotKey, source: str) -> bool:
        """Whether the server probably fails with this text of the field."""
        now = self.clock()
        return any(
            now < slow.until and slow.matches(source, is_own=author in (_EVERYONE, self.author))
            for author, slow in self._found.get(key, {}).items()
        )

    def is_doubtful(self, key: SlotKey, source: str) -> bool:
        """Whether the server gets this text only while its field is edited."""
        return self.has_doubts and not self._is_checked(key, source)

    def _is_checked(self, key: SlotKey, source: str) -> bool:
        return self._checked.get(key) == source
