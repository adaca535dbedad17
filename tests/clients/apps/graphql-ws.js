// A program in Node.js that knows nothing but the library graphql-ws: one socket for everything.

import { WebSocket } from 'ws';

import { operations } from './operations.js';

// begin client
import { createClient } from 'graphql-ws';

export function openSocket(url, freshToken) {
  return createClient({
    url: url.replace(/^http/, 'ws'),
    // Asked for at every connection, so also at the next one after a token has ended (4403).
    connectionParams: async () => ({ authorization: `Bearer ${await freshToken()}` }),
    retryAttempts: Infinity,
    // Finds out that a connection is dead without waiting for the system to notice.
    keepAlive: 20_000,
    webSocketImpl: WebSocket, // only where there is none, as in Node.js before 22
  });
}
// end client

// begin progress
export async function* watchBatch(socket, batchId, after) {
  // The library sends `variables` again when it connects again: what is put there is where it goes on.
  const variables = { batchId, after };
  for await (const { data, errors } of socket.iterate({ query: operations.progress, variables })) {
    if (errors) throw errors[0];
    variables.after = data.batchProgress.seq;
    yield data.batchProgress;
  }
}
// end progress

// begin changes
/** Keeps a copy, a `Map` by ids, in step with the timeline. Keep what it yields beside the copy, for the next time. */
export async function* followTimeline(socket, copy, after, readAnew) {
  const variables = { after };
  for await (const { data, errors } of socket.iterate({ query: operations.changes, variables })) {
    if (errors) throw errors[0];
    const { added, changed, removed, cursor, reset } = data.timelineChanges;
    if (reset) await readAnew(copy);
    for (const row of [...added, ...changed]) copy.set(row.id, row);
    for (const id of removed) copy.delete(id);
    variables.after = cursor;
    yield cursor;
  }
}
// end changes

// begin paging
export async function* readTimeline(socket, filter) {
  for (let after = null; ; ) {
    const { timeline } = await ask(socket, operations.timeline, { first: 25, after, filter });
    yield timeline.edges.map(({ node }) => node);
    if (!timeline.pageInfo.hasNextPage) return;
    after = timeline.pageInfo.endCursor;
  }
}
// end paging

// begin ask
export async function ask(socket, query, variables) {
  for await (const { data, errors } of socket.iterate({ query, variables })) {
    if (errors) throw errors[0];
    return data;
  }
}
// end ask

export function start({ url, token }) {
  const socket = openSocket(url, async () => token);
  return {
    ask: (name, variables) => ask(socket, operations[name], variables),
    watchBatch: (batchId, after) => watchBatch(socket, batchId, after),
    followTimeline: (copy, after) => followTimeline(socket, copy, after),
    readTimeline: (filter) => readTimeline(socket, filter),
    close: () => socket.dispose(),
  };
}
