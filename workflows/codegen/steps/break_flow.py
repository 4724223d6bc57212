"""How a region that has a value of its own ends, and how a `break` inside leaves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

_NONE = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(ABC):
    """`last` is the expression of the last value, "" for none; the `candidates` assign it."""

    last: str = ""
    candidates: frozenset[str] = frozenset()

    @abstractmethod
    def on_end(self) -> list[str]:
        """Return the lines behind the last step."""

    @abstractmethod
    def on_break(self) -> list[str]:
        """Return the lines that a `break` inside is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Frame):
    """The whole run, which comes to its last value."""

    def on_end(self) -> list[str]:
        return [f"return {self.last};"] if self.last else []

    def on_break(self) -> list[str]:
        return self.on_end() or ["return;"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration(Frame):
    """One time through a loop; one that is left counts if it has come to a value."""

    results: str = ""

    def on_end(self) -> list[str]:
        return [f"{self.results}.push({self.last or _NONE});"] if self.results else []

    def on_break(self) -> list[str]:
        if not (self.results and self.last):
            return ["break;"]
        return [f"if ({self.last} !== undefined) {self.results}.push({self.last});", "break;"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm(Frame):
    """A function beside others; it cannot break the loop around it, so it raises a flag."""

    flag: str = ""

    def on_end(self) -> list[str]:
        return [f"return {self.last};"] if self.last else []

    def on_break(self) -> list[str]:
        return [f"{self.flag} = true;", f"return {self.last or _NONE};"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RacingArm(Frame):
    """A function that races others: whether it left is part of what the first one answers."""

    def on_end(self) -> list[str]:
        return [f"return {{ value: {self.last or _NONE} }};"]

    def on_break(self) -> list[str]:
        return [f"return {{ value: {self.last or _NONE}, isLeft: true }};"]
