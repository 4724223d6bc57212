// Cron expressions as Cloudflare reads them: five fields in UTC; Sunday is 1 or SUN.

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

type Field = (time: Date) => boolean;

interface Range {
  from: number;
  to: number;
  words?: readonly string[];
  of: (time: Date) => number;
}

const MINUTES: Range = { from: 0, to: 59, of: (time) => time.getUTCMinutes() };
const HOURS: Range = { from: 0, to: 23, of: (time) => time.getUTCHours() };
const MONTH_DAYS: Range = { from: 1, to: 31, of: (time) => time.getUTCDate() };
const MONTH: Range = { from: 1, to: 12, words: MONTHS, of: (time) => time.getUTCMonth() + 1 };
const WEEK_DAYS: Range = { from: 1, to: 7, words: DAYS, of: (time) => time.getUTCDay() + 1 };

/** Return whether a time matches, or undefined for what is no cron expression. */
export function parseCron(expression: string): Field | undefined {
  const parts = expression.trim().toUpperCase().split(/\s+/);
  if (parts.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekDay = ''] = parts;
  const fields = [
    parseField(minute, MINUTES),
    parseField(hour, HOURS),
    parseMonthDay(day),
    parseField(month, MONTH),
    parseWeekDay(weekDay),
  ];
  return fields.every((field) => field !== undefined) ? matcher(fields, day, weekDay) : undefined;
}

/** Where both days are limited, either is enough, as in every cron. */
function matcher(fields: Field[], day: string, weekDay: string): Field {
  const [minute, hour, onDay, month, onWeekDay] = fields as [Field, Field, Field, Field, Field];
  const either = day !== '*' && weekDay !== '*';
  const onEither: Field = (time) => onDay(time) || onWeekDay(time);
  const onBoth: Field = (time) => onDay(time) && onWeekDay(time);
  const days = either ? onEither : onBoth;
  return (time) => minute(time) && hour(time) && month(time) && days(time);
}

function parseField(text: string, range: Range): Field | undefined {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const found = parseItem(item, range);
    if (!found) return undefined;
    for (const value of found) values.add(value);
  }
  return (time) => values.has(range.of(time));
}

/** A range may go over the end: `22-2` are five hours. */
function parseItem(item: string, range: Range): number[] | undefined {
  const [base = '', stepText, ...more] = item.split('/');
  const step = stepText === undefined ? 1 : Number(stepText);
  const [from, to] = bounds(base, range, stepText !== undefined);
  const isRight = more.length === 0 && Number.isInteger(step) && step > 0;
  if (!isRight || from === undefined || to === undefined) return undefined;
  const size = range.to - range.from + 1;
  const length = Math.floor(((to - from + size) % size) / step) + 1;
  return Array.from({ length }, (_, at) => range.from + ((from - range.from + at * step) % size));
}

function bounds(base: string, range: Range, isOpen: boolean): [number | undefined, number | undefined] {
  if (base === '*') return [range.from, range.to];
  const [first = '', last, ...more] = base.split('-');
  const from = parseValue(first, range);
  if (more.length > 0) return [undefined, undefined];
  if (last === undefined) return [from, isOpen ? range.to : from];
  return [from, parseValue(last, range)];
}

function parseValue(text: string, { from, to, words = [] }: Range): number | undefined {
  const word = words.indexOf(text);
  const value = word >= 0 ? from + word : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? value : undefined;
}

const lastDay = (time: Date): number =>
  new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 0)).getUTCDate();

/** `L` is the month's last day, `L-3` three days before it; `LW`, `L-3W`, `15W` the weekday nearest to that. */
function parseMonthDay(text: string): Field | undefined {
  const special = /^(?:L(?:-(\d+))?(W?)|(\d+)W)$/.exec(text);
  if (!special) return parseField(text, MONTH_DAYS);
  const [, before, near, day] = special;
  if (Number(day ?? 1) < 1 || Number(day ?? 1) > 31 || Number(before ?? 1) < 1 || Number(before ?? 1) > 30)
    return undefined;
  const wanted = (time: Date) => (day ? Number(day) : lastDay(time) - Number(before ?? 0));
  if (near === '') return (time) => time.getUTCDate() === wanted(time);
  return (time) => wanted(time) >= 1 && time.getUTCDate() === nearestWeekday(time, wanted(time));
}

function nearestWeekday(time: Date, day: number): number {
  const last = lastDay(time);
  const weekDay = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), day)).getUTCDay();
  if (weekDay === 6) return day > 1 ? day - 1 : day + 2;
  if (weekDay === 0) return day < last ? day + 1 : day - 2;
  return day;
}

/** `6L` is the month's last Friday, `6#2` its second; `L` alone is the week's last day. */
function parseWeekDay(text: string): Field | undefined {
  if (text === 'L') return parseField(String(WEEK_DAYS.to), WEEK_DAYS);
  const special = /^(\w+?)(L|#([1-5]))$/.exec(text);
  if (!special) return parseField(text, WEEK_DAYS);
  const day = parseValue(special[1] ?? '', WEEK_DAYS);
  if (day === undefined) return undefined;
  const nth = special[3] === undefined ? undefined : Number(special[3]);
  return (time) => WEEK_DAYS.of(time) === day && isNth(time, nth);
}

function isNth(time: Date, nth: number | undefined): boolean {
  const date = time.getUTCDate();
  return nth === undefined ? date + 7 > lastDay(time) : Math.ceil(date / 7) === nth;
}
