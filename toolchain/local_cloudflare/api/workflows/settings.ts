// The settings of a Workflow in the body of a PUT, which replaces all of them.

import { invalidBody, jurisdictionIsFixed } from '../../http/errors.ts';
import { shown } from '../../http/names.ts';
import { checkObject, checkObjects, checkSettings } from '../../http/requests.ts';
import { parseCron } from '../../schedules/cron.ts';
import type { Workflow, WorkflowSettings } from '../../state/records.ts';
import { readRetention } from '../../workflow_limits/retention.ts';

const SETTINGS = ['limits', 'concurrency', 'default_retention', 'schedules', 'jurisdiction'];
const JURISDICTIONS: readonly unknown[] = ['eu', 'fedramp', 'us'];
const MAX_STEPS = 25_000;
const MAX_SCHEDULES = 100;
const MAX_EXPRESSION = 256;

export interface WorkflowBody {
  script_name: string;
  class_name: string;
  limits: unknown;
  concurrency: unknown;
  default_retention: unknown;
  schedules: unknown;
  jurisdiction: unknown;
}

interface Account {
  workflows: ReadonlyMap<string, Workflow>;
  /** How many instances can run at the same time. */
  concurrencyLimit: number;
}

type Settings = WorkflowSettings & Pick<Workflow, 'schedules' | 'jurisdiction'>;

/** Settings that the platform does not know are refused by name. */
export function readSettings(name: string, body: Partial<WorkflowBody>, account: Account): Settings {
  const owner = `Workflow "${name}"`;
  checkSettings(body, ['script_name', 'class_name', ...SETTINGS], owner);
  const limits = readPart<{ steps: number }>(body, 'limits', ['steps'], owner);
  const concurrency = readPart<{ limit: number }>(body, 'concurrency', ['limit'], owner);
  checkWhole('limits.steps', limits?.steps, MAX_STEPS);
  checkWhole('concurrency.limit', concurrency?.limit, account.concurrencyLimit);
  const retention = readRetention('default_retention', body.default_retention, owner);
  const schedules = readSchedules(name, body.schedules ?? [], account);
  const jurisdiction = readJurisdiction(name, body.jurisdiction, account.workflows.get(name));
  return {
    ...(limits && { limits }),
    ...(concurrency && { concurrency }),
    ...(retention && { default_retention: retention }),
    ...(schedules.length > 0 && { schedules }),
    ...(jurisdiction && { jurisdiction }),
  };
}

function readPart<T extends object>(
  body: Partial<WorkflowBody>,
  part: keyof WorkflowBody,
  supported: readonly string[],
  owner: string,
): Partial<T> | undefined {
  if (body[part] === undefined || body[part] === null) return undefined;
  const value = checkObject<T>(body[part], part);
  checkSettings(value, supported, owner);
  return value;
}

function checkWhole(setting: string, value: unknown, maximum: number): void {
  if (value !== undefined && (!Number.isInteger(value) || Number(value) < 1 || Number(value) > maximum))
    throw invalidBody(`${setting} must be a whole number from 1 to ${maximum}, not ${shown(value)}`);
}

function readSchedules(name: string, value: unknown, { workflows }: Account): { cron: string }[] {
  const crons = checkObjects<{ cron: unknown }>(value, 'schedules').map(({ cron }) => checkCron(cron));
  const others = [...workflows.values()].filter((workflow) => workflow.name !== name);
  const count = others.reduce((sum, { schedules = [] }) => sum + schedules.length, crons.length);
  if (count > MAX_SCHEDULES)
    throw invalidBody(`the Workflows of an account can have ${MAX_SCHEDULES} schedules, not ${count}`);
  return crons.map((cron) => ({ cron }));
}

function checkCron(cron: unknown): string {
  if (typeof cron !== 'string' || cron.length > MAX_EXPRESSION || !parseCron(cron))
    throw invalidBody(`invalid cron string: ${shown(cron)}`);
  return cron;
}

/** Without one in the body, an existing Workflow keeps its own. */
function readJurisdiction(name: string, value: unknown, before: Workflow | undefined): string | undefined {
  if (value === undefined || value === null) return before?.jurisdiction;
  if (!JURISDICTIONS.includes(value))
    throw invalidBody(`jurisdiction must be one of ${JURISDICTIONS.join(', ')}, not ${shown(value)}`);
  if (before && before.jurisdiction !== value) throw jurisdictionIsFixed(name, before.jurisdiction);
  return String(value);
}
