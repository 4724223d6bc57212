// Cloudflare's v4 API: the calls that wrangler and the product use.

import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { ApiError, unknownAccount, unknownPath, unsupportedCall } from '../http/errors.ts';
import { failure } from '../http/responses.ts';
import { tokens, user } from './account/accounts.ts';
import { emails } from './account/emails.ts';
import { graphql } from './account/graphql.ts';
import { ips } from './account/ips.ts';
import { BASE, requireToken } from './context/authorization.ts';
import type { Platform } from './context/platform.ts';
import { consumers } from './queues/consumers.ts';
import { messages } from './queues/messages.ts';
import { queues } from './queues/queues.ts';
import { databases } from './storage/d1.ts';
import { databaseFiles } from './storage/d1_files.ts';
import { namespaces } from './storage/kv.ts';
import { buckets } from './storage/r2.ts';
import { objects } from './storage/r2_objects.ts';
import { SignedFiles } from './storage/signed_files.ts';
import { assetFiles, assetSessions } from './workers/assets.ts';
import { deployments } from './workers/deployments.ts';
import { schedules } from './workers/schedules.ts';
import { scripts } from './workers/scripts.ts';
import { secrets } from './workers/secrets.ts';
import { services } from './workers/services.ts';
import { settings } from './workers/settings.ts';
import { subdomains } from './workers/subdomains.ts';
import { tails } from './workers/tails.ts';
import { versions } from './workers/versions.ts';
import { workers } from './workers/workers.ts';
import { instances } from './workflows/instances.ts';
import { workflows } from './workflows/workflows.ts';
import { records } from './zones/dns.ts';
import { domains } from './zones/domains.ts';
import { workerRoutes, zoneRoutes } from './zones/routes.ts';
import { zones } from './zones/zones.ts';

const RESOURCES = [
  tokens,
  subdomains,
  services,
  scripts,
  assetSessions,
  workers,
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
  objects,
  queues,
  consumers,
  messages,
  workerRoutes,
  domains,
  emails,
];

const ZONE_RESOURCES = [zones, records, zoneRoutes];

export interface ApiOptions {
  onError: (error: Error) => void;
  /** Run before each call. */
  middleware?: MiddlewareHandler[];
  /** Served in addition to Cloudflare's API. */
  extraRoutes?: Hono;
}

export function makeApi(platform: Platform, { onError, middleware = [], extraRoutes }: ApiOptions): Hono {
  const api = new Hono().basePath(BASE);
  if (middleware.length > 0) api.use('*', ...middleware);
  api.route('/ips', ips());
  api.use('/accounts/:account/workers/assets/*', requireAccount(platform.account.id));
  api.route('/accounts/:account', assetFiles(platform));
  api.use('*', requireToken(platform.tokens));
  api.route('/', user(platform));
  api.route('/', graphql(platform));
  for (const resource of ZONE_RESOURCES) api.route('/', resource(platform));
  api.use('/accounts/:account/*', requireAccount(platform.account.id));
  for (const resource of RESOURCES) api.route('/accounts/:account', resource(platform));
  const signedFiles = new SignedFiles();
  api.route('/accounts/:account', databaseFiles(platform, signedFiles));
  const app = new Hono();
  app.route('/', api);
  app.route('/', signedFiles.routes());
  if (extraRoutes) app.route('/', extraRoutes);
  app.notFound(refuse);
  app.onError((error, c) => {
    if (error instanceof ApiError) return failure(c, error);
    onError(error);
    return failure(c, new ApiError(500, 10013, 'The embedded platform failed; see its log'));
  });
  return app;
}

/** The SDKs would retry a call that failed with a 5xx. */
function refuse(c: Context): Response {
  const { method, path } = c.req;
  if (!path.startsWith(`${BASE}/`)) return failure(c, unknownPath(path));
  c.header('x-should-retry', 'false');
  return failure(c, unsupportedCall(method, path));
}

function requireAccount(id: string): MiddlewareHandler {
  return async (c, next) => {
    const requested = c.req.param('account') ?? '';
    if (requested !== id) throw unknownAccount(requested);
    await next();
  };
}
