import { Hono } from 'hono';
import { ok, paged } from '../envelope.ts';
import { unknownAccount } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { verified } from './authorization.ts';
import { holds } from './permissions.ts';

/** What is asked without an account in the path. */
export function tokens({ account }: Platform): Hono {
  const mine = { id: account.id, name: 'Embedded platform', type: 'standard' };
  return new Hono()
    .get('/user/tokens/verify', (c) => ok(c, verified(c, 'user')))
    .get('/accounts', (c) => {
      const { items, info } = paged(c, holds(c.get('token'), 'Account Settings', 'Read') ? [mine] : []);
      return ok(c, items, info);
    })
    .get('/accounts/:account', (c) => {
      if (c.req.param('account') !== account.id) throw unknownAccount(c.req.param('account'));
      return ok(c, mine);
    });
}

export function accounts(_: Platform): Hono {
  return new Hono().get('/tokens/verify', (c) => ok(c, verified(c, 'account')));
}
