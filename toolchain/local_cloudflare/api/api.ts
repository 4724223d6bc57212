// Cloudflare's v4 API, as much of it as wrangler and the product call.

import { Hono, type MiddlewareHandler } from 'hono';
import { ApiError, unknownAccount, unknownCall } from '../http/errors.ts';
import { failed } from '../http/responses.ts';
import { accounts, tokens } from './account/accounts.ts';
import { ips } from './account/ips.ts';
import { BASE, needsToken } from './context/authorization.ts';
import type { Platform } from './context/platform.ts';
import { consumers } from './queues/consumers.ts';
import { messages } from './queues/messages.ts';
import { queues } from './queues/queues.ts';
import { databases } from './storage/d1.ts';
import { namespaces } from './storage/kv.ts';
import { buckets } from './storage/r2.ts';
import { deployments } from './workers/deployments.ts';
import { schedules } from './workers/schedules.ts';
import { scripts } from './workers/scripts.ts';
import { secrets } from './workers/secrets.ts';
import { services } from './workers/services.ts';
import { settings } from './workers/settings.ts';
import { subdomains } from './workers/subdomains.ts';
import { tails } from './workers/tails.ts';
import { versions } from './workers/versions.ts';
import { instances } from './workflows/instances.ts';
import { workflows } from './workflows/workflows.ts';
import { records } from './zones/dns.ts';
import { domains } from './zones/domains.ts';
import { workerRoutes, zoneRoutes } from './zones/routes.ts';
import { zones } from './zones/zones.ts';

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

export interface ApiOptions {
  onFault: (error: Error) => void;
  /** Run before each call. */
  middleware?: MiddlewareHandler[];
  /** Served beside Cloudflare's API. */
  extraRoutes?: Hono;
}

export function makeApi(platform: Platform, { onFault, middleware = [], extraRoutes }: ApiOptions): Hono {
  const api = new Hono().basePath(BASE);
  if (middleware.length > 0) api.use('*', ...middleware);
  api.route('/ips', ips());
  api.use('*', needsToken(platform.tokens));
  api.route('/', tokens(platform));
  for (const resource of ZONE_RESOURCES) api.route('/', resource(platform));
  api.use('/accounts/:account/*', needsAccount(platform.account.id));
  for (const resource of RESOURCES) api.route('/accounts/:account', resource(platform));
  const app = new Hono();
  app.route('/', api);
  if (extraRoutes) app.route('/', extraRoutes);
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
