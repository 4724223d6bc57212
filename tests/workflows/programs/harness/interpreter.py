"""A second implementation of what documents mean, for tests: interprets programs step by step."""

from __future__ import annotations

from typing import Any

from tests.workflows.programs.harness.programs import HEARD, LATE, Item, walk

NOTHING = None


class Failed(Exception):
    """A node failed permanently; the message of a step is its id."""


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
        self._attempts = ""
        self._scope: list[dict[str, Any]] = []

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
        name = f"{item.id}{self._attempts}"
        return f"{name} {counted}" if counted else name

    def _lookup(self, name: str) -> Any:
        return next(names[name] for names in reversed(self._scope) if name in names)

    def _set_value(self, item: Item, value: Any, frame: list[Any]) -> None:
        self.values[item.id] = value
        frame.append(value)

    def _step(self, item: Item, frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        seen = self._seen(item)
        self._add_rollback(item, seen, got={"got": item.id})
        value = {"at": item.id, "i": self._index(item), "saw": ["", *seen]}
        if item.in_loop and not item.scope and "i" in item.own:
            value["i"] = "own"
        if item.scope:
            own = dict.fromkeys(item.own, "own")
            value["scope"] = {name: own.get(name) or self._lookup(name) for name in item.scope}
        self.outputs[self._name(item)] = value
        self._set_value(item, value, frame)

    def _index(self, item: Item) -> int:
        return self._indices[-1] if item.in_loop and not item.scope else -1

    def _seen(self, item: Item) -> list[Any]:
        return [(self.values.get(id_) or {}).get("at") for id_ in item.reads]

    def _add_rollback(self, item: Item, seen: list[Any], got: dict[str, Any]) -> None:
        if not self._races:
            report = {"at": item.id, "i": self._index(item), "saw": ["", *seen], **got}
            self.undone.insert(0, report)

    def _fail(self, item: Item, _frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        self._add_rollback(item, [], got={})
        raise Failed(item.id)

    def _wait(self, item: Item, frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        self._set_value(item, HEARD, frame)

    def _late(self, item: Item, _frame: list[Any]) -> None:
        self.steps.append(self._name(item))
        raise Failed(LATE)

    def _sleep(self, item: Item, _frame: list[Any]) -> None:
        self.steps.append(self._name(item))

    def _break(self, item: Item, _frame: list[Any]) -> None:
        at = item.break_at
        if self._lookup(item.names[0]) == at if item.in_loop else at < 5:
            raise BreakReached

    def _branch(self, item: Item, frame: list[Any]) -> None:
        if item.chosen < len(item.regions):
            self._region(item.regions[item.chosen], frame)

    def _try_catch(self, item: Item, frame: list[Any]) -> None:
        try:
            try:
                self._region(item.regions[0], frame)
            except Failed as failed:
                self._scope.append({"err": str(failed)})
                try:
                    self._region(item.regions[1], frame)
                finally:
                    self._scope.pop()
        finally:
            if len(item.regions) > 2:
                self._region(item.regions[2], [])

    def _parallel(self, item: Item, frame: list[Any]) -> None:
        values: list[Any] = []
        ends: list[Failed | BreakReached] = []
        for region in item.regions:
            inner: list[Any] = []
            try:
                self._region(region, inner)
                values.append(_arm(item, _last(inner)))
            except BreakReached as reached:
                ends.append(reached)
                values.append(_arm(item, _last(inner)))
            except Failed as failed:
                ends += [] if item.collects else [failed]
                error = {"name": "Error", "message": str(failed)}
                values.append({"status": "rejected", "error": error})
        failed_arms = [end for end in ends if isinstance(end, Failed)]
        if failed_arms:
            raise failed_arms[0]
        self._set_value(item, values, frame)
        if ends:
            raise BreakReached

    def _race(self, item: Item, frame: list[Any]) -> None:
        before = self._attempts
        for attempt in range(1, item.retries + 2):
            self._attempts = before + (f" (attempt {attempt})" if attempt > 1 else "")
            try:
                self._attempt(item, frame)
                break
            except Failed:
                if attempt > item.retries:
                    raise
                for inside in walk(item.regions[0]):
                    self.values[inside.id] = NOTHING
            finally:
                self._attempts = before

    def _attempt(self, item: Item, frame: list[Any]) -> None:
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
            names = item.names if item.form == "forEach" else item.names[:1]
            self._scope.append(dict.fromkeys(names, index))
            try:
                self._region(item.regions[0], inner)
            except BreakReached:
                results += [_last(inner)] if _last(inner) is not NOTHING else []
                break
            finally:
                self._indices.pop()
                self._scope.pop()
            results.append(_last(inner))
        self._set_value(item, {"results": results}, frame)


def _last(frame: list[Any]) -> Any:
    return frame[-1] if frame else NOTHING


def _arm(parallel: Item, value: Any) -> Any:
    return {"status": "fulfilled", "value": value} if parallel.collects else value
