// Cloudflare's v4 API, as much of it as wrangler and the product call.

import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { failed } from '../envelope.ts';
import { ApiError, malformedAuthorization, unknownAccount, unknownCall, wrongToken } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { accounts, tokens } from './accounts.ts';
import { consumers } from './consumers.ts';
import { databases } from './d1.ts';
import { deployments } from './deployments.ts';
import { instances } from './instances.ts';
import { ips } from './ips.ts';
import { namespaces } from './kv.ts';
import { messages } from './messages.ts';
import { queues } from './queues.ts';
import { buckets } from './r2.ts';
import { schedules } from './schedules.ts';
import { scripts } from './scripts.ts';
import { secrets } from './secrets.ts';
import { services } from './services.ts';
import { settings } from './settings.ts';
import { subdomains } from './subdomains.ts';
import { versions } from './versions.ts';
import { workflows } from './workflows.ts';

const RESOURCES = [
  accounts,
  subdomains,
  services,
  scripts,
  versions,
  deployments,
  settings,
  secrets,
  schedules,
  workflows,
  instances,
  namespaces,
  databases,
  buckets,
  queues,
  consumers,
  messages,
];

export const BASE = '/client/v4';

export function makeApi(platform: Platform, onFault: (error: Error) => void): Hono {
  const api = new Hono().basePath(BASE);
  api.route('/ips', ips());
  api.use('*', needsToken(platform.settings.token));
  api.route('/', tokens(platform));
  api.use('/accounts/:account/*', needsAccount(platform.account.id));
  for (const resource of RESOURCES) api.route('/accounts/:account', resource(platform));
  const app = new Hono();
  app.route('/', api);
  app.notFound((c) => failed(c, unknownCall(c.req.method, c.req.path)));
  app.onError((error, c) => {
    if (error instanceof ApiError) return failed(c, error);
    onFault(error);
    return failed(c, new ApiError(500, 10013, 'The embedded platform failed; its log says why'));
  });
  return app;
}

function needsToken(token: string): MiddlewareHandler {
  const expected = digest(token);
  return async (c, next) => {
    const given = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given === undefined) throw malformedAuthorization();
    if (!timingSafeEqual(digest(given), expected)) throw wrongToken();
    await next();
  };
}

/** Of one length, so that comparing takes one time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function needsAccount(id: string): MiddlewareHandler {
  return async (c, next) => {
    const asked = c.req.param('account') ?? '';
    if (asked !== id) throw unknownAccount(asked);
    await next();
  };
}
