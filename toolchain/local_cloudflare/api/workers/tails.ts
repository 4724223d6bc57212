// The live logs of a Worker: each tail has a WebSocket, whose URL is the only credential.

import { type Context, Hono } from 'hono';
import { noSuchTail, tooManyTails } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Filter } from '../../tails/filters.ts';
import type { Listener } from '../../tails/listener.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';

const PATH = '/workers/scripts/:name/tails';

export function tails(platform: Platform): Hono {
  const worker = (c: Context) => requestedWorker(platform, c).name;
  const { tails } = platform;
  const serialize = (c: Context, listener: Listener) => ({
    id: listener.id,
    url: tails.urlOf(listener, new URL(c.req.url).host),
    expires_at: listener.expires.toISOString(),
  });
  return new Hono()
    .get(PATH, (c) => {
      const newest = tails.of(worker(c)).at(-1); // Cloudflare responds with one tail, not a list
      return ok(c, newest ? serialize(c, newest) : null);
    })
    .post(PATH, async (c) => {
      const { filters = [] } = await readObject<{ filters: Filter[] }>(c);
      const listener = tails.create(worker(c), filters);
      if (!listener) throw tooManyTails(worker(c));
      return ok(c, serialize(c, listener));
    })
    .delete(`${PATH}/:id`, (c) => {
      const listener = tails.of(worker(c)).find(({ id }) => id === c.req.param('id'));
      if (!listener) throw noSuchTail(c.req.param('id'));
      tails.delete(listener.id);
      return ok(c, null);
    });
}
