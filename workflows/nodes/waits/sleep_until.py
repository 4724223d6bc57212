"""`sleep_until`: waits until a point in time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from workflows.codegen.steps.computed_settings import SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Category, NodeType
from workflows.ir.reading.durations import MAX_DURATION
from workflows.ir.reading.fields import Code, Text
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.reading.references import references_in
from workflows.ir.settings.field_values import read_code, read_text
from workflows.ir.settings.setting_field import FieldKind, SettingField

_ISO: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
# Dates in other formats, which would be arithmetic if they were read as expressions.
_LIKE_A_DATE: Final = re.compile(r"[+-]?[0-9][0-9TtWwZz:.,/+\- ]*")
_MILLISECONDS: Final = re.compile(r"[0-9]{12,13}(?![0-9])")
# The parts of an ISO date in which references, here \0, take the place of some.
_ISO_PARTS: Final = re.compile(r"(?:[\x000-9T:.Z]|\+(?=[0-9]{2}:[0-9]{2})|-(?![0-9]{3}))+")
TIMESTAMP: Final = SettingField(
    name="timestamp",
    kind=FieldKind.MOMENT,
    label="Date and time",
    help="A date such as `2030-01-31T12:00:00Z`, or an expression that returns a date.",
    details="A date alone is midnight in UTC. The expression returns a date, text with a date, or milliseconds since 1970",
    required=True,
    takes_references=True,
    is_expression=True,
)
_RULE: Final = (
    'must be a valid date such as "2030-01-31" or "2030-01-31T12:00:00Z", or an expression such as '
    "Date.now() + 60_000"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`timestamp` is text if it is ISO 8601, perhaps with references; otherwise an expression."""

    timestamp: Text | Code


def read(data: Reader) -> Settings:
    """Read the date: text that looks like one must be valid; anything else is an expression."""
    value = data.raw(TIMESTAMP.name)
    moment = value.strip() if isinstance(value, str) else ""
    is_date_like = bool(_LIKE_A_DATE.fullmatch(moment)) and not _MILLISECONDS.match(moment)
    if moment and is_date_like and not _is_text(moment):
        data.problem(TIMESTAMP.name, f"{_RULE}, not {quoted(moment)}")
    if not moment or is_date_like or _is_text(moment):
        return Settings(timestamp=read_text(data, TIMESTAMP, trimmed=True))
    return Settings(timestamp=read_code(data, TIMESTAMP))


def _is_text(moment: str) -> bool:
    """Whether the text is ISO 8601 as JavaScript reads it, or can be once references have values."""
    shape, position = "", 0
    for reference in references_in(moment):
        shape += moment[position : reference.start] + "\0"
        position = reference.end
    shape += moment[position:]
    return bool(_ISO_PARTS.fullmatch(shape)) if "\0" in shape else _is_iso(moment)


def _is_iso(moment: str) -> bool:
    match = _ISO.fullmatch(moment)
    if match is None:
        return False
    year, month, day = (int(match[part] or 1) for part in ("year", "month", "day"))
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    try:
        datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    return True


def about(settings: Settings) -> str:
    """Return the date or the expression."""
    return settings.timestamp.source


def emit(node: Node, out: Emitter) -> None:
    """Write the wait through a helper, which accepts dates in the past."""
    out.add_helper(SHOWN)
    out.add_helper(HELPER)
    moment, setting = out.kept(node, node.settings.timestamp), out.setting(node.settings.timestamp)
    out.line("await sleepUntil(step, ", out.step_name(node), ", ", *moment, f", {setting});")


TYPE = NodeType(
    name="sleep_until",
    title="Sleep until",
    category=Category.WAIT,
    summary="Waits until a point in time.",
    docs="nodes/sleep_until.md",
    icon="sleep_until",
    fields=(TIMESTAMP,),
    example={"timestamp": "Date.now() + 60 * 60 * 1000"},
    about=about,
    read=read,
    emit=emit,
    step_suffixes=("", VALUE_SUFFIX),
)

HELPER: Final = f"""\
/**
 * The date that a text contains: ISO 8601, or a date with the name of a month, as a Date writes it. JavaScript finds
 * dates in almost any text with a number, such as "order 7", and takes February 30 for March 2. Neither is a date here.
 */
function dateIn(text: string): Date {{
  const iso = /^([0-9]{{4}}(?:-[0-9]{{2}}(?:-([0-9]{{2}}))?)?)(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\\.[0-9]+)?)?(?: ?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}}))?)?$/.exec(text);
  const months = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
  const named = new RegExp(`^(?:[A-Z][a-z]{{2,8}},? )?((?:[0-9]{{1,2}} ${{months}}|${{months}} [0-9]{{1,2}},?) [0-9]{{4}})(?: |$)`).exec(text);
  const day = iso ? (iso[2] ?? 1) : /\\b[0-9]{{1,2}}\\b/.exec(named?.[1] ?? "")?.[0];
  const midnight = new Date(iso ? iso[1] : `${{named?.[1]}} UTC`);
  return new Date(midnight.getUTCDate() === Number(day) ? text : Number.NaN);
}}

/** Waits until a date. A date in the past is not passed on: the platform would fail the run, even in a replay. */
async function sleepUntil(step: WorkflowStep, name: string, moment: any, setting: string): Promise<void> {{
  const isMoment = moment instanceof Date || typeof moment === "number";
  const date = typeof moment === "string" ? dateIn(moment.trim()) : new Date(isMoment ? moment : Number.NaN);
  const pause = date.getTime() - Date.now();
  if (Number.isNaN(pause)) throw new NonRetryableError(`${{setting}} must be a valid date, not ${{shown(moment)}}`);
  if (pause > {MAX_DURATION}) {{
    throw new NonRetryableError(`${{setting}} must be at most 365 days ahead, not ${{shown(moment)}}`);
  }}
  if (pause > 1000) await step.sleepUntil(name, date);
  else await step.sleep(name, Math.max(1, pause));
}}
"""
