// The DNS records of zones.

import { type Context, Hono } from 'hono';
import {
  hostHasRecord,
  identicalRecord,
  invalidRecord,
  noSuchRecord,
  readOnlyRecord,
} from '../../http/errors.ts';
import { isText, shown } from '../../http/names.ts';
import { readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import { newHexId, now } from '../../state/new_records.ts';
import type { DnsRecord, Zone } from '../../state/records.ts';
import { isInZone } from '../../state/zones.ts';
import type { Platform } from '../context/platform.ts';
import { getZone } from './zones.ts';

const PATH = '/zones/:zone/dns_records';
const ITEM = `${PATH}/:record`;
/** A host can have one CNAME, or any number of the others. */
const ADDRESSES = ['A', 'AAAA', 'CNAME'];
const TYPE = /^[A-Z]+$/;

export function records(platform: Platform): Hono {
  const { zones } = platform.account;
  return new Hono()
    .get(PATH, (c) => okPage(c, matching(platform, c), serialize, 100))
    .post(PATH, async (c) => {
      const record = await read(c, getZone(platform, c), { id: newHexId(), created_on: now() });
      checkConflicts(platform, record);
      zones.records.add(record);
      return ok(c, serialize(record));
    })
    .get(ITEM, (c) => ok(c, serialize(getRecord(platform, c))))
    .put(ITEM, async (c) => {
      const { id, created_on } = writable(getRecord(platform, c));
      return ok(c, serialize(replace(platform, await read(c, getZone(platform, c), { id, created_on }))));
    })
    .patch(ITEM, async (c) => {
      const before = writable(getRecord(platform, c));
      return ok(c, serialize(replace(platform, await read(c, getZone(platform, c), before))));
    })
    .delete(ITEM, (c) => {
      const { id } = writable(getRecord(platform, c));
      zones.records.delete(id);
      return ok(c, { id });
    });
}

function getRecord(platform: Platform, c: Context): DnsRecord {
  const zone = getZone(platform, c);
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

type Existing = Partial<DnsRecord> & Pick<DnsRecord, 'id' | 'created_on'>;

async function read(c: Context, zone: Zone, existing: Existing): Promise<DnsRecord> {
  const fields = { ...existing, ...(await readObject<DnsRecord>(c)) };
  const { type = '', content, data, ttl = 1, proxied = false, comment = null, tags = [], priority } = fields;
  if (!TYPE.test(type)) throw invalidRecord(`"${type}" is not a record type`);
  if (!fields.name) throw invalidRecord('the record has no name');
  if (!isText(fields.name)) throw invalidRecord(`${shown(fields.name)} is not a name`);
  if (content === undefined && data === undefined) throw invalidRecord('the record has no content');
  return {
    id: existing.id,
    zone_id: zone.id,
    type,
    name: fullName(fields.name, zone),
    content: content ?? JSON.stringify(data),
    proxied,
    ttl,
    comment,
    tags,
    created_on: existing.created_on,
    modified_on: now(),
    ...(priority !== undefined && { priority }),
    ...(data !== undefined && { data }),
  };
}

/** A name can be given without the zone's, and `@` means the zone itself. */
function fullName(given: string, zone: Zone): string {
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
  const isExclusive = ({ type, worker }: DnsRecord) => type === 'CNAME' || worker !== undefined;
  const clashes = (other: DnsRecord) => isAddress(other) && (isExclusive(other) || isExclusive(record));
  if (isAddress(record) && others.some(clashes)) throw hostHasRecord();
}

type Query = Record<string, string>;

/** The SDK sends `name={"exact": …}` as `name.exact`. */
function matchesQuery(record: DnsRecord, query: Query): boolean {
  const { type, proxied } = query;
  return (
    (type === undefined || record.type === type) &&
    (proxied === undefined || record.proxied === (proxied === 'true')) &&
    (['name', 'content'] as const).every((field) => matchesText(record[field], field, query))
  );
}

function matchesText(value: string, field: string, query: Query): boolean {
  const operand = (operator: string) => query[`${field}.${operator}`]?.toLowerCase();
  const [text, exact] = [value.toLowerCase(), query[field]?.toLowerCase() ?? operand('exact')];
  return (
    (exact === undefined || text === exact) &&
    text.includes(operand('contains') ?? '') &&
    text.startsWith(operand('startswith') ?? '') &&
    text.endsWith(operand('endswith') ?? '')
  );
}

function matching(platform: Platform, c: Context): DnsRecord[] {
  const zone = getZone(platform, c);
  return platform.account.zones.records
    .all()
    .filter((record) => record.zone_id === zone.id && matchesQuery(record, c.req.query()));
}

function serialize({ zone_id: _, worker, ...record }: DnsRecord): object {
  const meta = worker === undefined ? {} : { read_only: true, origin_worker_id: worker };
  return { ...record, proxiable: isAddress({ ...record, zone_id: '' }), settings: {}, meta };
}
