import { Hono } from 'hono';
import { mayNotSeeUser, unknownAccount } from '../../http/errors.ts';
import { ok, paged } from '../../http/responses.ts';
import { verified } from '../context/authorization.ts';
import { holds } from '../context/permissions.ts';
import type { Platform } from '../context/platform.ts';

const AUTHOR = 'local@localhost';

/** What is asked without an account in the path. */
export function tokens({ account }: Platform): Hono {
  const mine = { id: account.id, name: 'Embedded platform', type: 'standard' };
  return new Hono()
    .get('/user/tokens/verify', (c) => ok(c, verified(c, 'user')))
    .get('/user', (c) => {
      if (!holds(c.get('token'), 'User Details', 'Read')) throw mayNotSeeUser();
      return ok(c, { id: account.id, email: AUTHOR });
    })
    .get('/memberships', (c) => {
      if (!holds(c.get('token'), 'User Memberships', 'Read')) throw mayNotSeeUser();
      const { items, info } = paged(c, [{ id: account.id, status: 'accepted', account: mine }]);
      return ok(c, items, info);
    })
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
