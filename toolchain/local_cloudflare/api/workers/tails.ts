import { type Context, Hono } from 'hono';
import { noSuchTail, tooManyTails } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Filter } from '../../tails/filters.ts';
import type { Listener } from '../../tails/listener.ts';
import { type Platform, workerOf } from '../context/platform.ts';

const PATH = '/workers/scripts/:name/tails';

/** Live logs: each tail is a WebSocket, which its URL alone opens. */
export function tails(platform: Platform): Hono {
  const worker = (c: Context) => workerOf(platform, c.req.param('name') ?? '').name;
  const { tails } = platform;
  const shown = (c: Context, listener: Listener) => ({
    id: listener.id,
    url: tails.urlOf(listener, new URL(c.req.url).host),
    expires_at: listener.expires.toISOString(),
  });
  return new Hono()
    .get(PATH, (c) =>
      ok(
        c,
        tails.of(worker(c)).map((listener) => shown(c, listener)),
      ),
    )
    .post(PATH, async (c) => {
      const { filters = [] } = await bodyOf<{ filters: Filter[] }>(c);
      const listener = tails.create(worker(c), filters);
      if (!listener) throw tooManyTails(worker(c));
      return ok(c, shown(c, listener));
    })
    .delete(`${PATH}/:id`, (c) => {
      const found = tails.of(worker(c)).find(({ id }) => id === c.req.param('id'));
      if (!found) throw noSuchTail(c.req.param('id'));
      tails.delete(found.id);
      return ok(c, null);
    });
}
