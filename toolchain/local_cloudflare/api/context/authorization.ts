// Checks the token of each call.

import type { Context, MiddlewareHandler } from 'hono';
import {
  invalidAccessToken,
  malformedAuthorization,
  notAuthorized,
  notThisKindOfToken,
} from '../../http/errors.ts';
import type { Kind, Token, Tokens } from '../../state/tokens.ts';
import { isAllowed } from './permissions.ts';

declare module 'hono' {
  interface ContextVariableMap {
    token: Token;
  }
}

export const BASE = '/client/v4';

/** The path after `/client/v4`. */
export const pathOf = (c: Context): string => c.req.path.slice(BASE.length);

export function bearerToken(c: Context): string {
  const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (token === undefined) throw malformedAuthorization();
  return token;
}

const VERIFY = /^\/(user|accounts\/[^/]+)\/tokens\/verify$/;

/** Tokens that are not active can still be verified. */
export function requireToken(tokens: Tokens): MiddlewareHandler {
  return async (c, next) => {
    const token = tokens.find(bearerToken(c));
    const path = pathOf(c);
    if (!token || (token.status !== 'active' && !VERIFY.test(path))) throw invalidAccessToken();
    if (!isAllowed(token, c.req.method, path)) throw notAuthorized();
    c.set('token', token);
    await next();
  };
}

/** The status of the call's token; throws if the endpoint is for another kind of token. */
export function verifyToken(c: Context, kind: Kind): object {
  const { id, status, kinds } = c.get('token');
  if (!kinds.includes(kind)) throw notThisKindOfToken();
  return { id, status };
}
