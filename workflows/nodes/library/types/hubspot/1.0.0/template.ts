import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx: NodeContext) {
  const { action, contactId, query, searchFilters, maxResults } = ctx.config;
  switch (action) {
    case "Create Contact":
      return contact(await request(ctx, { method: "POST", json: { properties: properties(ctx.config) } }));
    case "Create or Update Contact":
      return contact(await createOrUpdate(ctx));
    case "Get Contact":
      return contact(await request(ctx, { ...identified(contactId), returned: names(ctx.config) }));
    case "Update Contact":
      return contact(await update(ctx, contactId));
  }
  const json = { query: query || undefined, filterGroups: searchFilters, limit: maxResults, properties: names(ctx.config) };
  const data = await request(ctx, { path: "/search", method: "POST", json, repeatable: true });
  return { id: null, properties: null, data };
}

function contact(data: any) {
  return { id: data.id, properties: data.properties, data };
}

/** Another attempt finds the contact that an earlier one has created. */
async function createOrUpdate(ctx: NodeContext): Promise<any> {
  const { email } = ctx.config;
  if (!email) throw new NonRetryableError("Create or Update Contact needs an email address.");
  try {
    return await update(ctx, email);
  } catch (error: any) {
    if (error.status !== 404) throw error;
  }
  const json = { properties: properties(ctx.config) };
  return request(ctx, { method: "POST", json, repeatable: true, temporary: [409] });
}

async function update(ctx: NodeContext, id: string): Promise<any> {
  const json = { properties: properties(ctx.config) };
  return request(ctx, { ...identified(id), method: "PATCH", json, repeatable: true });
}

async function request(ctx: NodeContext, { path = "", idProperty, returned, ...call }: Record<string, any>): Promise<any> {
  return ctx.request({
    service: "HubSpot",
    url: `https://api.hubapi.com/crm/v3/objects/contacts${path}`,
    query: { idProperty, properties: returned?.join(",") },
    headers: { authorization: `Bearer ${ctx.config.accessToken}` },
    reason: ({ message }) => message,
    ...call,
  });
}

function identified(id: string): { path: string; idProperty?: string } {
  return { path: `/${encodeURIComponent(id)}`, idProperty: id.includes("@") ? "email" : undefined };
}

function properties({ email, firstName, lastName, properties }: NodeContext["config"]): object {
  const named = { email: email || undefined, firstname: firstName || undefined, lastname: lastName || undefined };
  return { ...named, ...properties };
}

function names({ returnedProperties }: NodeContext["config"]): string[] | undefined {
  const found = (returnedProperties ?? "").split(",").map((name: string) => name.trim()).filter(Boolean);
  return found.length ? found : undefined;
}
