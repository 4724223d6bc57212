// The account's workers.dev subdomain, and which Workers are served under it.

import { Hono } from 'hono';
import {
  hasSubdomain,
  invalidBody,
  needsSubdomain,
  noSubdomain,
  subdomainIsFree,
} from '../../http/errors.ts';
import { isText } from '../../http/names.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Worker } from '../../state/records.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** With this header, `previews_enabled` defaults to `enabled`; without it, to its previous value. */
const API_DATE = 'cloudflare-workers-script-api-date';

export function subdomains(platform: Platform): Hono {
  return new Hono()
    .get('/workers/subdomain', (c) => {
      const { subdomain } = platform.account;
      if (!subdomain) throw noSubdomain();
      return ok(c, { subdomain });
    })
    .put('/workers/subdomain', async (c) => {
      const { subdomain = '' } = await readObject<{ subdomain: string }>(c);
      if (!isText(subdomain) || !NAME.test(subdomain))
        throw invalidBody(`"${subdomain}" is not a valid workers.dev subdomain`);
      const before = platform.account.subdomain;
      if (before && before !== subdomain) throw hasSubdomain(before);
      platform.account.subdomain = subdomain;
      return ok(c, { subdomain });
    })
    .get('/workers/subdomains/:name', (c) => {
      throw subdomainIsFree(c.req.param('name'));
    })
    .get('/workers/scripts/:name/subdomain', (c) =>
      ok(c, serializeSubdomain(platform, requestedWorker(platform, c))),
    )
    .post('/workers/scripts/:name/subdomain', async (c) => {
      const worker = requestedWorker(platform, c);
      const subdomain = changedSubdomain(
        worker,
        await readObject<Worker['subdomain']>(c),
        c.req.header(API_DATE),
      );
      if (subdomain.enabled && !platform.account.subdomain) throw needsSubdomain();
      platform.account.saveWorker({ ...worker, subdomain });
      return ok(c, serializeSubdomain(platform, { ...worker, subdomain }));
    });
}

/** wrangler puts the start of a version's id, or an alias, in front of the suffix. */
export function serializeSubdomain({ account }: Platform, { name, subdomain }: Worker): object {
  const host = `${name}.${account.subdomain}.workers.dev`;
  const urls = account.subdomain && { url: `https://${host}`, preview_url_suffix: `-${host}` };
  return { ...subdomain, ...urls };
}

type Subdomain = Worker['subdomain'];

function changedSubdomain(
  { subdomain: before }: Worker,
  body: Partial<Subdomain>,
  date: string | undefined,
): Subdomain {
  const { enabled = before.enabled, previews_enabled } = body;
  const defaultPreviews = date === undefined ? before.previews_enabled : enabled;
  return { enabled, previews_enabled: previews_enabled ?? defaultPreviews };
}
