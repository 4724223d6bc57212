"""What a program must do, step by step: the meaning of documents said a second time, for tests."""

from __future__ import annotations

from typing import Any

from tests.workflows.programs.harness.programs import Item, walk

NOTHING = None


class Failed(Exception):
    """A step failed for good; the message is its id."""


class Left(Exception):
    """A `break` was reached."""


class Interpreter:
    """`ran` are the names of steps in order, `values` what each node has come to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self._indices: list[int] = []

    def run(self, program: list[Item]) -> tuple[str, Any]:
        """Return the status of the run, and its output or the reason of its failure."""
        frame: list[Any] = []
        try:
            self._region(program, frame)
        except Failed as failed:
            return "errored", str(failed)
        except Left:
            pass
        return "complete", _last(frame)

    def _region(self, region: list[Item], frame: list[Any]) -> None:
        for item in region:
            getattr(self, f"_{item.kind}")(item, frame)

    def _name(self, item: Item) -> str:
        counted = "".join(f"[{index}]" for index in self._indices)
        return f"{item.id} {counted}" if counted else item.id

    def _gives(self, item: Item, value: Any, frame: list[Any]) -> None:
        self.values[item.id] = value
        frame.append(value)

    def _step(self, item: Item, frame: list[Any]) -> None:
        self.ran.append(self._name(item))
        saw = [(self.values.get(one) or {}).get("at") for one in item.reads]
        index = self._indices[-1] if self._indices else -1
        value = {"at": item.id, "i": index, "saw": ["", *saw]}
        self.outputs[self._name(item)] = value
        self._gives(item, value, frame)

    def _fail(self, item: Item, _frame: list[Any]) -> None:
        self.ran.append(self._name(item))
        raise Failed(item.id)

    def _wait(self, item: Item, frame: list[Any]) -> None:
        self._gives(item, {}, frame)

    def _break(self, item: Item, _frame: list[Any]) -> None:
        if self._indices and self._indices[-1] == item.break_at:
            raise Left

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
            except (Failed, Left) as end:
                ends.append(end)
            values.append(_last(inner))
        failed = [end for end in ends if isinstance(end, Failed)]
        if failed:
            raise failed[0]
        self._gives(item, values, frame)
        if ends:
            raise Left

    def _race(self, item: Item, frame: list[Any]) -> None:
        self.ran.append(self._name(item))
        inner: list[Any] = []
        try:
            self._region(item.regions[0], inner)
            is_left = False
        except Left:
            is_left = True
        self._gives(item, _last(inner), frame)
        if is_left:
            raise Left

    def _loop(self, item: Item, frame: list[Any]) -> None:
        results: list[Any] = []
        for index in range(item.times):
            for inside in walk(item.regions[0]):
                self.values[inside.id] = NOTHING
            inner: list[Any] = []
            self._indices.append(index)
            try:
                self._region(item.regions[0], inner)
            except Left:
                results += [_last(inner)] if _last(inner) is not NOTHING else []
                break
            finally:
                self._indices.pop()
            results.append(_last(inner))
        self._gives(item, {"results": results}, frame)


def _last(frame: list[Any]) -> Any:
    return frame[-1] if frame else NOTHING
