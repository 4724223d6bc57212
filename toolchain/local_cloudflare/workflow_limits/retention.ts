// How long the instances of a Workflow are kept after they have ended, as a client says.

import { invalidBody } from '../http/errors.ts';
import { shown } from '../http/names.ts';
import { checkObject, checkSettings } from '../http/requests.ts';
import type { Retention } from '../state/records.ts';
import { milliseconds } from './durations.js';

const MAX_DAYS = 30;
const DAY = 86_400_000;

/** Durations are numbers of milliseconds, or texts such as "3 days". */
export function readRetention(setting: string, value: unknown, owner: string): Retention | undefined {
  if (value === undefined || value === null) return undefined;
  const durations = checkObject<Retention>(value, setting);
  checkSettings(durations, ['success_retention', 'error_retention'], owner);
  const entries = Object.entries(durations).filter(([, duration]) => duration !== undefined);
  return Object.fromEntries(entries.map(([key, duration]) => [key, check(`${setting}.${key}`, duration)]));
}

function check(setting: string, duration: unknown): number {
  const time = milliseconds(duration);
  if (typeof time !== 'number' || !(time >= 1) || time > MAX_DAYS * DAY)
    throw invalidBody(`${setting} must be a duration of up to ${MAX_DAYS} days, not ${shown(duration)}`);
  return Math.round(time);
}
