import { NonRetryableError } from "cloudflare:workflows";

const TOKEN_URL = "https://oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/spreadsheets";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ALGORITHM = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** The parts of a spreadsheet that describe it; others can be very large. */
const FIELDS = "spreadsheetId,spreadsheetUrl,properties,sheets.properties,namedRanges";

export default async function (ctx: NodeContext) {
  const { credentials, serviceAccount, accessToken, spreadsheetId } = ctx.config;
  const { path, ...request } = call(ctx.config);
  const token = credentials === "Access token" ? accessToken : await tokenOf(ctx, serviceAccount);
  const { values = [], ...data } = await ctx.request({
    service: "Google Sheets",
    url: `https://sheets.googleapis.com/v4/spreadsheets/${encodeURIComponent(spreadsheetId)}${path}`,
    headers: { authorization: `Bearer ${token}` },
    reason: ({ error }) => `${error.message} (${error.status})`,
    secrets: [token],
    ...request,
  });
  return { values, updatedCells: data.updates?.updatedCells ?? data.updatedCells ?? 0, data };
}

function call(config: NodeContext["config"]): Record<string, any> {
  const path = `/values/${encodeURIComponent(config.range)}`;
  const query = { valueInputOption: config.valueInput };
  switch (config.action) {
    case "Append Row": {
      const appending = { ...query, insertDataOption: "INSERT_ROWS" };
      return { path: `${path}:append`, method: "POST", query: appending, json: { values: rows(config.values) } };
    }
    case "Update Row":
      return { path, method: "PUT", query, json: { values: rows(config.values) } };
    case "Clear Range":
      return { path: `${path}:clear`, method: "POST", json: {}, repeatable: true };
    case "Get Spreadsheet":
      return { path: "", query: { fields: FIELDS } };
  }
  return { path, query: { valueRenderOption: config.valueRender } };
}

/** A list of cells is one row. */
function rows(values: unknown): unknown[][] {
  if (!Array.isArray(values)) throw new NonRetryableError("The values must be a list of cells, or a list of rows.");
  return values.some(Array.isArray) ? values : [values];
}

/** Exchanges an assertion that the service account signs for a token. */
async function tokenOf(ctx: NodeContext, account: string): Promise<string> {
  const assertion = await signed(account);
  const { access_token } = await ctx.request({
    service: "Google",
    method: "POST",
    url: TOKEN_URL,
    form: { grant_type: GRANT_TYPE, assertion },
    repeatable: true,
    reason: ({ error, error_description }) => [error_description ?? "", error && `(${error})`].filter(Boolean).join(" "),
    secrets: [assertion],
  });
  return access_token;
}

async function signed(account: string): Promise<string> {
  const { key, id, email } = await read(account);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: email, scope: SCOPE, aud: TOKEN_URL, iat: now, exp: now + 3600 };
  const encoder = new TextEncoder();
  const parts = [{ alg: "RS256", typ: "JWT", kid: id }, claims].map((part) => base64url(encoder.encode(JSON.stringify(part))));
  const signature = await crypto.subtle.sign(ALGORITHM, key, encoder.encode(parts.join(".")));
  return [...parts, base64url(new Uint8Array(signature))].join(".");
}

async function read(account: string): Promise<{ key: CryptoKey; id: string; email: string }> {
  try {
    const { client_email, private_key_id, private_key } = JSON.parse(account);
    const content = atob(private_key.replace(/-----[A-Z ]+-----|\s/g, ""));
    const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
    const key = await crypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
    return { key, id: private_key_id, email: client_email };
  } catch {
    throw new NonRetryableError("GOOGLE_SERVICE_ACCOUNT is not the JSON key of a service account.");
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
