"""`rate_limit`: waits for a free slot in a rate limit that runs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import duration_text
from workflows.ir.document.node_types import Category, NodeType, single_step
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading.fields import Duration, Text
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_duration,
    read_integer,
    read_text,
    source_of,
)
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField
from workflows.nodes.waits.database import DATABASE, STEP_FIELDS, bindings, read_database

KEY: Final = SettingField(
    name="key",
    kind=FieldKind.TEXT,
    label="Key",
    help="What is limited. All nodes with this key and database share one limit.",
    required=True,
    takes_references=True,
    placeholder="mail-to-{{ trigger.customer }}",
)
LIMIT: Final = SettingField(
    name="limit",
    kind=FieldKind.NUMBER,
    label="Limit",
    help="How many times per period.",
    default=10,
    rules=Rules(min=1, max=10_000),
    is_whole=True,
)
PERIOD: Final = SettingField(
    name="period",
    kind=FieldKind.DURATION,
    label="Period",
    help="The length of the period, which can start at any moment.",
    default="1 minute",
    rules=Rules(min=1),
    takes_references=True,
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long to wait at most. A node that would wait longer takes no slot.",
    details="This is known immediately: the node does not wait first",
    default="24 hours",
    rules=Rules(min=1),
    takes_references=True,
    config_path="timeout",
)
ON_TIMEOUT: Final = SettingField(
    name="onTimeout",
    kind=FieldKind.SELECT,
    label="If no slot is free in time",
    help="`fail`: the node fails; `continue`: the workflow continues, and `timedOut` is `true`.",
    default="fail",
    options=("fail", "continue"),
)
FIELDS: Final = (KEY, LIMIT, PERIOD, TIMEOUT, ON_TIMEOUT, DATABASE, *STEP_FIELDS)

_WAIT: Final = ": wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """At most `limit` per `period` for a `key`; `policy` applies to the step that uses the database."""

    key: Text
    limit: int
    period: Duration
    timeout: Duration
    fails: bool
    database: str
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the key, which is required, and the limit: by default 10 per minute."""
    return Settings(
        key=read_text(data, KEY),
        limit=read_integer(data, LIMIT),
        period=read_duration(data, PERIOD),
        timeout=read_duration(source_of(data, TIMEOUT), TIMEOUT),
        fails=read_choice(data, ON_TIMEOUT) == "fail",
        database=read_database(data),
        policy=read_policy(data, STEP_FIELDS),
    )


def about(settings: Settings) -> str:
    """Return the limit and the key."""
    return f"{settings.limit:,} per {duration_text(settings.period)}: {settings.key.source}"


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that takes a slot, and sleeps until then."""
    settings: Settings = node.settings
    out.add_helper(HELPER)
    out.line(*out.assign(node), "await runRateLimit(step, {")
    with out.indented():
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line(f"database: env.{settings.database},")
        out.line("key: () => ", *out.text(settings.key), ",")
        out.line(f"limit: {settings.limit},")
        out.line("period: ", *out.milliseconds(settings.period, least=1), ",")
        out.line("timeout: ", *out.milliseconds(settings.timeout, least=1), ",")
        out.line(f"failsAtTimeout: {'true' if settings.fails else 'false'},")
        out.line("config:")
        out.policy(settings.policy, is_sensitive=out.is_sensitive(node))
    out.line("});")


def max_wait(settings: Settings) -> Duration:
    """Return the timeout."""
    return settings.timeout


def has_output(suffix: str, _result: object) -> bool:
    """Return whether this is the step that takes a slot."""
    return not suffix


TYPE = NodeType(
    name="rate_limit",
    title="Rate limit",
    category=Category.WAIT,
    summary="Waits for a free slot: a limited number of times per period, across all runs.",
    docs="nodes/rate_limit.md",
    icon="rate_limit",
    fields=FIELDS,
    example={"key": "mail"},
    about=about,
    read=read,
    output="Slot",
    emit=emit,
    bindings=bindings,
    max_wait=max_wait,
    step_count=single_step,
    step_suffixes=("", _WAIT),
    has_output=has_output,
)

HELPER: Final = """\
type Slot = { waited: number; timedOut: boolean };

type RateLimitCall = {
  name: (part: string) => string;
  database: D1Database;
  key: () => string;
  limit: number;
  period: number;
  timeout: number;
  failsAtTimeout: boolean;
  config: any;
};

/** Takes a slot in a step, and sleeps until then. */
async function runRateLimit(step: WorkflowStep, call: RateLimitCall): Promise<Slot> {
  const slot: Slot = await step.do(call.name(""), call.config, async () => takeSlot(call));
  if (slot.waited > 0) await step.sleep(call.name(": wait"), slot.waited);
  return slot;
}

/**
 * Takes the next slot: now, or a period after the slot that is `limit` slots back. The database has the only clock. An
 * attempt whose answer is lost has taken a slot too, so there can be fewer than the limit, but never more.
 */
async function takeSlot(call: RateLimitCall): Promise<Slot> {
  const { database, limit, period, timeout } = call;
  const now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
  const take = `
    WITH clock AS (SELECT ${now} AS now),
    next AS (SELECT now, max(now, coalesce(?2 + (
      SELECT slot FROM awaitstep_rate_limit WHERE key = ?1 ORDER BY slot DESC LIMIT 1 OFFSET ?3 - 1
    ), 0)) AS slot FROM clock)
    INSERT INTO awaitstep_rate_limit (key, slot, expires)
    SELECT ?1, slot, slot + ?2 FROM next WHERE slot - now <= ?4
    RETURNING slot - ${now} AS pause`;
  const results: any[] = await database.batch<any>([
    database.prepare("CREATE TABLE IF NOT EXISTS awaitstep_rate_limit (key TEXT NOT NULL, slot INTEGER NOT NULL, expires INTEGER NOT NULL)"),
    database.prepare("CREATE INDEX IF NOT EXISTS awaitstep_rate_limit_slots ON awaitstep_rate_limit (key, slot)"),
    database.prepare("CREATE INDEX IF NOT EXISTS awaitstep_rate_limit_expiry ON awaitstep_rate_limit (expires)"),
    database.prepare(`DELETE FROM awaitstep_rate_limit WHERE expires <= ${now}`),
    database.prepare(take).bind(call.key(), period, limit, timeout),
  ]);
  const [taken] = results[4].results;
  if (taken) return { waited: Math.max(0, taken.pause), timedOut: false };
  if (!call.failsAtTimeout) return { waited: 0, timedOut: true };
  throw new NonRetryableError(`${call.name("")}: no free slot within ${timeout} ms`);
}
"""
