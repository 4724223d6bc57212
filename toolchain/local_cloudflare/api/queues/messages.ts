// Messages that are sent through the API, which starts the queue's group.

import { type Context, Hono } from 'hono';
import { invalidQueue } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Platform } from '../context/platform.ts';
import { type Backlog, control, getQueue, ITEM, serializeBacklog } from './queues.ts';

interface Message {
  body: unknown;
  content_type: string;
  delay_seconds: number;
}

interface Batch {
  messages: Partial<Message>[];
  delay_seconds: number;
}

export function messages(platform: Platform): Hono {
  const push = async (c: Context, messages: object[]) => {
    const backlog = await control<Backlog>(platform, getQueue(platform, c), 'push', { messages });
    return ok(c, { metadata: { metrics: serializeBacklog(backlog) } });
  };
  return new Hono()
    .post(`${ITEM}/messages`, async (c) => push(c, [encode(await readObject<Message>(c))]))
    .post(`${ITEM}/messages/batch`, async (c) => {
      const { messages, delay_seconds } = await readObject<Batch>(c);
      if (!Array.isArray(messages)) throw invalidQueue('messages must be a list');
      const encoded = messages.map((message) => encode({ delay_seconds, ...message }));
      return push(c, encoded);
    });
}

function encode({ body, content_type: format = 'json', delay_seconds: delay }: Partial<Message>): object {
  if (body === undefined) throw invalidQueue('the message has no body');
  if (format !== 'json' && format !== 'text')
    throw invalidQueue(`content_type must be "json" or "text", not "${format}"`);
  if (format === 'text' && typeof body !== 'string')
    throw invalidQueue('the body of a text message must be a string');
  const text = format === 'text' ? String(body) : JSON.stringify(body);
  return { format, delay, body: Buffer.from(text).toString('base64') };
}
