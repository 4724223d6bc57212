"""A second implementation of what documents mean, for tests: interprets programs step by step."""

from __future__ import annotations

from typing import Any

from tests.workflows.programs.harness.programs import Item, walk

NOTHING = None


class Failed(Exception):
    """A step failed permanently; the message is its id."""


class BreakReached(Exception):
    """A `break` was reached."""


class Interpreter:
    """Runs a program; `steps` are the names of its steps in order, `values` the results of nodes.

    `undone` is what the rollbacks of a failed run report, in the order in which they run.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.undone: list[dict[str, Any]] = []
        self._races = 0
        self._indices: list[int] = []

    def run(self, program: list[Item]) -> tuple[str, Any]:
        """Return the status of the run, and its output or the cause of its failure."""
        frame: list[Any] = []
        try:
            self._region(program, frame)
        except Failed as failed:
            return "errored", str(failed)
        except BreakReached:
            pass
        return "complete", _last(frame)

    def _region(self, region: list[Item], frame: list[Any]) -> None:
        for item in region:
            getattr(self, f"_{item.kind}")(item, frame)

    def _name(self, item: Item) -> str:
        counted = "".join(f"[{index}]" for index in self._indices)
        return f"{item.id} {counted}" if counted else item.id

    def _set_value(self, item: Item, value: Any, frame: list[Any]) -> None:
        self.values[item.id] = value
        frame.append(value)

    def _step(self, item: Item, frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        seen = self._seen(item)
        self._add_rollback(item, seen, got={"got": item.id})
        index: Any = self._indices[-1] if self._indices else -1
        index = "own" if item.in_loop and "i" in item.own else index
        value = {"at": item.id, "i": index, "saw": ["", *seen]}
        self.outputs[self._name(item)] = value
        self._set_value(item, value, frame)

    def _seen(self, item: Item) -> list[Any]:
        return [(self.values.get(id_) or {}).get("at") for id_ in item.reads]

    def _add_rollback(self, item: Item, seen: list[Any], got: dict[str, Any]) -> None:
        if not self._races:
            index = self._indices[-1] if item.in_loop else -1
            self.undone.insert(0, {"at": item.id, "i": index, "saw": ["", *seen], **got})

    def _fail(self, item: Item, _frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        self._add_rollback(item, [], got={})
        raise Failed(item.id)

    def _wait(self, item: Item, frame: list[Any]) -> None:
        self._set_value(item, {}, frame)

    def _break(self, item: Item, _frame: list[Any]) -> None:
        is_reached = self._indices[-1] == item.break_at if item.in_loop else item.break_at < 5
        if is_reached:
            raise BreakReached

    def _branch(self, item: Item, frame: list[Any]) -> None:
        if item.chosen < len(item.regions):
            self._region(item.regions[item.chosen], frame)

    def _try_catch(self, item: Item, frame: list[Any]) -> None:
        try:
            try:
                self._region(item.regions[0], frame)
            except Failed:
                self._region(item.regions[1], frame)
        finally:
            if len(item.regions) > 2:
                self._region(item.regions[2], [])

    def _parallel(self, item: Item, frame: list[Any]) -> None:
        values, ends = [], []
        for region in item.regions:
            inner: list[Any] = []
            try:
                self._region(region, inner)
            except (Failed, BreakReached) as end:
                ends.append(end)
            values.append(_last(inner))
        failed = [end for end in ends if isinstance(end, Failed)]
        if failed:
            raise failed[0]
        self._set_value(item, values, frame)
        if ends:
            raise BreakReached

    def _race(self, item: Item, frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        inner: list[Any] = []
        self._races += 1
        try:
            self._region(item.regions[0], inner)
            has_break = False
        except BreakReached:
            has_break = True
        finally:
            self._races -= 1
        self._set_value(item, _last(inner), frame)
        if has_break:
            raise BreakReached

    def _loop(self, item: Item, frame: list[Any]) -> None:
        results: list[Any] = []
        for index in range(item.times):
            for inside in walk(item.regions[0]):
                self.values[inside.id] = NOTHING
            inner: list[Any] = []
            self._indices.append(index)
            try:
                self._region(item.regions[0], inner)
            except BreakReached:
                results += [_last(inner)] if _last(inner) is not NOTHING else []
                break
            finally:
                self._indices.pop()
            results.append(_last(inner))
        self._set_value(item, {"results": results}, frame)


def _last(frame: list[Any]) -> Any:
    return frame[-1] if frame else NOTHING
