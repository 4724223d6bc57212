// Durations as Workflows write them.

const DAY = 86_400_000;
/** The engine's units, except that its year has a quarter of a day more. */
const UNITS = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
  year: 365 * DAY,
};
const DURATION = /^\s*([\d.]+)\s*([a-z]+?)s?\s*$/i;

export function milliseconds(duration) {
  if (typeof duration !== 'string') return duration;
  const [, count, unit = ''] = DURATION.exec(duration) ?? [];
  return Number(count) * (UNITS[unit.toLowerCase()] ?? 1);
}
