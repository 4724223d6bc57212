import type { Context, MiddlewareHandler } from 'hono';
import { invalidToken, malformedAuthorization, notAuthorized, wrongToken } from '../../http/errors.ts';
import type { Kind, Token, Tokens } from '../../state/tokens.ts';
import { mayCall } from './permissions.ts';

declare module 'hono' {
  interface ContextVariableMap {
    token: Token;
  }
}

export const BASE = '/client/v4';

/** The path after `/client/v4`. */
export const pathOf = (c: Context): string => c.req.path.slice(BASE.length);

export function bearer(c: Context): string {
  const given = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (given === undefined) throw malformedAuthorization();
  return given;
}

const VERIFY = /^\/(user|accounts\/[^/]+)\/tokens\/verify$/;

/** A token that is not active may still be asked about. */
export function needsToken(tokens: Tokens): MiddlewareHandler {
  return async (c, next) => {
    const token = tokens.find(bearer(c));
    const path = pathOf(c);
    if (!token || (token.status !== 'active' && !VERIFY.test(path))) throw wrongToken();
    if (!mayCall(token, c.req.method, path)) throw notAuthorized();
    c.set('token', token);
    await next();
  };
}

/** What the token is, when it is asked about where its kind is. */
export function verified(c: Context, kind: Kind): object {
  const { id, status, kinds } = c.get('token');
  if (!kinds.includes(kind)) throw invalidToken();
  return { id, status };
}
