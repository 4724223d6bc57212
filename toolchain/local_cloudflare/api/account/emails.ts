// The emails that Workers sent. Cloudflare has no such call, because it delivers them.

import { Hono } from 'hono';
import { noSuchEmail } from '../../http/errors.ts';
import { ok, okPage } from '../../http/responses.ts';
import type { Platform } from '../context/platform.ts';

export function emails({ mailbox }: Platform): Hono {
  return new Hono()
    .get('/local/emails', (c) => {
      const worker = c.req.query('worker');
      const found = mailbox.all().filter((email) => !worker || email.worker === worker);
      return okPage(c, found);
    })
    .get('/local/emails/:id', (c) => {
      const email = mailbox.get(c.req.param('id'));
      if (!email) throw noSuchEmail(c.req.param('id'));
      return ok(c, email);
    })
    .delete('/local/emails', (c) => {
      mailbox.clear();
      return ok(c, null);
    });
}
