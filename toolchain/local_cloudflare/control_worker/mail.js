// Receives the emails of send_email bindings, and passes them to the platform.

import { WorkerEntrypoint } from 'cloudflare:workers';

export class Mail extends WorkerEntrypoint {
  /** Called by the Worker of a binding once it has checked the email. */
  async storeSent(email) {
    const response = await this.env.MAIL.fetch('http://mail/', {
      method: 'POST',
      body: JSON.stringify(email),
    });
    if (!response.ok) throw new Error('the email could not be stored');
  }

  /** The Worker also sends files and log lines, which are not needed here. */
  fetch() {
    return new Response('not stored');
  }
}
