import { NonRetryableError } from 'cloudflare:workflows';

export interface Billing {
  BILLING_URL: string;
  BILLING_KEY: string;
}

/**
 * Call the billing service. The key makes the call safe to repeat: a service that knows it does not
 * charge twice. Whatever a new attempt cannot fix is a NonRetryableError, which ends the run.
 */
export async function call<T>(env: Billing, path: string, key: string, body: object): Promise<T> {
  const response = await fetch(env.BILLING_URL + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${env.BILLING_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(body),
  });
  if (response.ok) return response.json<T>();
  const message = `${path} failed with status ${response.status}`;
  const isTemporary = response.status === 429 || response.status >= 500;
  throw isTemporary ? new Error(message) : new NonRetryableError(message);
}
