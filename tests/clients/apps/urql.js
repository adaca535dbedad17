// What the two pages that ask by urql have in common.

import { gql } from '@urql/core';

import { operations } from './operations.js';
import { copyInStep, iterate, pagesOf } from './story.js';

const documents = Object.fromEntries(Object.entries(operations).map(([name, text]) => [name, gql(text)]));

/** What a promise of urql's came to. */
async function settled(source) {
  const { data, error } = await source.toPromise();
  if (error) throw error;
  return data;
}

export function startWith(urql) {
  function ask(name, variables) {
    const isMutation = /^\s*mutation/.test(operations[name]);
    return settled(
      isMutation
        ? urql.mutation(documents[name], variables)
        : urql.query(documents[name], variables, { requestPolicy: 'network-only' }),
    );
  }
  const watch = (name, variables) => iterate((sink) => subscribe(urql, documents[name], variables, sink));
  return {
    ask,
    async *watchBatch(batchId, after) {
      for await (const { batchProgress } of watch('progress', { batchId, after })) yield batchProgress;
    },
    async *followTimeline(copy, after) {
      async function* changes() {
        for await (const { timelineChanges } of watch('changes', { after })) yield timelineChanges;
      }
      yield* copyInStep(copy, changes());
    },
    readTimeline: (filter) => pagesOf((variables) => ask('timeline', { ...variables, filter })),
    close: () => undefined,
  };
}

// begin watch
import { onEnd, pipe, subscribe as each } from 'wonka';

export function subscribe(urql, query, variables, { next, error, complete }) {
  return pipe(
    urql.subscription(query, variables),
    onEnd(complete),
    each((result) => {
      // So urql calls an event stream that has ended well and had nothing to tell.
      if (result.error?.networkError?.message === 'No Content') return;
      if (result.error) error(result.error);
      // At the end comes the last answer again, with `hasNext: false`.
      else if (result.hasNext) next(result.data);
    }),
  );
}
// end watch
