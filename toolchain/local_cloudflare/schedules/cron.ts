// Cron expressions as Cloudflare reads them: five fields in UTC, where Sunday is 1 or SUN.
//
// croner knows the calendar. It supports neither ranges that wrap around (`22-2`) nor `5/10` and `L-3`, and accepts
// more than Cloudflare does. So each field is checked here and passed on as a list of numbers. Names may be lowercase,
// but not L and W.

import { Cron } from 'croner';

interface Field {
  first: number;
  last: number;
  /** Names of the values, starting with the first one. */
  names?: readonly string[];
  /** Forms that only this field has; the groups are values. */
  special?: RegExp;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const FIELDS: readonly Field[] = [
  { first: 0, last: 59 },
  { first: 0, last: 23 },
  { first: 1, last: 31, special: /^(?:L(?:-(?:[1-9]|[12]\d|30))?W?|(\d+)W)$/ },
  { first: 1, last: 12, names: MONTHS },
  { first: 1, last: 7, names: WEEKDAYS, special: /^(\w+)(?:L|#[1-5])$/ },
];

const ITEM = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/;
const DAYS_BEFORE_LAST = /L-(\d+)/;

const YEARS_AHEAD = 8;

/** Return a function that checks whether a time matches; undefined if the expression is invalid. */
export function parseCron(expression: string): ((time: Date) => boolean) | undefined {
  const pattern = toPattern(expression);
  if (pattern === undefined) return undefined;
  if (DAYS_BEFORE_LAST.test(pattern)) return (time) => compile(inMonthOf(time, pattern)).match(time);
  const cron = compile(pattern);
  return (time) => cron.match(time);
}

/** Return the first time after this one that matches; undefined if there is none in the next years. */
export function nextTime(expression: string, after: Date): Date | undefined {
  const pattern = toPattern(expression);
  if (pattern === undefined) return undefined;
  if (!DAYS_BEFORE_LAST.test(pattern)) return compile(pattern).nextRun(after) ?? undefined;
  for (const from of monthsFrom(after)) {
    const next = compile(inMonthOf(from, pattern)).nextRun(new Date(from.valueOf() - (from > after ? 1 : 0)));
    if (next?.getUTCMonth() === from.getUTCMonth() && next.getUTCFullYear() === from.getUTCFullYear())
      return next;
  }
  return undefined;
}

/** The time, and the starts of the months after it. */
function monthsFrom(time: Date): Date[] {
  const starts = Array.from(
    { length: 12 * YEARS_AHEAD },
    (_, index) => new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + index + 1, 1)),
  );
  return [time, ...starts];
}

function toPattern(expression: string): string | undefined {
  const parts = expression.trim().replace(/\sL$/, ' SAT').split(/\s+/);
  if (parts.length !== FIELDS.length) return undefined;
  const fields = FIELDS.map((field, index) => parseField(parts[index] ?? '', field));
  return fields.includes(undefined) ? undefined : fields.join(' ');
}

function compile(pattern: string): Cron {
  return new Cron(pattern, { mode: '5-part', timezone: 'UTC', alternativeWeekdays: true, paused: true });
}

/** Replace `L-3` with a day of the month; if the month is too short for it, with the 31st, which it does not have. */
function inMonthOf(time: Date, pattern: string): string {
  const lastDay = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 0)).getUTCDate();
  return pattern.replace(DAYS_BEFORE_LAST, (_, days) => String(Math.max(lastDay - Number(days), 0) || 31));
}

function parseField(text: string, field: Field): string | undefined {
  if (text === '*') return text;
  const special = field.special?.exec(text);
  if (special)
    return special[1] === undefined || parseValue(special[1], field) ? text.toUpperCase() : undefined;
  const items = text.split(',').map((item) => parseItem(item, field));
  return items.includes(undefined) ? undefined : items.join(',');
}

/** Return the values of `5`, `1-5`, `1-10/2`, `5/10`, or a step of `*`; a range may wrap around. */
function parseItem(text: string, field: Field): number[] | undefined {
  const [matched, from, to, interval] = ITEM.exec(text) ?? [];
  const step = Number(interval ?? 1);
  if (matched === undefined || step === 0) return undefined;
  const start = from === undefined ? field.first : parseValue(from, field);
  const isOpen = from === undefined || interval !== undefined;
  const end = to === undefined ? (isOpen ? field.last : start) : parseValue(to, field);
  if (start === undefined || end === undefined) return undefined;
  const size = field.last - field.first + 1;
  const length = Math.floor(((end - start + size) % size) / step) + 1;
  return Array.from({ length }, (_, index) => field.first + ((start - field.first + index * step) % size));
}

function parseValue(text: string, { first, last, names = [] }: Field): number | undefined {
  const name = /^[A-Za-z]+$/.test(text) ? text.toUpperCase() : '';
  const value = names.includes(name)
    ? first + names.indexOf(name)
    : /^\d+$/.test(text)
      ? Number(text)
      : Number.NaN;
  return value >= first && value <= last ? value : undefined;
}
