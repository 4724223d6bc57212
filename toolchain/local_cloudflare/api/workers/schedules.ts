// The cron triggers of a Worker.

import { Hono } from 'hono';
import { invalidBody, needsSubdomain } from '../../http/errors.ts';
import { readObjects } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { parseCron } from '../../schedules/cron.ts';
import { now } from '../../state/new_records.ts';
import type { Schedule } from '../../state/records.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';

export function schedules(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/schedules', (c) =>
      ok(c, { schedules: requestedWorker(platform, c).schedules }),
    )
    .put('/workers/scripts/:name/schedules', async (c) => {
      const worker = requestedWorker(platform, c);
      const schedules = (await readObjects<Schedule>(c, 'the schedules')).map(read);
      if (schedules.length > 0 && !platform.account.subdomain) throw needsSubdomain();
      platform.account.saveWorker({ ...worker, schedules });
      return ok(c, { schedules });
    });
}

function read({ cron: expression }: Partial<Schedule>): Schedule {
  const cron = String(expression ?? '');
  if (!parseCron(cron)) throw invalidBody(`invalid cron string: "${cron}"`);
  return { cron, created_on: now(), modified_on: now() };
}
