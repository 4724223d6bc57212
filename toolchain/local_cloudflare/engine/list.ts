// A page of a Workflow's instances.

import { newestFirst, type Row } from './instance_index.ts';

export interface Filter {
  status?: string;
  from?: number;
  to?: number;
}

export interface Wanted extends Filter {
  isAscending: boolean;
  perPage: number;
  page: number;
  cursor?: string;
}

export interface Page {
  rows: Row[];
  page: number;
  total: number;
  /** Where the next page begins; there is none after the last. */
  cursor?: string;
}

/** A cursor names the place after a row, which is found also when the row is gone. */
export function pageOf(all: readonly Row[], wanted: Wanted): Page {
  const matching = all.filter((row) => matches(row, wanted));
  if (wanted.isAscending) matching.reverse();
  const from = wanted.cursor ? after(matching, wanted, wanted.cursor) : (wanted.page - 1) * wanted.perPage;
  const rows = matching.slice(from, from + wanted.perPage);
  const last = rows.at(-1);
  const hasMore = last !== undefined && from + wanted.perPage < matching.length;
  return {
    rows,
    page: Math.floor(from / wanted.perPage) + 1,
    total: matching.length,
    ...(hasMore && { cursor: toCursor(last) }),
  };
}

export function matches(row: Row, { status, from, to }: Filter): boolean {
  const created = Date.parse(row.createdOn);
  return (
    (status === undefined || row.status === status) &&
    (from === undefined || created >= from) &&
    (to === undefined || created <= to)
  );
}

function after(rows: Row[], { isAscending }: Wanted, cursor: string): number {
  const place = fromCursor(cursor);
  const isPast = (row: Row) => newestFirst(row, place) > 0 !== isAscending && row.id !== place.id;
  const found = rows.findIndex(isPast);
  return found < 0 ? rows.length : found;
}

const toCursor = ({ createdOn, id }: Row): string => Buffer.from(`${createdOn}|${id}`).toString('base64url');

function fromCursor(cursor: string): Row {
  const [createdOn = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('|', 2);
  return { createdOn, id } as Row;
}
