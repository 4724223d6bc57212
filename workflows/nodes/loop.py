"""`loop`: repeats its body for each item, while a condition is true, or a number of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.computed_settings import SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.tree_nodes import children_of
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Category, Container, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import RESERVED, is_identifier
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_code,
    read_integer,
    read_optional_code,
)
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField, ShownWhen

LOOP_TYPE: Final = SettingField(
    name="loopType",
    kind=FieldKind.SELECT,
    label="Kind of loop",
    help="`forEach`: once for each item; `while`: as long as a condition is true; `times`: a number of times.",
    default="forEach",
    options=("forEach", "while", "times"),
)


def _of_kind(kind: str) -> ShownWhen:
    return ShownWhen(name=LOOP_TYPE.name, values=(kind,), default=str(LOOP_TYPE.default))


COLLECTION: Final = SettingField(
    name="collection",
    kind=FieldKind.CODE,
    label="Collection",
    help="An expression that returns a list.",
    required=True,
    shown_when=_of_kind("forEach"),
    takes_references=True,
    is_expression=True,
)
CONDITION: Final = SettingField(
    name="condition",
    kind=FieldKind.CODE,
    label="Condition",
    help="An expression that is evaluated before each iteration. Without it, the loop runs until a `break`.",
    details=(
        "It can use the index, and the values that the body produced in the previous iteration. These are "
        "`undefined` at first: `!answer?.done`"
    ),
    shown_when=_of_kind("while"),
    takes_references=True,
    is_expression=True,
)
COUNT: Final = SettingField(
    name="count",
    kind=FieldKind.NUMBER,
    label="Count",
    help="The number of iterations.",
    details="Must be a literal number; to compute it, use another kind of loop",
    default=5,
    rules=Rules(min=0, max=10**9),
    shown_when=_of_kind("times"),
    is_whole=True,
)
ITEM: Final = SettingField(
    name="itemVar",
    kind=FieldKind.NAME,
    label="Name of the item",
    help="The name of the variable that holds the item in the body.",
    default="item",
    shown_when=_of_kind("forEach"),
)
INDEX: Final = SettingField(
    name="indexVar",
    kind=FieldKind.NAME,
    label="Name of the index",
    help="The name of the variable that holds the iteration's index, starting at 0.",
    default="i",
)
MAX_ITERATIONS: Final = SettingField(
    name="maxIterations",
    kind=FieldKind.NUMBER,
    label="Maximum number of iterations",
    help="A `while` loop that exceeds this number of iterations fails the run.",
    default=1000,
    rules=Rules(min=1, max=10**9),
    shown_when=_of_kind("while"),
    is_whole=True,
)


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
    kind = read_choice(data, LOOP_TYPE)
    item, index = _name(data, ITEM), _name(data, INDEX)
    if kind == "forEach" and item == index:
        data.problem(INDEX.name, f"must differ from the name of the item, {quoted(item)}")
    return Settings(
        kind=kind,
        collection=read_code(data, COLLECTION) if kind == "forEach" else None,
        condition=read_optional_code(data, CONDITION) if kind == "while" else None,
        count=read_integer(data, COUNT) if kind == "times" else 0,
        item=item,
        index=index,
        max_iterations=read_integer(data, MAX_ITERATIONS),
    )


def _name(data: Reader, field: SettingField) -> str:
    name, default = data.string(field.name, field.default), str(field.default)
    if not name:
        return default  # already reported
    if not is_identifier(name):
        data.problem(
            field.name,
            f"must be a name of letters, digits, _ and $, without a digit at the start, not {quoted(name)}",
        )
    elif name in RESERVED:
        data.problem(
            field.name, f"{quoted(name)} is reserved in the generated code: choose a different name"
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
    """Return the maximum number of iterations; None for a list that is not a literal."""
    if settings.collection:
        return literal_length(settings.collection)
    return settings.max_iterations if settings.kind == "while" else settings.count


def min_iterations(settings: Settings) -> int:
    """Return the minimum number of iterations without a `break`: known for numbers and literal lists."""
    if settings.collection:
        return literal_length(settings.collection) or 0
    return settings.count if settings.kind == "times" else 0


def is_endless(settings: Settings) -> bool:
    """Whether the loop has no condition."""
    return settings.kind == "while" and settings.condition is None


def conditions(settings: Settings) -> list[Code | None]:
    """Return what must be true, or a list with items, for the body to run."""
    return [settings.condition or settings.collection]


def literal_length(collection: Code) -> int | None:
    """Return the number of items of a literal list; None if it is not known."""
    if not collection.source.lstrip(" (\n\t").startswith("["):
        return None
    list_ = syntax_of(collection).expression
    if list_ is None or list_.type != "array":
        return None
    items = [item.type for item in children_of(list_)]
    return None if "spread_element" in items else len(items)


def about(settings: Settings) -> str:
    """Return how the loop repeats."""
    if settings.kind == "times":
        return f"{settings.count:,} times"
    if settings.kind == "while":
        return f"while {settings.condition.source}" if settings.condition else "until a break"
    return f"{settings.item} of {settings.collection.source}" if settings.collection else ""


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
    out.add_helper(SHOWN)
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
    category=Category.REPEAT,
    summary="Repeats its body: for each item, while a condition is true, or a number of times.",
    docs="nodes/loop.md",
    icon="loop",
    fields=(LOOP_TYPE, COLLECTION, CONDITION, COUNT, ITEM, INDEX, MAX_ITERATIONS),
    example={"loopType": "times", "count": 3},
    about=about,
    read=read,
    container=Container(
        labels=labels,
        required=("body",),
        repeats=True,
        inner_names=inner_names,
        own_names=own_names,
        rereads_settings=rereads_settings,
        max_iterations=max_iterations,
        min_iterations=min_iterations,
        is_endless=is_endless,
        conditions=conditions,
    ),
    output="{ results: any[] }",
    step_suffixes=("", VALUE_SUFFIX),
    emit=emit,
)

_MAX_ITEMS: Final = 2_500_000  # batches of 100 in each of the most steps that a run can have

HELPER: Final = f"""\
type ItemOf<L> = 0 extends 1 & L ? any : L extends Iterable<infer T> ? T : any;

/** The items of a list or of any other iterable, which may have no end. */
function asList<L>(items: L, loop: string): ItemOf<L>[] {{
  if (items && typeof items === "object" && (Symbol.iterator in items || "length" in items)) {{
    const tooMany = () => new TypeError(`${{JSON.stringify(loop)}} has more than {_MAX_ITEMS:,} items, which a run cannot process`);
    if (!(Symbol.iterator in items) && (items as ArrayLike<any>).length > {_MAX_ITEMS}) throw tooMany();
    if (!(Symbol.iterator in items)) return Array.from(items as ArrayLike<any>);
    const list: any[] = [];
    for (const item of items as Iterable<any>) if (list.push(item) > {_MAX_ITEMS}) throw tooMany();
    return list;
  }}
  throw new TypeError(`${{JSON.stringify(loop)}} needs a list, but got ${{shown(items)}}`);
}}
"""
