// The user, the account and their tokens.

import { Hono } from 'hono';
import { unknownAccount, userAccessDenied } from '../../http/errors.ts';
import { ok, okPage } from '../../http/responses.ts';
import { AUTHOR_EMAIL } from '../../state/new_records.ts';
import { verifyToken } from '../context/authorization.ts';
import { hasPermission } from '../context/permissions.ts';
import type { Platform } from '../context/platform.ts';

/** Calls without an account in the path. */
export function user({ account }: Platform): Hono {
  const own = { id: account.id, name: 'Embedded platform', type: 'standard' };
  return new Hono()
    .get('/user/tokens/verify', (c) => ok(c, verifyToken(c, 'user')))
    .get('/user', (c) => {
      if (!hasPermission(c.get('token'), 'User Details', 'Read')) throw userAccessDenied();
      return ok(c, { id: account.id, email: AUTHOR_EMAIL });
    })
    .get('/memberships', (c) => {
      if (!hasPermission(c.get('token'), 'User Memberships', 'Read')) throw userAccessDenied();
      return okPage(c, [{ id: account.id, status: 'accepted', account: own }]);
    })
    .get('/accounts', (c) =>
      okPage(c, hasPermission(c.get('token'), 'Account Settings', 'Read') ? [own] : []),
    )
    .get('/accounts/:account', (c) => {
      if (c.req.param('account') !== account.id) throw unknownAccount(c.req.param('account'));
      return ok(c, own);
    });
}

export function tokens(_: Platform): Hono {
  return new Hono().get('/tokens/verify', (c) => ok(c, verifyToken(c, 'account')));
}
