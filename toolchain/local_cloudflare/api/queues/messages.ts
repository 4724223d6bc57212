import { Hono } from 'hono';
import { invalidQueue } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Platform } from '../context/platform.ts';
import { ask, metricsShown, ONE, queueOf } from './queues.ts';

interface Message {
  body: unknown;
  content_type: string;
  delay_seconds: number;
}

interface Batch {
  messages: Partial<Message>[];
  delay_seconds: number;
}

/** Messages sent without a Worker. The queue's group is started for them. */
export function messages(platform: Platform): Hono {
  const push = async (c: Parameters<typeof queueOf>[1], all: object[]) => {
    const backlog = await ask<Parameters<typeof metricsShown>[0]>(platform, queueOf(platform, c), 'push', {
      messages: all,
    });
    return ok(c, { metadata: { metrics: metricsShown(backlog) } });
  };
  return new Hono()
    .post(`${ONE}/messages`, async (c) => push(c, [encoded(await bodyOf<Message>(c))]))
    .post(`${ONE}/messages/batch`, async (c) => {
      const { messages: all, delay_seconds } = await bodyOf<Batch>(c);
      if (!Array.isArray(all)) throw invalidQueue('messages is not a list');
      return push(
        c,
        all.map((message) => encoded({ delay_seconds, ...message })),
      );
    });
}

function encoded({ body, content_type: format = 'json', delay_seconds: delay }: Partial<Message>): object {
  if (body === undefined) throw invalidQueue('the message has no body');
  if (format !== 'json' && format !== 'text')
    throw invalidQueue(`content_type is "json" or "text", not "${format}"`);
  if (format === 'text' && typeof body !== 'string') throw invalidQueue('the body of a text is a string');
  const text = format === 'text' ? String(body) : JSON.stringify(body);
  return { format, delay, body: Buffer.from(text).toString('base64') };
}
