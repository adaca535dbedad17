// A page that asks by urql, with its subscriptions by a socket.

import { runInPage } from './page.js';
import { startWith } from './urql.js';

// begin client
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';

export function createUrql(url, currentToken) {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: () => ({ authorization: `Bearer ${currentToken()}` }),
    retryAttempts: Infinity,
    keepAlive: 20_000,
  });
  return new Client({
    url,
    // `credentials` is for the cookie that `connect` sets, and only where the page is on the API's site.
    fetchOptions: () => ({ headers: { authorization: `Bearer ${currentToken()}` }, credentials: 'include' }),
    // urql would put short queries, with their variables, into addresses, which proxies write down.
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}
// end client

runInPage(({ url, token }) => startWith(createUrql(url, () => token)));
