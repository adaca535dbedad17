// A page that asks by urql alone: its subscriptions are server-sent events.

import { runInPage } from './page.js';
import { startWith } from './urql.js';

// begin client
import { Client, cacheExchange, fetchExchange } from '@urql/core';

export function createUrql(url, currentToken) {
  return new Client({
    url,
    fetchOptions: () => ({ headers: { authorization: `Bearer ${currentToken()}` }, credentials: 'include' }),
    preferGetMethod: false,
    fetchSubscriptions: true,
    exchanges: [cacheExchange, fetchExchange],
  });
}
// end client

runInPage(({ url, token }) => startWith(createUrql(url, () => token)));
