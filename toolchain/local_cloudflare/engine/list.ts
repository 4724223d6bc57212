// Filters and pages of a Workflow's list of instances.

import { newestFirst, type Row } from './instance_index.ts';

export interface Filter {
  status?: string;
  from?: number;
  to?: number;
}

export interface ListQuery extends Filter {
  isAscending: boolean;
  perPage: number;
  page: number;
  cursor?: string;
}

export interface Page {
  rows: Row[];
  page: number;
  total: number;
  /** Where the next page starts; undefined on the last page. */
  cursor?: string;
}

/** A cursor is a position after a row; it stays valid if the row is deleted. */
export function pageOf(all: readonly Row[], query: ListQuery): Page {
  const matching = all.filter((row) => matches(row, query));
  if (query.isAscending) matching.reverse();
  const from = query.cursor ? indexAfter(matching, query, query.cursor) : (query.page - 1) * query.perPage;
  const rows = matching.slice(from, from + query.perPage);
  const last = rows.at(-1);
  const hasMore = last !== undefined && from + query.perPage < matching.length;
  return {
    rows,
    page: Math.floor(from / query.perPage) + 1,
    total: matching.length,
    ...(hasMore && { cursor: toCursor(last) }),
  };
}

function matches(row: Row, { status, from, to }: Filter): boolean {
  const created = Date.parse(row.createdOn);
  return (
    (status === undefined || row.status === status) &&
    (from === undefined || created >= from) &&
    (to === undefined || created <= to)
  );
}

function indexAfter(rows: Row[], { isAscending }: ListQuery, cursor: string): number {
  const position = fromCursor(cursor);
  const isAfter = (row: Row) => newestFirst(row, position) > 0 !== isAscending && row.id !== position.id;
  const index = rows.findIndex(isAfter);
  return index < 0 ? rows.length : index;
}

const toCursor = ({ createdOn, id }: Row): string => Buffer.from(`${createdOn}|${id}`).toString('base64url');

function fromCursor(cursor: string): Row {
  const [createdOn = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('|', 2);
  return { createdOn, id } as Row;
}
