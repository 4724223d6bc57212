import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

interface Env {
  ALBUMS: Workflow<Album>;
  PHOTOS: Workflow<Photo>;
}

interface Album {
  photos: string[];
}

interface Photo {
  name: string;
  album: string; // the run to tell
  doneEvent: string;
}

interface Result {
  name: string;
  bytes: number;
}

/** The parent: one run for an album. */
export class AlbumWorkflow extends WorkflowEntrypoint<Env, Album> {
  async run(event: Readonly<WorkflowEvent<Album>>, step: WorkflowStep) {
    const album = event.instanceId;
    const started = await step.do('start a run for each photo', async () => {
      const photos = event.payload.photos.map((name, index) => ({
        // Ids that depend only on the album: if this step is repeated, runs that exist are left alone.
        id: `${album}-${index}`,
        params: { name, album, doneEvent: `photo-${index}-done` },
      }));
      await this.env.PHOTOS.createBatch(photos);
      return photos.map(({ params }) => params.doneEvent);
    });

    // An event that arrives before the run waits for it is kept, so the order does not matter.
    const events = await Promise.all(
      started.map((type) => step.waitForEvent<Result>(`wait for ${type}`, { type, timeout: '1 hour' })),
    );
    const results = events.map(({ payload }) => payload);
    return { photos: results.length, bytes: results.reduce((sum, { bytes }) => sum + bytes, 0) };
  }
}

/** The child: one run for a photo. It has retries, a history and a status of its own. */
export class PhotoWorkflow extends WorkflowEntrypoint<Env, Photo> {
  async run(event: Readonly<WorkflowEvent<Photo>>, step: WorkflowStep) {
    const { name, album, doneEvent } = event.payload;
    const result = await step.do('resize the photo', async () => ({ name, bytes: name.length * 100 }));
    await step.do('tell the album', async () => {
      const parent = await this.env.ALBUMS.get(album);
      await parent.sendEvent({ type: doneEvent, payload: result });
    });
    return result;
  }
}

export default {
  // POST / with {"photos": ["a.jpg", "b.jpg"]} starts a run.
  async fetch(request, env): Promise<Response> {
    if (request.method !== 'POST') return new Response('Send the album with POST.', { status: 405 });
    const run = await env.ALBUMS.create({ params: await request.json<Album>() });
    return Response.json({ id: run.id }, { status: 201 });
  },
} satisfies ExportedHandler<Env>;
