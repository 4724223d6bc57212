"""Helpers of the generated code that check values that are only known in a run.

They apply the same rules as for literal settings. A violation is an error without a retry that
names the node and the value.
"""

from __future__ import annotations

from typing import Final

from workflows.ir.document.triggers import EVENT_TYPE, EVENT_TYPE_RULE
from workflows.ir.reading import durations
from workflows.ir.reading.problems import quoted

SHOWN: Final = """\
/** A value as text for an error message. */
function shown(value: any): string {
  if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid date";
  const isJson = typeof value === "string" || (typeof value === "object" && value !== null);
  return (isJson ? JSON.stringify(value) : String(value)).slice(0, 80);
}
"""

TEXT: Final = """\
/** A value as text; objects are JSON. An invalid date or a function is an error, in which `subject` is the value. */
function asText(value: any, subject = "The value"): string {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new NonRetryableError(`${subject} is a ${typeof value}, not data`);
  }
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw new NonRetryableError(`${subject} is an invalid date`);
  }
  if (value instanceof Date) return value.toISOString();
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}
"""

IN_TEXT: Final = """\
/** A value inside text. A missing value is an error: the text would contain the word "undefined". */
function inText(value: any, setting: string, reference: string): string {
  const subject = `${setting} needs a value for {{ ${reference} }}, which`;
  if (value !== undefined && value !== null) return asText(value, subject);
  throw new NonRetryableError(`${subject} is ${value}`);
}
"""

STORABLE: Final = """\
/** Fails a step whose result cannot be stored, such as a function; the platform would end the whole run. */
function storable<A extends any[], T>(callback: (...values: A) => Promise<T>): (...values: A) => Promise<T> {
  return async (...values: A) => {
    const result: T = await callback(...values);
    try {
      if (!((result as any) instanceof ReadableStream)) structuredClone(result);
    } catch (error) {
      throw new Error(`A step can return only values that can be stored as data: ${(error as Error).message}`);
    }
    return result;
  };
}
"""

NOT_RETRIED: Final = """\
/** Makes errors of these classes final; the platform retries all others. */
function withoutRetryOf<A extends any[], T>(classes: string[], callback: (...values: A) => Promise<T>): (...values: A) => Promise<T> {
  return async (...values: A) => {
    try {
      return await callback(...values);
    } catch (error: any) {
      const names: string[] = [error?.name];
      for (let type = Object.getPrototypeOf(Object(error)); type; type = Object.getPrototypeOf(type)) names.push(type.constructor?.name);
      if (!names.some((name) => classes.includes(name))) throw error;
      throw new NonRetryableError(`${error?.name ?? names[1]}: ${error?.message ?? error}`);
    }
  };
}
"""

DURATION: Final = f"""\
/** The milliseconds in a duration such as "2 hours"; a number is already one. */
function asMilliseconds(duration: any, setting: string, least = 0): number {{
  const units: Record<string, number> = {{
    second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000,
    week: 604_800_000, month: 2_592_000_000, year: 31_536_000_000,
  }};
  const words = /^([0-9]{{1,15}}) (second|minute|hour|day|week|month|year)s?$/.exec(duration);
  const isWords = typeof duration === "string" && words !== null;
  const length = isWords ? Number(words[1]) * units[words[2]] : duration;
  const isLength = Number.isInteger(length) && length >= 0 && length <= {durations.MAX_DURATION};
  if (!isLength) throw new NonRetryableError(`${{setting}} {durations.RULE}, not ${{shown(duration)}}`);
  if (length < least) throw new NonRetryableError(`${{setting}} must be longer than 0`);
  return length;
}}
"""

EVENT: Final = f"""\
/** The type of an event, if it is one. */
function asEventType(type: any, setting: string): string {{
  if (typeof type === "string" && /^(?:{EVENT_TYPE.pattern})$/.test(type)) return type;
  throw new NonRetryableError(`${{setting}} {EVENT_TYPE_RULE}, not ${{shown(type)}}`);
}}
"""


def setting_of(name: str, path: str) -> str:
    """Return what messages call a setting: the name of its node, and its key."""
    return f"{quoted(name)}: {path.rpartition('.')[2]}"
