"""`start_many`: starts a run of another workflow for each item of a list, without waiting for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.steps.computed_settings import SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import first_line
from workflows.ir.document.node_types import VALUE_SUFFIX, Call, Category, NodeType
from workflows.ir.document.step_policy import (
    NOT_RETRIED,
    TIMEOUT,
    StepPolicy,
    read_policy,
    retry_fields,
)
from workflows.ir.reading.fields import Code
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_code, read_optional_code
from workflows.ir.settings.setting_field import FieldKind, Parameter, SettingField
from workflows.nodes.called_workflow import (
    CLASS_NAME,
    MAX_PAYLOAD,
    PAYLOAD_HELPER,
    SCRIPT_NAME,
    WORKFLOW_ID,
    CalledWorkflow,
    read_called_workflow,
)
from workflows.nodes.loop import HELPER as LIST_HELPER
from workflows.nodes.loop import literal_length

_OF_ITEM: Final = (
    Parameter(name="item", title="Item of the list"),
    Parameter(name="index", title="Position of the item in the list, from 0"),
)
ITEMS: Final = SettingField(
    name="items",
    kind=FieldKind.CODE,
    label="Items",
    help="An expression that returns a list. A run starts for each item.",
    required=True,
    placeholder="{{ trigger.customers }}",
    takes_references=True,
    is_expression=True,
)
INPUT: Final = SettingField(
    name="input",
    kind=FieldKind.CODE,
    label="Input",
    help="An expression for the payload of a run, with `item` and `index`. The default is the item itself.",
    placeholder="{ customer: item.id }",
    takes_references=True,
    is_expression=True,
    parameters=_OF_ITEM,
)
ID: Final = SettingField(
    name="id",
    kind=FieldKind.CODE,
    label="Id of the run",
    help="An expression for the id of a run, with `item` and `index`. If a run with this id exists, no "
    "other one is started. By default, each run gets a new id.",
    placeholder="`invoice-${item.number}`",
    takes_references=True,
    is_expression=True,
    parameters=_OF_ITEM,
)
STEP_FIELDS: Final = tuple(
    field for field in retry_fields() if field.name not in (TIMEOUT.name, NOT_RETRIED.name)
)
FIELDS: Final = (WORKFLOW_ID, SCRIPT_NAME, CLASS_NAME, ITEMS, INPUT, ID, *STEP_FIELDS)

MAX_BATCH: Final = 100
_IDS: Final = ": id"
_EXISTS: Final = 10405  # the platform's error for an id that a run already has
_USES_ITEM: Final = re.compile(r"\b(?:item|index)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`input` and `id` are evaluated for each item; `policy` applies to each step of the node."""

    called: CalledWorkflow
    items: Code
    input: Code | None
    id: Code | None
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the workflow and the list, which are required."""
    id_ = read_optional_code(data, ID)
    if id_ and not _USES_ITEM.search(id_.source):
        data.warning(
            ID.name,
            "is the same for all items, but each run needs an id of its own: use `item` or `index` in it",
        )
    return Settings(
        called=read_called_workflow(data),
        items=read_code(data, ITEMS),
        input=read_optional_code(data, INPUT),
        id=id_,
        policy=read_policy(data, STEP_FIELDS),
    )


def calls(settings: Settings) -> Call:
    """Return the call, which needs a workflow binding."""
    return settings.called.call


def about(settings: Settings) -> str:
    """Return the workflow and the list."""
    return f"{settings.called.label}: {first_line(settings.items.source)}"


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that starts the runs."""
    settings: Settings = node.settings
    for helper in (SHOWN, LIST_HELPER, PAYLOAD_HELPER, HELPER):
        out.add_helper(helper)
    items = _items(node, out)
    out.line(*out.assign(node), "await startMany(step, {")
    with out.indented():
        out.line("workflow: ", out.child_binding(calls(settings)), ",")
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line("items: async () => (", *items, "),")
        _of_item(node, INPUT, settings.input, out)
        _of_item(node, ID, settings.id, out)
        if settings.id and out.may_change(settings.id):
            out.line("storesIds: true,")
        out.line("config:")
        out.policy(settings.policy, is_sensitive=out.is_sensitive(node))
    out.line("});")


