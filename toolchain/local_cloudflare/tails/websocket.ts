// A minimal WebSocket server for listeners. wrangler's client does not mask its frames, which Cloudflare accepts and
// libraries refuse.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const LAST = 0x80;
const MASKED = 0x80;
const LENGTH = 0x7f;
const MEDIUM = 126;
const LARGE = 127;
/** In bytes; listeners have nothing to send. */
const MAX_RECEIVED = 64 * 1024;

export class WebSocketServer {
  readonly #socket: Duplex;
  #received: Buffer = Buffer.alloc(0);

  /** Complete the handshake with a protocol that the client offered. */
  constructor(request: IncomingMessage, socket: Duplex, protocol: string) {
    this.#socket = socket;
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1')
      .update(key + MAGIC)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
        `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    );
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
  }

  onClose(work: () => void): void {
    this.#socket.once('close', work);
  }

  /** Bytes that the client has not read yet. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(): void {
    const normal = Buffer.from([0x03, 0xe8]);
    this.#write(CLOSE, normal);
    this.#socket.end();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat([headOf(opcode, payload.length), payload]));
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#received.length > MAX_RECEIVED) this.#socket.destroy();
    for (let frame = readFrame(this.#received); frame; frame = readFrame(this.#received)) {
      this.#received = this.#received.subarray(frame.size);
      if (frame.opcode === PING) this.#write(PONG, frame.payload);
      if (frame.opcode === CLOSE) this.close();
    }
  }
}

function headOf(opcode: number, length: number): Buffer {
  if (length < MEDIUM) return Buffer.from([LAST | opcode, length]);
  const isMedium = length <= 0xffff;
  const head = Buffer.alloc(isMedium ? 4 : 10);
  head[0] = LAST | opcode;
  head[1] = isMedium ? MEDIUM : LARGE;
  if (isMedium) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

interface Frame {
  opcode: number;
  payload: Buffer;
  size: number;
}

/** The first frame; undefined until it is complete. */
function readFrame(received: Buffer): Frame | undefined {
  if (received.length < 2) return undefined;
  const [first = 0, second = 0] = received;
  const short = second & LENGTH;
  const extra = short === LARGE ? 8 : short === MEDIUM ? 2 : 0;
  const maskSize = second & MASKED ? 4 : 0;
  const start = 2 + extra + maskSize;
  if (received.length < start) return undefined;
  const length =
    short === LARGE
      ? Number(received.readBigUInt64BE(2))
      : short === MEDIUM
        ? received.readUInt16BE(2)
        : short;
  if (received.length < start + length) return undefined;
  const mask = received.subarray(2 + extra, start);
  const payload = Buffer.from(received.subarray(start, start + length));
  if (maskSize > 0)
    for (let index = 0; index < length; index++)
      payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { opcode: first & 0x0f, payload, size: start + length };
}
