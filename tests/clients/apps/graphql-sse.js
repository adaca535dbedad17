// A program in Node.js that knows nothing but the library graphql-sse.

import { operations } from './operations.js';
import { copyInStep, pagesOf } from './story.js';

// begin client
import { createClient } from 'graphql-sse';

export function openStreams(url, freshToken) {
  return createClient({
    url,
    // Asked for at every request, so also at the next one after a token has ended.
    headers: async () => ({ authorization: `Bearer ${await freshToken()}` }),
    retryAttempts: Infinity,
  });
}
// end client

// begin progress
export async function* watchBatch(streams, batchId, after) {
  for await (const { data, errors } of streams.iterate({ query: operations.progress, variables: { batchId, after } })) {
    if (errors) throw errors[0];
    yield data.batchProgress;
  }
}
// end progress

export function start({ url, token }) {
  const streams = openStreams(url, async () => token);
  async function ask(name, variables) {
    for await (const { data, errors } of streams.iterate({ query: operations[name], variables })) {
      if (errors) throw errors[0];
      return data;
    }
  }
  async function* changes(variables) {
    for await (const { data, errors } of streams.iterate({ query: operations.changes, variables })) {
      if (errors) throw errors[0];
      yield data.timelineChanges;
    }
  }
  return {
    ask,
    watchBatch: (batchId, after) => watchBatch(streams, batchId, after),
    followTimeline: (copy, after) => copyInStep(copy, changes({ after })),
    readTimeline: (filter) => pagesOf((variables) => ask('timeline', { ...variables, filter })),
    close: () => streams.dispose(),
  };
}
