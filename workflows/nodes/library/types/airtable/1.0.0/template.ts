import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { action } = ctx.config;
  if (action === "List Records") return { id: null, fields: null, data: { records: await list(ctx) } };
  const data = await request(ctx, call(ctx.config));
  const record = action === "Create or Update Record" ? data.records[0] : data;
  return { id: record.id, fields: record.fields, data };
}

async function list(ctx: NodeContext): Promise<any[]> {
  const { filterFormula, view, maxRecords } = ctx.config;
  const query = { filterByFormula: filterFormula, view, maxRecords, pageSize: Math.min(maxRecords, 100) };
  const records: any[] = [];
  let offset: string | undefined;
  do {
    const page = await request(ctx, { query: { ...query, offset } });
    records.push(...page.records);
    offset = page.offset;
  } while (offset && records.length < maxRecords);
  return records;
}

async function request(ctx: NodeContext, { record = "", ...call }: Record<string, any>): Promise<any> {
  const { baseId, tableId, apiKey } = ctx.config;
  const path = [baseId, tableId, record].filter(Boolean).map(encodeURIComponent).join("/");
  return ctx.request({
    service: "Airtable",
    url: `https://api.airtable.com/v0/${path}`,
    headers: { authorization: `Bearer ${apiKey}` },
    reason: ({ error, errors }) => {
      const { message, type } = errors?.[0] ?? error;
      return message ? [message, type && `(${type})`].filter(Boolean).join(" ") : error;
    },
    ...call,
  });
}

function call(config: NodeContext["config"]): Record<string, any> {
  const { fields, typecast, recordId } = config;
  switch (config.action) {
    case "Create Record":
      return { method: "POST", json: { fields, typecast } };
    case "Update Record":
      return { record: recordId, method: "PATCH", json: { fields, typecast }, repeatable: true };
    case "Create or Update Record": {
      const json = { performUpsert: { fieldsToMergeOn: names(config.mergeOn) }, records: [{ fields }], typecast };
      return { method: "PATCH", json, repeatable: true };
    }
  }
  return { record: recordId };
}

function names(list: string): string[] {
  const found = list.split(",").map((name) => name.trim());
  if (found.every(Boolean)) return found;
  throw new NonRetryableError(`A name of a field to merge on is missing: ${list}`);
}
