// A page that asks by Apollo Client: queries and mutations by HTTP, subscriptions by a socket.

import { operations } from './operations.js';
import { runInPage } from './page.js';
import { check, copyInStep, iterate } from './story.js';

// begin client
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';

export function createApollo(url, freshToken) {
  const signedIn = new SetContextLink(async ({ headers }) => ({
    headers: { ...headers, authorization: `Bearer ${await freshToken()}` },
  }));
  // `credentials` is for the cookie that `connect` sets, and only where the page is on the API's site.
  const http = signedIn.concat(new HttpLink({ uri: url, credentials: 'include' }));
  const socket = new GraphQLWsLink(
    createClient({
      url: url.replace(/^http/, 'ws'),
      connectionParams: async () => ({ authorization: `Bearer ${await freshToken()}` }),
      retryAttempts: Infinity,
      keepAlive: 20_000,
    }),
  );
  const cache = new InMemoryCache({
    typePolicies: {
      // Their ids are the provider's: two accounts have an `INBOX` each.
      Label: { keyFields: false },
      Calendar: { keyFields: false },
      // Operations ask for different fields of it.
      Batch: { fields: { counts: { merge: true } } },
      Query: {
        fields: {
          timeline: relayStylePagination(['filter', 'search', 'order']),
          batches: relayStylePagination(),
        },
      },
    },
  });
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === 'subscription', socket, http),
    cache,
  });
}
// end client

const documents = Object.fromEntries(Object.entries(operations).map(([name, text]) => [name, gql(text)]));

// begin progress
/** Every state goes into the cache, too: whoever shows this batch shows it as it is. */
export function watchBatch(apollo, variables, { next, error, complete }) {
  return apollo.subscribe({ query: documents.progress, variables }).subscribe({
    next: (result) => (result.error ? error(result.error) : next(result.data.batchProgress)),
    error,
    complete,
  });
}
// end progress

// begin paging
/** The same as `useQuery` does: the cache puts the pages together. */
export async function readTimeline(apollo, filter, show) {
  const timeline = apollo.watchQuery({ query: documents.timeline, variables: { first: 25, filter } });
  const showing = timeline.subscribe({ next: ({ data }) => data?.timeline && show(data.timeline.edges) });
  let { data } = await timeline.refetch();
  while (data.timeline.pageInfo.hasNextPage) {
    ({ data } = await timeline.fetchMore({ variables: { after: data.timeline.pageInfo.endCursor } }));
  }
  return showing;
}
// end paging

export function start({ url, token }) {
  const apollo = createApollo(url, async () => token);
  async function ask(name, variables) {
    const { query, mutate } = apollo;
    const { data } = /^\s*mutation/.test(operations[name])
      ? await mutate.call(apollo, { mutation: documents[name], variables })
      : await query.call(apollo, { query: documents[name], variables, fetchPolicy: 'network-only' });
    return data;
  }
  const batch = gql`fragment BatchState on Batch { state }`;
  return {
    ask,
    async *watchBatch(batchId, after) {
      const id = apollo.cache.identify({ __typename: 'Batch', id: batchId });
      for await (const progress of iterate((sink) => watchBatch(apollo, { batchId, after }, sink))) {
        const { state } = apollo.cache.readFragment({ id, fragment: batch });
        check(state === progress.batch.state, `the cache has ${state} where ${progress.batch.state} was told`);
        yield progress;
      }
    },
    followTimeline(copy, after) {
      const changes = iterate(({ next, error, complete }) =>
        apollo.subscribe({ query: documents.changes, variables: { after } }).subscribe({
          next: (result) => (result.error ? error(result.error) : next(result.data.timelineChanges)),
          error,
          complete,
        }),
      );
      return copyInStep(copy, changes);
    },
    async *readTimeline(filter) {
      let shown = [];
      const showing = await readTimeline(apollo, filter, (edges) => (shown = edges));
      const { timeline } = apollo.readQuery({ query: documents.timeline, variables: { first: 25, filter } });
      while (shown.length < timeline.edges.length) await new Promise((resolve) => setTimeout(resolve));
      showing.unsubscribe();
      yield timeline.edges.map(({ node }) => node);
    },
    close: () => apollo.stop(),
  };
}

runInPage(start);
