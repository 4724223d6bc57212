"""How a region with a value of its own ends, and how a `break` inside leaves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

_NONE = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(ABC):
    """`last` is the expression of the last value, "" for none; `candidates` are the nodes that set it."""

    last: str = ""
    candidates: frozenset[str] = frozenset()

    @abstractmethod
    def on_end(self) -> list[str]:
        """Return the lines after the last step."""

    @abstractmethod
    def on_break(self) -> list[str]:
        """Return the lines for a `break` inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Frame):
    """The whole run, which returns its last value."""

    def on_end(self) -> list[str]:
        return [f"return {self.last};"] if self.last else []

    def on_break(self) -> list[str]:
        return self.on_end() or ["return;"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration(Frame):
    """An iteration of a loop; one that a `break` ends only counts if it has a value."""

    results: str = ""

    def on_end(self) -> list[str]:
        return [f"{self.results}.push({self.last or _NONE});"] if self.results else []

    def on_break(self) -> list[str]:
        if not (self.results and self.last):
            return ["break;"]
        return [f"if ({self.last} !== undefined) {self.results}.push({self.last});", "break;"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm(Frame):
    """A function of concurrent arms; it cannot break the loop around it, so it sets a flag."""

    flag: str = ""

    def on_end(self) -> list[str]:
        return [f"return {self.last};"] if self.last else []

    def on_break(self) -> list[str]:
        return [f"{self.flag} = true;", f"return {self.last or _NONE};"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RacingArm(Frame):
    """A function of racing arms; its result includes whether a `break` left it."""

    def on_end(self) -> list[str]:
        return [f"return {{ value: {self.last or _NONE} }};"]

    def on_break(self) -> list[str]:
        return [f"return {{ value: {self.last or _NONE}, isLeft: true }};"]
