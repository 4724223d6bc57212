"""`debounce`: of several runs that start in quick succession, lets only the last one continue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.literals import literal
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import duration_text
from workflows.ir.document.node_types import Category, NodeType
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading.fields import Duration, Text
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_duration, read_optional_duration, read_text
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField
from workflows.nodes.custom import HELPER as IDEMPOTENCY_KEY
from workflows.nodes.waits.database import DATABASE, STEP_FIELDS, bindings, read_database

KEY: Final = SettingField(
    name="key",
    kind=FieldKind.TEXT,
    label="Key",
    help="What the runs have in common. Only runs with the same key are compared.",
    required=True,
    takes_references=True,
    placeholder="{{ trigger.customer }}",
)
QUIET: Final = SettingField(
    name="quietPeriod",
    kind=FieldKind.DURATION,
    label="Quiet period",
    help="How long to wait for newer runs. This one continues if none arrives in that time.",
    default="30 seconds",
    rules=Rules(min=1),
    takes_references=True,
)
MAX_WAIT: Final = SettingField(
    name="maxWait",
    kind=FieldKind.DURATION,
    label="Maximum wait",
    help="The longest wait, counted from the first of the runs: after that, one continues even if newer "
    "ones keep arriving. By default, there is no such limit.",
    rules=Rules(min=1),
    takes_references=True,
)
FIELDS: Final = (KEY, QUIET, MAX_WAIT, DATABASE, *STEP_FIELDS)

_WAIT: Final = ": wait"
_CHECK: Final = ": check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The runs with one `key`; `policy` applies to the steps that use the database."""

    key: Text
    quiet: Duration
    max_wait: Duration | None
    database: str
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the key, which is required, and the times: by default 30 seconds without a limit."""
    return Settings(
        key=read_text(data, KEY),
        quiet=read_duration(data, QUIET),
        max_wait=read_optional_duration(data, MAX_WAIT),
        database=read_database(data),
        policy=read_policy(data, STEP_FIELDS),
    )


def about(settings: Settings) -> str:
    """Return the quiet period and the key."""
    return f"{duration_text(settings.quiet)}: {settings.key.source}"


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that waits and decides."""
    settings: Settings = node.settings
    out.add_helper(IDEMPOTENCY_KEY)
    out.add_helper(HELPER)
    out.line(*out.assign(node), "await runDebounce(step, {")
    with out.indented():
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line(f"database: env.{settings.database},")
        out.line(f"scope: event.workflowName + {literal(f'/{node.id}')},")
        out.line("key: () => ", *out.text(settings.key), ",")
        out.line("run: (ctx) => idempotencyKey(event, ctx),")
        out.line("quietPeriod: ", *out.milliseconds(settings.quiet, least=1), ",")
        if settings.max_wait:
            out.line("maxWait: ", *out.milliseconds(settings.max_wait, least=1), ",")
        out.line("config:")
        out.policy(settings.policy, is_sensitive=out.is_sensitive(node))
    out.line("});")


def max_wait(settings: Settings) -> Duration:
    """Return the quiet period."""
    return settings.quiet


def step_count(_settings: Settings) -> int:
    """Return 2: the arrival and the decision."""
    return 2


def has_output(suffix: str, _result: Any) -> bool:
    """Return whether this is the step that decides."""
    return suffix == _CHECK


def pinned(output: Any) -> dict[str, Any]:
    """Return the results of the arrival and of the decision."""
    return {"": {"ticket": 0}, _CHECK: output}


TYPE = NodeType(
    name="debounce",
    title="Debounce",
    category=Category.WAIT,
    summary="Finds out which of several runs that start in quick succession is the last.",
    docs="nodes/debounce.md",
    icon="debounce",
    fields=FIELDS,
    example={"key": "{{ trigger.id }}"},
    about=about,
    read=read,
    output="Debounced",
    emit=emit,
    bindings=bindings,
    max_wait=max_wait,
    step_count=step_count,
    step_suffixes=("", _WAIT, _CHECK),
    has_output=has_output,
    pinned=pinned,
)

HELPER: Final = """\
type Debounced = { latest: boolean; count: number };

type DebounceCall = {
  name: (part: string) => string;
  database: D1Database;
  scope: string;
  key: () => string;
  run: (ctx: WorkflowStepContext) => Promise<string>;
  quietPeriod: number;
  maxWait?: number;
  config: any;
};

/** Takes a ticket, waits, and then looks whether a run with the same key has taken a later one. */
async function runDebounce(step: WorkflowStep, call: DebounceCall): Promise<Debounced> {
  const { ticket } = await step.do(call.name(""), call.config, async (ctx: any) => takeTicket(call, await call.run(ctx)));
  await step.sleep(call.name(": wait"), call.quietPeriod);
  return await step.do(call.name(": check"), call.config, async () => checkTicket(call, ticket));
}

const DEBOUNCE_NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** Takes a ticket. A retry gets the same one, even if a later run has taken over since, so that it does not count as later. */
async function takeTicket(call: DebounceCall, run: string): Promise<{ ticket: number }> {
  const { database, scope } = call;
  const key = call.key();
  const results: any[] = await database.batch<any>([
    database.prepare(`CREATE TABLE IF NOT EXISTS awaitstep_debounce (
      ticket INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL,
      arrived INTEGER NOT NULL, count INTEGER, UNIQUE (scope, key, run))`),
    database.prepare("CREATE INDEX IF NOT EXISTS awaitstep_debounce_decided ON awaitstep_debounce (arrived) WHERE count IS NOT NULL"),
    database.prepare(`INSERT OR IGNORE INTO awaitstep_debounce (scope, key, run, arrived) VALUES (?1, ?2, ?3, ${DEBOUNCE_NOW})`).bind(scope, key, run),
    database.prepare("SELECT ticket FROM awaitstep_debounce WHERE scope = ?1 AND key = ?2 AND run = ?3").bind(scope, key, run),
  ]);
  return { ticket: results[3].results[0].ticket };
}

/** Decides whether the run is the last one, once: its `count` is set, and that of the tickets before it to 0. */
async function checkTicket({ database, maxWait }: DebounceCall, ticket: number): Promise<Debounced> {
  const same = "FROM awaitstep_debounce other, awaitstep_debounce own WHERE own.ticket = ?1 AND other.scope = own.scope AND other.key = own.key";
  const open = `${same} AND other.count IS NULL`;
  const results: any[] = await database.batch<any>([
    database.prepare(`UPDATE awaitstep_debounce SET count = (SELECT count(*) ${open} AND other.ticket <= ?1)
      WHERE ticket = ?1 AND count IS NULL AND (
        NOT EXISTS (SELECT 1 ${same} AND other.ticket > ?1)
        OR ${DEBOUNCE_NOW} >= ?2 + (SELECT min(other.arrived) ${open}))`).bind(ticket, maxWait ?? null),
    database.prepare(`UPDATE awaitstep_debounce SET count = 0 WHERE ticket IN (
      SELECT other.ticket ${open} AND other.ticket < ?1 AND own.count > 0)`).bind(ticket),
    database.prepare("SELECT count FROM awaitstep_debounce WHERE ticket = ?1").bind(ticket),
    database.prepare(`DELETE FROM awaitstep_debounce WHERE count IS NOT NULL AND arrived < ${DEBOUNCE_NOW} - 86400000`),
  ]);
  const count = results[2].results[0]?.count ?? 0;
  return { latest: count > 0, count };
}
"""