def _items(node: Node, out: Emitter) -> list[Piece]:
    """Return the expression of the list; one that may change is evaluated before, once."""
    items: Code = node.settings.items
    if not out.may_change(items):
        return out.value(items)
    name = out.unique_name("items", node)
    out.line(f"const {name} = ", *out.kept(node, items), ";")
    return [name]


def _of_item(node: Node, field: SettingField, code: Code | None, out: Emitter) -> None:
    """Write a function of an item, if there is code for it."""
    value = out.value(code) if code else out.place_of(node, field)
    if value:
        start = "async (item, index, ctx: WorkflowStepContext): Promise<any> => ("
        out.line(f"{field.name}: {start}", *value, "),")


def step_count(settings: Settings) -> int:
    """Return the number of batches, one if it is not known, and the step that stores ids."""
    batches = -(-(literal_length(settings.items) or 1) // MAX_BATCH)
    return batches + (settings.id is None)


def _is_part(result: Any) -> bool:
    """Return whether this is the result of a batch that other batches follow; it may be truncated."""
    if isinstance(result, str):
        return result.startswith('{"started"')
    return isinstance(result, Mapping) and "started" in result


def has_output(suffix: str, result: Any) -> bool:
    """Return whether this is the step of the last batch, which returns the whole list."""
    return not suffix and not _is_part(result)


def pinned(output: Any) -> dict[str, Any]:
    """Return the results of the step that stores ids, and of the only batch."""
    return {_IDS: "pinned", "": output}


TYPE = NodeType(
    name="start_many",
    title="Start many",
    category=Category.CALL_OTHERS,
    summary="Starts a run of another workflow for each item of a list.",
    docs="nodes/start_many.md",
    icon="start_many",
    fields=FIELDS,
    example={"workflowId": "your-workflow", "items": "[1, 2, 3]"},
    about=about,
    read=read,
    output="StartedRun[]",
    emit=emit,
    calls=calls,
    step_count=step_count,
    step_suffixes=("", _IDS, VALUE_SUFFIX),
    has_output=has_output,
    pinned=pinned,
)

HELPER: Final = f"""\
type StartedRun = {{ id: string; existed: boolean }};
type RunToStart = {{ id: string; params: any }};

type StartCall<L> = {{
  workflow: Workflow<any>;
  name: (part: string) => string;
  items: () => Promise<L>;
  input?: (item: ItemOf<L>, index: number, ctx: WorkflowStepContext) => Promise<any>;
  id?: (item: ItemOf<L>, index: number, ctx: WorkflowStepContext) => Promise<any>;
  storesIds?: boolean;
  config: any;
}};

/**
 * Starts a run for each item, in batches. All ids are known before, so a batch that is repeated starts no run twice.
 * The last batch returns the whole list, unless that is too large for the result of a step.
 */
async function startMany<L>(step: WorkflowStep, call: StartCall<L>): Promise<StartedRun[]> {{
  const storeIds = async (ctx: any): Promise<any> => (call.id ? (await listOf(call, ctx)).ids : (globalThis as any).crypto.randomUUID());
  const stored: any = call.id && !call.storesIds ? undefined : await step.do(call.name("{_IDS}"), call.config, storeIds);
  const started: StartedRun[] = [];
  let list: {{ items: ItemOf<L>[]; ids: string[] }} | undefined;
  for (let first = 0; ; first += {MAX_BATCH}) {{
    const batch: any = await step.do(call.name(""), call.config, async (ctx: any): Promise<any> => {{
      const {{ items, ids }} = (list ??= await listOf(call, ctx, stored));
      const runs: RunToStart[] = [];
      for (let index = first; index < Math.min(first + {MAX_BATCH}, items.length); index++) {{
        runs.push({{ id: ids[index], params: call.input ? await call.input(items[index], index, ctx) : items[index] }});
      }}
      const part = await startBatch(call, runs, first);
      if (first + {MAX_BATCH} < items.length) return {{ started: part }};
      const all = [...started, ...part];
      return JSON.stringify(all).length < 1_000_000 ? all : {{ started: part, isLast: true }};
    }});
    if (!batch?.started) return batch;
    started.push(...batch.started);
    if (batch.isLast) return started;
  }}
}}

/** The items, and the ids of their runs; `stored` are the ids, or what the default ones start with. */
async function listOf<L>(call: StartCall<L>, ctx: WorkflowStepContext, stored?: any): Promise<{{ items: ItemOf<L>[]; ids: string[] }}> {{
  const value = await call.items();
  let items: ItemOf<L>[];
  try {{
    items = asList(value, call.name(""));
  }} catch (error: any) {{
    throw new NonRetryableError(error.message);
  }}
  if (Array.isArray(stored)) return {{ items, ids: stored }};
  const ids: any[] = [];
  for (const [index, item] of items.entries()) ids.push(call.id ? await call.id(item, index, ctx) : `${{stored}}-${{index}}`);
  return {{ items, ids: checkedIds(call.name(""), ids) }};
}}

function checkedIds(name: string, values: any[]): string[] {{
  const ids = values.map((value) => (typeof value === "number" ? String(value) : value));
  const problems: string[] = [];
  const positions = new Map<string, number>();
  for (const [index, id] of ids.entries()) {{
    if (typeof id !== "string" || !/^[a-zA-Z0-9_][a-zA-Z0-9_-]{{0,99}}$/.test(id)) {{
      problems.push(`the id of items[${{index}}] is ${{shown(id)}}, but must have 1 to 100 letters, digits, _ and -, and not start with -`);
    }} else if (/^(batch|terminate|terminateAll|cf_[0-9a-f]{{64}})$/.test(id)) {{
      problems.push(`the id of items[${{index}}], ${{shown(id)}}, is reserved by Cloudflare: choose a different one`);
    }} else if (positions.has(id)) {{
      problems.push(`items[${{positions.get(id)}}] and items[${{index}}] have the same id, ${{shown(id)}}, but each run needs its own`);
    }} else {{
      positions.set(id, index);
    }}
  }}
  if (problems.length) throw new NonRetryableError(summed(name, problems));
  return ids;
}}

/** Starts up to {MAX_BATCH} runs, in as few calls as their size allows. Those that exist are left alone. */
async function startBatch<L>(call: StartCall<L>, runs: RunToStart[], first: number): Promise<StartedRun[]> {{
  const calls: RunToStart[][] = [];
  let size = 0;
  for (const [at, run] of runs.entries()) {{
    const added = payloadSize(`${{call.name("")}}: the input of items[${{first + at}}]`, run.params);
    if (!calls.length || size + added > {MAX_PAYLOAD}) {{
      calls.push([]);
      size = 0;
    }}
    calls[calls.length - 1].push(run);
    size += added;
  }}
  const existing = new Set<string>(), problems: string[] = [];
  for (const instances of calls) {{
    const {{ errors }} = await call.workflow.createBatch({{ instances }});
    for (const {{ index, code, message }} of errors) {{
      const {{ id }} = instances[index];
      if (code === {_EXISTS}) existing.add(id);
      else problems.push(`items[${{first + runs.indexOf(instances[index])}}] (${{id}}): ${{message}}`);
    }}
  }}
  if (problems.length) throw new Error(summed(`${{call.name("")}}: ${{problems.length}} of ${{runs.length}} runs were not started`, problems));
  return runs.map(({{ id }}) => ({{ id, existed: existing.has(id) }}));
}}

/** The first problems, and how many others there are. */
function summed(start: string, problems: string[]): string {{
  const others = problems.length > 3 ? `; and ${{problems.length - 3}} more` : "";
  return `${{start}}: ${{problems.slice(0, 3).join("; ")}}${{others}}`;
}}
"""
