import { type Context, Hono } from 'hono';
import {
  invalidRoute,
  noSuchRoute,
  notAuthorized,
  routeExists,
  routeHasNoWorker,
} from '../../http/errors.ts';
import { bodyOf, jsonOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { parsePattern } from '../../routing/routes.ts';
import { newHexId } from '../../state/new_records.ts';
import type { Route, Zone } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import { type Platform, workerOf } from '../context/platform.ts';
import { zoneOf } from './zones.ts';

const PATH = '/zones/:zone/workers/routes';
const ONE = `${PATH}/:route`;

export function zoneRoutes(platform: Platform): Hono {
  const { routes } = platform.account.zones;
  return new Hono()
    .get(PATH, (c) => {
      const { id } = zoneOf(platform, c);
      const mine = routes.all().filter(({ zone_id }) => zone_id === id);
      return ok(c, mine.map(shown));
    })
    .post(PATH, async (c) => {
      const route = checked(platform, zoneOf(platform, c), await bodyOf<Route>(c));
      routes.add(route);
      return ok(c, shown(route));
    })
    .get(ONE, (c) => ok(c, shown(routeOf(platform, c))))
    .put(ONE, async (c) => {
      const { id } = routeOf(platform, c);
      const route = checked(platform, zoneOf(platform, c), { ...(await bodyOf<Route>(c)), id });
      routes.replace(route);
      return ok(c, shown(route));
    })
    .delete(ONE, (c) => {
      const { id } = routeOf(platform, c);
      routes.drop(id);
      return ok(c, { id });
    });
}

/** A Worker's routes in all zones, which only a token for all zones may set. */
export function workerRoutes(platform: Platform): Hono {
  const PATHS = '/workers/scripts/:name/routes';
  const { zones } = platform.account;
  const of = (worker: string) => zones.routes.all().filter(({ script }) => script === worker);
  return new Hono()
    .get(PATHS, (c) => ok(c, of(workerOf(platform, c.req.param('name')).name).map(shown)))
    .put(PATHS, async (c) => {
      if (c.get('token').zones) throw notAuthorized();
      const { name } = workerOf(platform, c.req.param('name'));
      const wanted = readAll(platform, name, await jsonOf(c));
      zones.routes.keepOnly(({ script }) => script !== name);
      for (const route of wanted) zones.routes.add(route);
      return ok(
        c,
        wanted.map(({ pattern }) => pattern),
      );
    })
    .get('/workers/services/:name/environments/:environment/routes', (c) => {
      const zoneName = ({ zone_id }: Route) => zones.all.get(zone_id)?.name;
      const mine = of(workerOf(platform, c.req.param('name')).name);
      return ok(
        c,
        mine.map((route) => ({ ...shown(route), zone_name: zoneName(route) })),
      );
    });
}

interface Wanted {
  pattern: string;
  zone_id?: string;
  zone_name?: string;
}

function readAll(platform: Platform, script: string, value: unknown): Route[] {
  if (!Array.isArray(value)) throw invalidRoute('the body is not a list of routes');
  const mine = platform.account.zones.routes.all().filter((route) => route.script === script);
  return value.map(({ pattern, ...where }: Wanted) => {
    const zone = zoneFor(platform, pattern, where);
    const id = mine.find((route) => route.pattern === pattern && route.zone_id === zone.id)?.id;
    return checked(platform, zone, { pattern, script, id });
  });
}

function zoneFor({ account: { zones } }: Platform, pattern: string, where: Omit<Wanted, 'pattern'>): Zone {
  const zone = zones.find(parsePattern(pattern)?.host ?? '', where);
  if (!zone) throw invalidRoute(`Could not find the zone of the route "${pattern}" in this account`);
  return zone;
}

function routeOf(platform: Platform, c: Context): Route {
  const zone = zoneOf(platform, c);
  const id = c.req.param('route') ?? '';
  const route = platform.account.zones.routes.get(id);
  if (route?.zone_id !== zone.id) throw noSuchRoute(id);
  return route;
}

function checked({ account }: Platform, zone: Zone, wanted: Partial<Route>): Route {
  const { id = newHexId(), pattern = '', script = null } = wanted;
  const parsed = parsePattern(pattern);
  if (!parsed) throw invalidRoute(`"${pattern}" is not the pattern of a route`);
  if (!isInZone(parsed.host, zone))
    throw invalidRoute(`The pattern "${pattern}" is not of the zone ${zone.name}`);
  if (script !== null && !account.workers.has(script)) throw routeHasNoWorker(script);
  const isSame = (other: Route) => other.zone_id === zone.id && other.pattern === pattern && other.id !== id;
  if (account.zones.routes.all().some(isSame)) throw routeExists(pattern);
  return { id, zone_id: zone.id, pattern, script };
}

const shown = ({ zone_id: _, script, ...route }: Route): object => ({ ...route, ...(script && { script }) });
