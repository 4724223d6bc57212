"""`loop`: repeats its body for each item, while a condition is true, or a number of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.parser import children_of
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Container, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import RESERVED, is_identifier
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader

_KINDS: Final = ("forEach", "while", "times")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The kind of the loop; each kind uses only its own fields."""

    kind: str
    collection: Code | None
    condition: Code | None
    count: int
    item: str
    index: str
    max_iterations: int


def read(data: Reader) -> Settings:
    """Read the settings; those of another kind of loop are ignored."""
    kind = data.choice("loopType", "forEach", _KINDS)
    data.know("collection", "condition", "count", "itemVar", "indexVar", "maxIterations")
    item, index = _name(data, "itemVar", "item"), _name(data, "indexVar", "i")
    if kind == "forEach" and item == index:
        data.problem("indexVar", f"must differ from the name of the item, {quoted(item)}")
    return Settings(
        kind=kind,
        collection=data.code("collection", is_expression=True) if kind == "forEach" else None,
        condition=data.code("condition", is_expression=True) if kind == "while" else None,
        count=data.integer("count", 5, least=0, most=10**9) if kind == "times" else 0,
        item=item,
        index=index,
        max_iterations=data.integer("maxIterations", 1000, least=1, most=10**9),
    )


def _name(data: Reader, key: str, default: str) -> str:
    name = data.string(key, default)
    if not name:
        return default  # already reported
    if not is_identifier(name):
        data.problem(
            key,
            f"must be a name of letters, digits, _ and $, without a digit at the start, not {quoted(name)}",
        )
    elif name in RESERVED:
        data.problem(
            key, f"{quoted(name)} is reserved in the generated code: choose a different name"
        )
    else:
        return name
    return default


def labels(_settings: Settings) -> tuple[str, ...]:
    """Return the label of the only region."""
    return ("body",)


def inner_names(settings: Settings, _label: str) -> tuple[str, ...]:
    """Return the variables that the body sees: the index, and the item of a list."""
    item = (settings.item,) if settings.kind == "forEach" else ()
    return (*item, settings.index)


def own_names(settings: Settings) -> tuple[str, ...]:
    """Return the variables that the condition of a `while` loop sees."""
    return (settings.index,) if settings.kind == "while" else ()


def rereads_settings(settings: Settings) -> bool:
    """Whether the settings are evaluated after each iteration, as a condition is."""
    return settings.kind == "while"


def max_iterations(settings: Settings) -> int | None:
    """Return the maximum number of iterations; None unless a list is written out."""
    if settings.collection:
        return _length(settings.collection)
    return settings.max_iterations if settings.kind == "while" else settings.count


def _length(collection: Code) -> int | None:
    if not collection.source.lstrip(" (\n\t").startswith("["):
        return None
    list_ = syntax_of(collection).expression
    if list_ is None or list_.type != "array":
        return None
    items = [item.type for item in children_of(list_)]
    return None if "spread_element" in items else len(items)


def emit(node: Node, out: Emitter) -> None:
    """Write the loop; if its output is used, it collects the last value of each iteration."""
    settings: Settings = node.settings
    variable = out.assign(node)
    results = out.unique_name("results", node) if variable else ""
    if results:
        out.line(f"const {results}: any[] = [];")
    with out.preserving_indices(inner_names(settings, "body")):
        header = _HEADERS[settings.kind](node, out)  # may write lines before the loop
        out.line("for (", *header, ") {")
        if settings.kind == "while":
            _limit(node, out)
        out.iteration(node, index=settings.index, results=results)
        out.line("}")
    if variable:
        out.line(*variable, f"{{ results: {results} }};")


def _for_each(node: Node, out: Emitter) -> list[Piece]:
    settings: Settings = node.settings
    out.add_helper(HELPER)
    items = out.kept(node, settings.collection) if settings.collection else []
    values = ["asList(", *items, f", {literal(node.name)})"]
    # In the header of the loop, its names no longer mean the values from outside.
    if out.uses(node, settings.item, settings.index):
        name = out.unique_name("items", node)
        out.line(f"const {name} = ", *values, ";")
        values = [name]
    return [f"const [{settings.index}, {settings.item}] of ", *values, ".entries()"]


def _while(node: Node, out: Emitter) -> list[Piece]:
    settings: Settings = node.settings
    condition = out.kept(node, settings.condition) if settings.condition else []
    return [f"let {settings.index} = 0; ", *condition, f"; {settings.index}++"]


def _times(node: Node, _out: Emitter) -> list[Piece]:
    index, count = node.settings.index, node.settings.count
    return [f"let {index} = 0; {index} < {count}; {index}++"]


def _limit(node: Node, out: Emitter) -> None:
    settings: Settings = node.settings
    reason = literal(
        f"{quoted(node.name)} exceeded the maximum of {settings.max_iterations} iterations"
    )
    with out.indented():
        out.line(f"if ({settings.index} >= {settings.max_iterations}) throw new Error({reason});")


_HEADERS: Final = {"forEach": _for_each, "while": _while, "times": _times}

TYPE = NodeType(
    name="loop",
    title="Loop",
    read=read,
    container=Container(
        labels=labels,
        required=("body",),
        repeats=True,
        inner_names=inner_names,
        own_names=own_names,
        rereads_settings=rereads_settings,
        max_iterations=max_iterations,
    ),
    output="{ results: any[] }",
    step_suffixes=("", VALUE_SUFFIX),
    emit=emit,
)

HELPER: Final = """\
type ItemOf<L> = 0 extends 1 & L ? any : L extends Iterable<infer T> ? T : any;

/** The items of a list or of any other iterable. */
function asList<L>(items: L, loop: string): ItemOf<L>[] {
  if (items && typeof items === "object" && (Symbol.iterator in items || "length" in items)) {
    return Array.from(items as ArrayLike<any>);
  }
  throw new TypeError(`${JSON.stringify(loop)} needs a list, but got ${JSON.stringify(items)}`);
}
"""
