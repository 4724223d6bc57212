// Cloudflare's v4 API, as much of it as wrangler and the product call.

import { Hono, type MiddlewareHandler } from 'hono';
import { failed } from '../envelope.ts';
import { ApiError, unknownAccount, unknownCall } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { TestControl } from '../test_control/index.ts';
import { accounts, tokens } from './accounts.ts';
import { BASE, needsToken } from './authorization.ts';
import { consumers } from './consumers.ts';
import { databases } from './d1.ts';
import { deployments } from './deployments.ts';
import { records } from './dns.ts';
import { domains } from './domains.ts';
import { instances } from './instances.ts';
import { ips } from './ips.ts';
import { namespaces } from './kv.ts';
import { messages } from './messages.ts';
import { queues } from './queues.ts';
import { buckets } from './r2.ts';
import { workerRoutes, zoneRoutes } from './routes.ts';
import { schedules } from './schedules.ts';
import { scripts } from './scripts.ts';
import { secrets } from './secrets.ts';
import { services } from './services.ts';
import { settings } from './settings.ts';
import { subdomains } from './subdomains.ts';
import { tails } from './tails.ts';
import { versions } from './versions.ts';
import { workflows } from './workflows.ts';
import { zones } from './zones.ts';

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
  tails,
  workflows,
  instances,
  namespaces,
  databases,
  buckets,
  queues,
  consumers,
  messages,
  workerRoutes,
  domains,
];

const ZONE_RESOURCES = [zones, records, zoneRoutes];

export function makeApi(platform: Platform, onFault: (error: Error) => void): Hono {
  const api = new Hono().basePath(BASE);
  const control = platform.settings.testControl ? new TestControl() : undefined;
  if (control) api.use('*', ...control.middleware);
  api.route('/ips', ips());
  api.use('*', needsToken(platform.tokens));
  api.route('/', tokens(platform));
  for (const resource of ZONE_RESOURCES) api.route('/', resource(platform));
  api.use('/accounts/:account/*', needsAccount(platform.account.id));
  for (const resource of RESOURCES) api.route('/accounts/:account', resource(platform));
  const app = new Hono();
  app.route('/', api);
  if (control) app.route('/', control.routes(platform));
  app.notFound((c) => failed(c, unknownCall(c.req.method, c.req.path)));
  app.onError((error, c) => {
    if (error instanceof ApiError) return failed(c, error);
    onFault(error);
    return failed(c, new ApiError(500, 10013, 'The embedded platform failed; its log says why'));
  });
  return app;
}

function needsAccount(id: string): MiddlewareHandler {
  return async (c, next) => {
    const asked = c.req.param('account') ?? '';
    if (asked !== id) throw unknownAccount(asked);
    await next();
  };
}
