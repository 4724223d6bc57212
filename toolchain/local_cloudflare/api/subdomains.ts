import { Hono } from 'hono';
import { ok } from '../envelope.ts';
import { bodyOf, type Platform, workerOf } from '../platform.ts';

const SUBDOMAIN = 'local';

/** The account's workers.dev subdomain, and whether a Worker is reached under it. */
export function subdomains(platform: Platform): Hono {
  return new Hono()
    .get('/workers/subdomain', (c) => ok(c, { subdomain: SUBDOMAIN }))
    .get('/workers/scripts/:name/subdomain', (c) => ok(c, workerOf(platform, c.req.param('name')).subdomain))
    .post('/workers/scripts/:name/subdomain', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const { enabled, previews_enabled } = await bodyOf<typeof worker.subdomain>(c);
      const subdomain = {
        enabled: enabled ?? worker.subdomain.enabled,
        previews_enabled: previews_enabled ?? worker.subdomain.previews_enabled,
      };
      platform.account.keepWorker({ ...worker, subdomain });
      return ok(c, subdomain);
    })
    .get('/workers/workers/:name', (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const { tag, name, created_on, modified_on, subdomain, settings } = worker;
      const { tags = [], logpush = false } = settings;
      return ok(c, { id: tag, name, created_on, updated_on: modified_on, subdomain, tags, logpush });
    });
}
