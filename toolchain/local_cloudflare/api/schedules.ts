import { Hono } from 'hono';
import { now } from '../account.ts';
import { parseCron } from '../crons.ts';
import { ok } from '../envelope.ts';
import { invalidBody, needsSubdomain } from '../errors.ts';
import type { Schedule } from '../model.ts';
import { jsonOf, type Platform, workerOf } from '../platform.ts';

export function schedules(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/schedules', (c) =>
      ok(c, { schedules: workerOf(platform, c.req.param('name')).schedules }),
    )
    .put('/workers/scripts/:name/schedules', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const schedules = read(await jsonOf(c));
      if (schedules.length > 0 && !platform.account.subdomain) throw needsSubdomain();
      platform.account.keepWorker({ ...worker, schedules });
      return ok(c, { schedules });
    });
}

function read(value: unknown): Schedule[] {
  if (!Array.isArray(value)) throw invalidBody('the body is not a list of schedules');
  const time = now();
  return value.map((item: Partial<Schedule>) => {
    const cron = String(item.cron ?? '');
    if (!parseCron(cron)) throw invalidBody(`invalid cron string: "${cron}"`);
    return { cron, created_on: time, modified_on: time };
  });
}
