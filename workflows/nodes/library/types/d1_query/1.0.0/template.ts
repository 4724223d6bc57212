import { NonRetryableError } from "cloudflare:workflows";

const READ = /^\s*(select|values|explain|with)\b/i;
const WRITE = /\b(insert|update|delete|replace)\b/i;

/** Errors of the statement itself, which it would cause again. */
const OF_THE_STATEMENT = /SQLITE_(ERROR|CONSTRAINT|MISMATCH|RANGE|TOOBIG|AUTH)|wrong number of parameter|type '\w+' not supported/i;

export default async function (ctx: NodeContext) {
  const { binding, sql, retryWrites } = ctx.config;
  const params = values(ctx.config.params);
  try {
    const { results, meta } = await binding.prepare(sql).bind(...params).all();
    return {
      rows: results,
      changes: meta.changes ?? 0,
      lastRowId: meta.changes ? (meta.last_row_id ?? null) : null,
    };
  } catch (error: any) {
    const message = String(error?.message ?? error);
    if (OF_THE_STATEMENT.test(message)) throw new NonRetryableError(message);
    const isRead = READ.test(sql) && !WRITE.test(sql);
    if (isRead || retryWrites) throw error;
    throw new NonRetryableError(
      `${message}. The statement may have been executed, so it is not repeated: see the setting "Repeat writes".`,
    );
  }
}

function values(params: unknown): unknown[] {
  if (params === undefined || params === null) return [];
  if (!Array.isArray(params)) throw new NonRetryableError("The parameters must be a list.");
  return params.map((value) => {
    if (value === undefined) return null;
    return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
  });
}
