// The filters of a listener: it receives the events that pass all of them.

import type { TraceEvent } from './trace.ts';

export interface Filter {
  sampling_rate?: number;
  outcome?: string[];
  method?: string[];
  header?: { key: string; query?: string };
  query?: string;
  scriptVersion?: string;
}

interface Request {
  method?: string;
  headers?: Record<string, string>;
}

export function matches(filters: Filter[], event: TraceEvent): boolean {
  return filters.every((filter) => passes(filter, event));
}

function passes(filter: Filter, event: TraceEvent): boolean {
  const request = event.event?.request as Request | undefined;
  const { sampling_rate, outcome, method, header, query, scriptVersion } = filter;
  return (
    (sampling_rate === undefined || Math.random() < sampling_rate) &&
    (outcome === undefined || outcome.includes(event.outcome)) &&
    (method === undefined || method.some((name) => name.toUpperCase() === request?.method)) &&
    (header === undefined || hasHeader(request?.headers ?? {}, header)) &&
    (query === undefined || JSON.stringify(event.logs.map(({ message }) => message)).includes(query)) &&
    (scriptVersion === undefined || (event.scriptVersion as { id?: string })?.id === scriptVersion)
  );
}

function hasHeader(
  headers: Record<string, string>,
  { key, query }: { key: string; query?: string },
): boolean {
  const value = headers[key.toLowerCase()];
  return value !== undefined && (query === undefined || value.includes(query));
}
