// Who may ask: the account's own token, which may do everything, and those that tests add.

import { createHash, timingSafeEqual } from 'node:crypto';

export type Kind = 'user' | 'account';

export interface Token {
  id: string;
  /** Where it can be verified. */
  kinds: Kind[];
  status: 'active' | 'disabled' | 'expired';
  /** Names of Cloudflare's permission groups; undefined is all of them. */
  permissions?: string[];
  /** The ids of the zones that it is for; undefined is all zones. */
  zones?: string[];
}

const OWN: Token = { id: '10ca1c10ca1c10ca1c10ca1c10ca1c10', kinds: ['user', 'account'], status: 'active' };

export class Tokens {
  readonly #own: Buffer;
  #added: [Buffer, Token][] = [];

  constructor(own: string) {
    this.#own = digest(own);
  }

  find(text: string): Token | undefined {
    const asked = digest(text);
    if (timingSafeEqual(asked, this.#own)) return OWN;
    return this.#added.find(([known]) => timingSafeEqual(asked, known))?.[1];
  }

  isOwn(text: string): boolean {
    return this.find(text) === OWN;
  }

  /** Let these in besides the account's own, and no others. */
  replace(added: [text: string, token: Omit<Token, 'id'> & { id?: string }][]): void {
    this.#added = added.map(([text, token]) => {
      const known = digest(text);
      return [known, { ...token, id: token.id ?? known.toString('hex').slice(0, 32) }];
    });
  }
}

/** Of one length, so that comparing takes one time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
