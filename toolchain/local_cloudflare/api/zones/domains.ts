// Custom domains: a Worker serves all URLs of the host. wrangler first asks what would change, then publishes.

import { type Context, Hono } from 'hono';
import { hostHasDns, hostInUse, invalidBody, noSuchDomain, noSuchZone } from '../../http/errors.ts';
import { checkObjects, readObject, readObjects } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { newHexId, now } from '../../state/new_records.ts';
import type { DnsRecord, Domain } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import { getWorker, type Platform } from '../context/platform.ts';
import { isAddress } from './dns.ts';

const PATH = '/workers/domains';
const WORKER = '/workers/scripts/:name/domains';

interface DomainBody {
  hostname: string;
  service: string;
  zone_id?: string;
  zone_name?: string;
  enabled?: boolean;
  previews_enabled?: boolean;
}

interface PublishBody {
  origins: DomainBody[];
  override_scope: boolean;
  override_existing_origin: boolean;
}

export function domains(platform: Platform): Hono {
  const toJson = (domain: Domain) => serialize(platform, domain);
  return new Hono()
    .get(PATH, (c) => ok(c, matching(platform, c).map(toJson)))
    .put(PATH, async (c) => {
      const domain = read(platform, await readObject<DomainBody>(c));
      check(platform, domain, false);
      return ok(c, toJson(attach(platform, domain)));
    })
    .get(`${PATH}/records`, (c) => ok(c, matching(platform, c).map(toJson)))
    .get(`${PATH}/records/:id`, (c) => ok(c, toJson(getDomain(platform, c))))
    .get(`${PATH}/:id`, (c) => ok(c, toJson(getDomain(platform, c))))
    .delete(`${PATH}/:id`, (c) => {
      platform.account.zones.deleteDomain(getDomain(platform, c));
      return ok(c, null);
    })
    .post(`${WORKER}/changeset`, async (c) => ok(c, changeset(platform, await readAll(platform, c), c)))
    .put(`${WORKER}/records`, async (c) => ok(c, (await publish(platform, c)).map(toJson)));
}

function getDomain({ account }: Platform, c: Context): Domain {
  const id = c.req.param('id') ?? '';
  const domain = account.zones.domains.get(id);
  if (!domain) throw noSuchDomain(id);
  return domain;
}

function matching(platform: Platform, c: Context): Domain[] {
  const filters = Object.entries(c.req.query()).filter(([name]) => FILTERS.includes(name));
  const matches = (domain: Domain) => {
    const fields: Record<string, unknown> = { ...serialize(platform, domain) };
    return filters.every(([name, value]) => fields[name] === value);
  };
  return platform.account.zones.domains.all().filter(matches);
}

const FILTERS = ['hostname', 'service', 'zone_id', 'zone_name', 'environment'];

/** The domain to attach; it keeps the id of the one that already has this host. */
function read(platform: Platform, body: Partial<DomainBody>): Domain {
  const { zones } = platform.account;
  const { service = '', zone_id, zone_name } = body;
  const hostname = String(body.hostname ?? '').toLowerCase();
  getWorker(platform, service);
  const zone = zones.find(hostname, { zone_id, zone_name });
  if (!zone) throw noSuchZone(zone_id ?? zone_name ?? hostname);
  if (!isInZone(hostname, zone)) throw invalidBody(`${hostname} is not in the zone ${zone.name}`);
  const before = atHost(platform, hostname);
  return {
    id: before?.id ?? newHexId(),
    zone_id: zone.id,
    hostname,
    service,
    cert_id: before?.cert_id ?? newHexId(),
    enabled: body.enabled ?? before?.enabled ?? true,
    previews_enabled: body.previews_enabled ?? before?.previews_enabled ?? false,
  };
}

async function readAll(platform: Platform, c: Context): Promise<Domain[]> {
  const origins = await readObjects<DomainBody>(c, 'the custom domains');
  return origins.map((origin) => read(platform, { ...origin, service: c.req.param('name') ?? '' }));
}

const atHost = ({ account }: Platform, hostname: string): Domain | undefined =>
  account.zones.domains.all().find((domain) => domain.hostname === hostname);

/** Address records that belong to no custom domain; not even `override_existing_dns_record` replaces them. */
function foreignRecords({ account }: Platform, hostname: string): DnsRecord[] {
  return account.zones.records
    .all()
    .filter((record) => record.name === hostname && record.worker === undefined && isAddress(record));
}

function changeset(platform: Platform, requested: Domain[], c: Context): object {
  const hosts = requested.map(({ hostname }) => hostname);
  const existing = platform.account.zones.domains
    .all()
    .filter(({ service }) => service === c.req.param('name'));
  const dropped = c.req.query('replace_state') === 'true' ? existing : [];
  const clashes = ({ hostname }: Domain) => foreignRecords(platform, hostname).length > 0;
  const isKnown = ({ hostname }: Domain) => atHost(platform, hostname) !== undefined;
  const toJson = (domain: Domain) => serialize(platform, domain);
  return {
    added: requested.filter((domain) => !isKnown(domain) && !clashes(domain)).map(toJson),
    removed: dropped.filter(({ hostname }) => !hosts.includes(hostname)).map(toJson),
    updated: requested
      .filter(isKnown)
      .map((domain) => ({ ...toJson(domain), modified: isModified(platform, domain) })),
    conflicting: requested.filter(clashes).map(toJson),
  };
}

function isModified(platform: Platform, requested: Domain): boolean {
  const before = atHost(platform, requested.hostname);
  return (['service', 'enabled', 'previews_enabled'] as const).some(
    (name) => before?.[name] !== requested[name],
  );
}

function check(platform: Platform, { hostname, service }: Domain, mayMove: boolean): void {
  const before = atHost(platform, hostname);
  if (before && before.service !== service && !mayMove) throw hostInUse(hostname, before.service);
  if (foreignRecords(platform, hostname).length > 0) throw hostHasDns(hostname);
}

/** Like Cloudflare, add a proxied DNS record with an address that discards traffic. */
function attach({ account: { zones } }: Platform, domain: Domain): Domain {
  const before = zones.domains.get(domain.id);
  if (before) zones.deleteDomain(before);
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
    origins,
    override_scope,
    override_existing_origin: mayMove = false,
  } = await readObject<PublishBody>(c);
  const requested = checkObjects<DomainBody>(origins ?? [], 'origins').map((origin) =>
    read(platform, { ...origin, service }),
  );
  for (const domain of requested) check(platform, domain, mayMove);
  const hosts = requested.map(({ hostname }) => hostname);
  const isRemoved = (domain: Domain) => domain.service === service && !hosts.includes(domain.hostname);
  if (override_scope) for (const domain of zones.domains.all().filter(isRemoved)) zones.deleteDomain(domain);
  return requested.map((domain) => attach(platform, domain));
}

function serialize({ account }: Platform, domain: Domain): object {
  const zone_name = account.zones.all.get(domain.zone_id)?.name ?? '';
  return { ...domain, zone_name, environment: 'production' };
}
