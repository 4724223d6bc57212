// Worker routes: URL patterns of zones that Workers serve.

import { type Context, Hono } from 'hono';
import {
  invalidRoute,
  noSuchRoute,
  notAuthorized,
  routeExists,
  routeHasNoWorker,
} from '../../http/errors.ts';
import { checkObjects, readBody, readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { parsePattern } from '../../routing/routes.ts';
import { newHexId } from '../../state/new_records.ts';
import type { Route, Zone } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import { type Platform, requestedWorker } from '../context/platform.ts';
import { getZone } from './zones.ts';

const PATH = '/zones/:zone/workers/routes';
const ITEM = `${PATH}/:route`;

export function zoneRoutes(platform: Platform): Hono {
  const { routes } = platform.account.zones;
  return new Hono()
    .get(PATH, (c) => {
      const { id } = getZone(platform, c);
      const inZone = routes.all().filter(({ zone_id }) => zone_id === id);
      return ok(c, inZone.map(serialize));
    })
    .post(PATH, async (c) => {
      const route = checkRoute(platform, getZone(platform, c), await readObject<Route>(c));
      routes.add(route);
      return ok(c, serialize(route));
    })
    .get(ITEM, (c) => ok(c, serialize(getRoute(platform, c))))
    .put(ITEM, async (c) => {
      const { id } = getRoute(platform, c);
      const route = checkRoute(platform, getZone(platform, c), { ...(await readObject<Route>(c)), id });
      routes.replace(route);
      return ok(c, serialize(route));
    })
    .delete(ITEM, (c) => {
      const { id } = getRoute(platform, c);
      routes.delete(id);
      return ok(c, { id });
    });
}

/** A Worker's routes in all zones. Only a token for all zones can change them. */
export function workerRoutes(platform: Platform): Hono {
  const PATHS = '/workers/scripts/:name/routes';
  const { zones } = platform.account;
  const routesOf = (worker: string) => zones.routes.all().filter(({ script }) => script === worker);
  return new Hono()
    .get(PATHS, (c) => ok(c, routesOf(requestedWorker(platform, c).name).map(serialize)))
    .put(PATHS, async (c) => {
      if (c.get('token').zones) throw notAuthorized();
      const { name } = requestedWorker(platform, c);
      const replacement = readAll(platform, name, await readBody(c));
      zones.routes.retain(({ script }) => script !== name);
      for (const route of replacement) zones.routes.add(route);
      return ok(
        c,
        replacement.map(({ pattern }) => pattern),
      );
    })
    .get('/workers/services/:name/environments/:environment/routes', (c) => {
      const zoneName = ({ zone_id }: Route) => zones.all.get(zone_id)?.name;
      const routes = routesOf(requestedWorker(platform, c).name);
      return ok(
        c,
        routes.map((route) => ({ ...serialize(route), zone_name: zoneName(route) })),
      );
    });
}

interface RouteBody {
  pattern: string;
  zone_id?: string;
  zone_name?: string;
}

function readAll(platform: Platform, script: string, value: unknown): Route[] {
  const existing = platform.account.zones.routes.all().filter((route) => route.script === script);
  return checkObjects<RouteBody>(value, 'the routes').map(({ pattern = '', ...zoneQuery }) => {
    const zone = findZone(platform, pattern, zoneQuery);
    const id = existing.find((route) => route.pattern === pattern && route.zone_id === zone.id)?.id;
    return checkRoute(platform, zone, { pattern, script, id });
  });
}

function findZone(
  { account: { zones } }: Platform,
  pattern: string,
  zoneQuery: Omit<RouteBody, 'pattern'>,
): Zone {
  const zone = zones.find(parsePattern(pattern)?.host ?? '', zoneQuery);
  if (!zone) throw invalidRoute(`Could not find the zone of the route "${pattern}" in this account`);
  return zone;
}

function getRoute(platform: Platform, c: Context): Route {
  const zone = getZone(platform, c);
  const id = c.req.param('route') ?? '';
  const route = platform.account.zones.routes.get(id);
  if (route?.zone_id !== zone.id) throw noSuchRoute(id);
  return route;
}

function checkRoute({ account }: Platform, zone: Zone, fields: Partial<Route>): Route {
  const { id = newHexId(), pattern = '', script = null } = fields;
  const parsed = parsePattern(pattern);
  if (!parsed) throw invalidRoute(`"${pattern}" is not a valid route pattern`);
  if (!isInZone(parsed.host, zone))
    throw invalidRoute(`The pattern "${pattern}" is not in the zone ${zone.name}`);
  if (script !== null && !account.workers.has(script)) throw routeHasNoWorker(script);
  const isSame = (other: Route) => other.zone_id === zone.id && other.pattern === pattern && other.id !== id;
  if (account.zones.routes.all().some(isSame)) throw routeExists(pattern);
  return { id, zone_id: zone.id, pattern, script };
}

const serialize = ({ zone_id: _, script, ...route }: Route): object => ({
  ...route,
  ...(script && { script }),
});
