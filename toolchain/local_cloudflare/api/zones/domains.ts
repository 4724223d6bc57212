import { type Context, Hono } from 'hono';
import { hostHasDns, hostInUse, invalidBody, noSuchDomain, noSuchZone } from '../../http/errors.ts';
import { bodyOf, listOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { newHexId, now } from '../../state/new_records.ts';
import type { DnsRecord, Domain } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import { type Platform, workerOf } from '../context/platform.ts';
import { isAddress } from './dns.ts';

const PATH = '/workers/domains';
const WORKER = '/workers/scripts/:name/domains';

interface Wanted {
  hostname: string;
  service: string;
  zone_id?: string;
  zone_name?: string;
  enabled?: boolean;
  previews_enabled?: boolean;
}

interface Publishing {
  origins: Wanted[];
  override_scope: boolean;
  override_existing_origin: boolean;
}

/** Hosts that are a Worker's whole. wrangler asks first what would change, and then says what is to be. */
export function domains(platform: Platform): Hono {
  const shown = (domain: Domain) => describe(platform, domain);
  return new Hono()
    .get(PATH, (c) => ok(c, listed(platform, c).map(shown)))
    .put(PATH, async (c) => {
      const wanted = read(platform, await bodyOf<Wanted>(c));
      check(platform, wanted, false);
      return ok(c, shown(attach(platform, wanted)));
    })
    .get(`${PATH}/records`, (c) => ok(c, listed(platform, c).map(shown)))
    .get(`${PATH}/records/:id`, (c) => ok(c, shown(domainOf(platform, c))))
    .get(`${PATH}/:id`, (c) => ok(c, shown(domainOf(platform, c))))
    .delete(`${PATH}/:id`, (c) => {
      platform.account.zones.dropDomain(domainOf(platform, c));
      return ok(c, null);
    })
    .post(`${WORKER}/changeset`, async (c) => ok(c, changeset(platform, await readAll(platform, c), c)))
    .put(`${WORKER}/records`, async (c) => ok(c, (await publish(platform, c)).map(shown)));
}

function domainOf({ account }: Platform, c: Context): Domain {
  const id = c.req.param('id') ?? '';
  const domain = account.zones.domains.get(id);
  if (!domain) throw noSuchDomain(id);
  return domain;
}

function listed(platform: Platform, c: Context): Domain[] {
  const asked = Object.entries(c.req.query()).filter(([name]) => FILTERS.includes(name));
  const isWanted = (domain: Domain) => {
    const told: Record<string, unknown> = { ...describe(platform, domain) };
    return asked.every(([name, value]) => told[name] === value);
  };
  return platform.account.zones.domains.all().filter(isWanted);
}

const FILTERS = ['hostname', 'service', 'zone_id', 'zone_name', 'environment'];

/** What is to be attached, with the id of what stands at its host. */
function read(platform: Platform, wanted: Partial<Wanted>): Domain {
  const { zones } = platform.account;
  const { service = '', zone_id, zone_name } = wanted;
  const hostname = String(wanted.hostname ?? '').toLowerCase();
  workerOf(platform, service);
  const zone = zones.find(hostname, { zone_id, zone_name });
  if (!zone) throw noSuchZone(zone_id ?? zone_name ?? hostname);
  if (!isInZone(hostname, zone)) throw invalidBody(`${hostname} is not of the zone ${zone.name}`);
  const before = atHost(platform, hostname);
  return {
    id: before?.id ?? newHexId(),
    zone_id: zone.id,
    hostname,
    service,
    cert_id: before?.cert_id ?? newHexId(),
    enabled: wanted.enabled ?? before?.enabled ?? true,
    previews_enabled: wanted.previews_enabled ?? before?.previews_enabled ?? false,
  };
}

async function readAll(platform: Platform, c: Context): Promise<Domain[]> {
  const origins = await listOf<Wanted>(c, 'custom domains');
  return origins.map((origin) => read(platform, { ...origin, service: c.req.param('name') ?? '' }));
}

const atHost = ({ account }: Platform, hostname: string): Domain | undefined =>
  account.zones.domains.all().find((domain) => domain.hostname === hostname);

/** Records that nobody but their owner deletes: `override_existing_dns_record` does not reach them. */
function foreignRecords({ account }: Platform, hostname: string): DnsRecord[] {
  return account.zones.records
    .all()
    .filter((record) => record.name === hostname && record.worker === undefined && isAddress(record));
}

function changeset(platform: Platform, wanted: Domain[], c: Context): object {
  const hosts = wanted.map(({ hostname }) => hostname);
  const mine = platform.account.zones.domains.all().filter(({ service }) => service === c.req.param('name'));
  const dropped = c.req.query('replace_state') === 'true' ? mine : [];
  const clashes = ({ hostname }: Domain) => foreignRecords(platform, hostname).length > 0;
  const isKnown = ({ hostname }: Domain) => atHost(platform, hostname) !== undefined;
  const shown = (domain: Domain) => describe(platform, domain);
  return {
    added: wanted.filter((domain) => !isKnown(domain) && !clashes(domain)).map(shown),
    removed: dropped.filter(({ hostname }) => !hosts.includes(hostname)).map(shown),
    updated: wanted
      .filter(isKnown)
      .map((domain) => ({ ...shown(domain), modified: isModified(platform, domain) })),
    conflicting: wanted.filter(clashes).map(shown),
  };
}

function isModified(platform: Platform, wanted: Domain): boolean {
  const before = atHost(platform, wanted.hostname);
  return (['service', 'enabled', 'previews_enabled'] as const).some(
    (name) => before?.[name] !== wanted[name],
  );
}

function check(platform: Platform, { hostname, service }: Domain, mayMove: boolean): void {
  const before = atHost(platform, hostname);
  if (before && before.service !== service && !mayMove) throw hostInUse(hostname, before.service);
  if (foreignRecords(platform, hostname).length > 0) throw hostHasDns(hostname);
}

/** A proxied address that leads nowhere is what Cloudflare puts at the host. */
function attach({ account: { zones } }: Platform, domain: Domain): Domain {
  const before = zones.domains.get(domain.id);
  if (before) zones.dropDomain(before);
  zones.domains.add(domain);
  zones.records.add({
    id: newHexId(),
    zone_id: domain.zone_id,
    type: 'AAAA',
    name: domain.hostname,
    content: '100::',
    proxied: true,
    ttl: 1,
    comment: null,
    tags: [],
    created_on: now(),
    modified_on: now(),
    worker: domain.service,
  });
  return domain;
}

async function publish(platform: Platform, c: Context): Promise<Domain[]> {
  const { zones } = platform.account;
  const service = c.req.param('name') ?? '';
  const {
    origins = [],
    override_scope,
    override_existing_origin: mayMove = false,
  } = await bodyOf<Publishing>(c);
  const wanted = origins.map((origin) => read(platform, { ...origin, service }));
  for (const domain of wanted) check(platform, domain, mayMove);
  const hosts = wanted.map(({ hostname }) => hostname);
  const isLeft = (domain: Domain) => domain.service === service && !hosts.includes(domain.hostname);
  if (override_scope) for (const domain of zones.domains.all().filter(isLeft)) zones.dropDomain(domain);
  return wanted.map((domain) => attach(platform, domain));
}

function describe({ account }: Platform, domain: Domain): object {
  const zone_name = account.zones.all.get(domain.zone_id)?.name ?? '';
  return { ...domain, zone_name, environment: 'production' };
}
