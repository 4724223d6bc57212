import { NonRetryableError } from "cloudflare:workflows";

const MAX_PARAGRAPHS = 100;
const MAX_TEXT = 2000;

export default async function (ctx: NodeContext) {
  const { action, databaseId, dataSourceId, pageId } = ctx.config;
  if (action === "Query Database") return { id: dataSourceId || databaseId, url: null, data: await query(ctx) };
  const data = await request(ctx, call(ctx.config));
  if (action === "Append Content") return { id: pageId, url: null, data };
  return { id: data.id, url: data.url ?? null, data };
}

async function query(ctx: NodeContext): Promise<any> {
  const { databaseId, dataSourceId, filter, sorts, maxResults } = ctx.config;
  const source = dataSourceId ? `data_sources/${encodeURIComponent(dataSourceId)}` : `databases/${encodeURIComponent(databaseId)}`;
  const results: any[] = [];
  let page: any = { next_cursor: undefined };
  do {
    const page_size = Math.min(maxResults - results.length, 100);
    const json = { filter, sorts, page_size, start_cursor: page.next_cursor };
    page = await request(ctx, { path: `${source}/query`, method: "POST", json, repeatable: true });
    results.push(...page.results);
  } while (page.has_more && results.length < maxResults);
  return { ...page, results };
}

async function request(ctx: NodeContext, { path, ...call }: Record<string, any>): Promise<any> {
  const { apiKey, dataSourceId } = ctx.config;
  return ctx.request({
    service: "Notion",
    url: `https://api.notion.com/v1/${path}`,
    // only the newer version has data sources; only the older one finds the data source of a database
    headers: { authorization: `Bearer ${apiKey}`, "notion-version": dataSourceId ? "2025-09-03" : "2022-06-28" },
    temporary: [409], // another change has prevented this one
    reason: ({ message, code }) => (code ? `${message} (${code})` : message),
    ...call,
  });
}

function call(config: NodeContext["config"]): Record<string, any> {
  const { databaseId, dataSourceId, properties, content } = config;
  const page = `pages/${encodeURIComponent(config.pageId)}`;
  switch (config.action) {
    case "Create Page": {
      const parent = dataSourceId ? { type: "data_source_id", data_source_id: dataSourceId } : { database_id: databaseId };
      const children = content ? paragraphs(content) : undefined;
      return { path: "pages", method: "POST", json: { parent, properties: properties ?? {}, children } };
    }
    case "Update Page": {
      const json = { properties, in_trash: config.inTrash || undefined };
      return { path: page, method: "PATCH", json, repeatable: true };
    }
    case "Append Content": {
      if (!content) throw new NonRetryableError("There is no content to append.");
      const path = `blocks/${encodeURIComponent(config.pageId)}/children`;
      return { path, method: "PATCH", json: { children: paragraphs(content) } };
    }
  }
  return { path: page };
}

function paragraphs(content: string): object[] {
  const lines = content.split("\n").filter((line) => line.trim());
  if (lines.length > MAX_PARAGRAPHS) {
    throw new NonRetryableError(`The content has ${lines.length} lines, but Notion accepts at most ${MAX_PARAGRAPHS}.`);
  }
  return lines.map((line) => ({ object: "block", type: "paragraph", paragraph: { rich_text: texts(line) } }));
}

/** A long line consists of several texts, none of which splits a character. */
function texts(line: string): object[] {
  const characters = Array.from(line);
  const starts = Array.from({ length: Math.ceil(characters.length / MAX_TEXT) }, (_, index) => index * MAX_TEXT);
  return starts.map((start) => ({
    type: "text",
    text: { content: characters.slice(start, start + MAX_TEXT).join("") },
  }));
}
