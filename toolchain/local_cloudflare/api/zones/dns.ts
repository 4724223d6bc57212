import { type Context, Hono } from 'hono';
import {
  hostHasRecord,
  identicalRecord,
  invalidRecord,
  noSuchRecord,
  readOnlyRecord,
} from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok, paged } from '../../http/responses.ts';
import { newHexId, now } from '../../state/new_records.ts';
import type { DnsRecord, Zone } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import type { Platform } from '../context/platform.ts';
import { zoneOf } from './zones.ts';

const PATH = '/zones/:zone/dns_records';
const ONE = `${PATH}/:record`;
/** Of which a host has either one CNAME, or any number of the others. */
const ADDRESSES = ['A', 'AAAA', 'CNAME'];
const TYPE = /^[A-Z]+$/;

export function records(platform: Platform): Hono {
  const { zones } = platform.account;
  return new Hono()
    .get(PATH, (c) => {
      const { items, info } = paged(c, filtered(platform, c), 100);
      return ok(c, items.map(shown), info);
    })
    .post(PATH, async (c) => {
      const record = await read(c, zoneOf(platform, c), { id: newHexId(), created_on: now() });
      checkConflicts(platform, record);
      zones.records.add(record);
      return ok(c, shown(record));
    })
    .get(ONE, (c) => ok(c, shown(recordOf(platform, c))))
    .put(ONE, async (c) => {
      const { id, created_on } = writable(recordOf(platform, c));
      return ok(c, shown(replace(platform, await read(c, zoneOf(platform, c), { id, created_on }))));
    })
    .patch(ONE, async (c) => {
      const before = writable(recordOf(platform, c));
      return ok(c, shown(replace(platform, await read(c, zoneOf(platform, c), before))));
    })
    .delete(ONE, (c) => {
      const { id } = writable(recordOf(platform, c));
      zones.records.drop(id);
      return ok(c, { id });
    });
}

function recordOf(platform: Platform, c: Context): DnsRecord {
  const zone = zoneOf(platform, c);
  const record = platform.account.zones.records.get(c.req.param('record') ?? '');
  if (record?.zone_id !== zone.id) throw noSuchRecord();
  return record;
}

function writable(record: DnsRecord): DnsRecord {
  if (record.worker !== undefined) throw readOnlyRecord(record.worker);
  return record;
}

function replace(platform: Platform, record: DnsRecord): DnsRecord {
  checkConflicts(platform, record);
  platform.account.zones.records.replace(record);
  return record;
}

type Kept = Partial<DnsRecord> & Pick<DnsRecord, 'id' | 'created_on'>;

async function read(c: Context, zone: Zone, kept: Kept): Promise<DnsRecord> {
  const wanted = { ...kept, ...(await bodyOf<DnsRecord>(c)) };
  const { type = '', content, data, ttl = 1, proxied = false, comment = null, tags = [], priority } = wanted;
  if (!TYPE.test(type)) throw invalidRecord(`"${type}" is not a type of record`);
  if (!wanted.name) throw invalidRecord('the record has no name');
  if (content === undefined && data === undefined) throw invalidRecord('the record has no content');
  return {
    id: kept.id,
    zone_id: zone.id,
    type,
    name: wholeName(wanted.name, zone),
    content: content ?? JSON.stringify(data),
    proxied,
    ttl,
    comment,
    tags,
    created_on: kept.created_on,
    modified_on: now(),
    ...(priority !== undefined && { priority }),
    ...(data !== undefined && { data }),
  };
}

/** A name may be given without its zone's, and `@` is the zone itself. */
function wholeName(given: string, zone: Zone): string {
  const name = given.toLowerCase().replace(/\.$/, '');
  if (name === '@') return zone.name;
  return isInZone(name, zone) ? name : `${name}.${zone.name}`;
}

export const isAddress = ({ type }: DnsRecord): boolean => ADDRESSES.includes(type);

function checkConflicts({ account }: Platform, record: DnsRecord): void {
  const others = account.zones.records
    .all()
    .filter(
      ({ id, zone_id, name }) => id !== record.id && zone_id === record.zone_id && name === record.name,
    );
  if (others.some(({ type, content }) => type === record.type && content === record.content))
    throw identicalRecord();
  const isAlone = ({ type, worker }: DnsRecord) => type === 'CNAME' || worker !== undefined;
  const clashes = (other: DnsRecord) => isAddress(other) && (isAlone(other) || isAlone(record));
  if (isAddress(record) && others.some(clashes)) throw hostHasRecord();
}

type Query = Record<string, string>;

/** What the SDK sends as `name={"exact": …}` comes as `name.exact`. */
function isWanted(record: DnsRecord, query: Query): boolean {
  const { type, proxied } = query;
  return (
    (type === undefined || record.type === type) &&
    (proxied === undefined || record.proxied === (proxied === 'true')) &&
    (['name', 'content'] as const).every((field) => holdsText(record[field], field, query))
  );
}

function holdsText(value: string, field: string, query: Query): boolean {
  const asked = (operator: string) => query[`${field}.${operator}`]?.toLowerCase();
  const [text, exact] = [value.toLowerCase(), query[field]?.toLowerCase() ?? asked('exact')];
  return (
    (exact === undefined || text === exact) &&
    text.includes(asked('contains') ?? '') &&
    text.startsWith(asked('startswith') ?? '') &&
    text.endsWith(asked('endswith') ?? '')
  );
}

function filtered(platform: Platform, c: Context): DnsRecord[] {
  const zone = zoneOf(platform, c);
  return platform.account.zones.records
    .all()
    .filter((record) => record.zone_id === zone.id && isWanted(record, c.req.query()));
}

function shown({ zone_id: _, worker, ...record }: DnsRecord): object {
  const meta = worker === undefined ? {} : { read_only: true, origin_worker_id: worker };
  return { ...record, proxiable: isAddress({ ...record, zone_id: '' }), settings: {}, meta };
}
