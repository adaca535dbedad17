import { createClient as createSocket } from 'graphql-ws';
import { useSyncExternalStore } from 'react';
import { type AnyVariables, cacheExchange, Client, type CombinedError, type Exchange, fetchExchange, mapExchange, subscriptionExchange } from 'urql';
import { filter, merge, pipe, share } from 'wonka';

import { sessionExpired } from './session';

/** How the socket stands; `away` while it should be open and is not. */
export type Link = 'idle' | 'open' | 'away';

let link: Link = 'idle';
const listeners = new Set<() => void>();

function setLink(next: Link) {
  if (next === link) return;
  link = next;
  for (const listener of listeners) listener();
}

export function useLink(): Link {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => link,
  );
}

/** What the server closes a socket with whose token it does not take, or no longer. */
const REFUSED = [4401, 4403];

function openSocket(token: string) {
  const url = new URL('/graphql', location.origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return createSocket({
    url: url.href,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    shouldRetry: () => true,
    // 0.5 s, 1 s, 2 s ... 8 s, each a little more, so that a server that comes back is not stormed.
    retryWait: (tries) => new Promise((resolve) => setTimeout(resolve, 500 * 2 ** Math.min(tries, 4) * (1 + Math.random() / 2))),
    on: {
      connected: () => setLink('open'),
      closed: (event) => {
        const { code } = event as CloseEvent;
        if (REFUSED.includes(code)) sessionExpired(token);
        // 1000: there was nothing left to listen to.
        setLink(code === 1000 ? 'idle' : 'away');
      },
    },
  });
}

/** The stable word of an error, such as `TIMEOUT`. */
export function codeOf(error: CombinedError): string | undefined {
  const code = error.graphQLErrors[0]?.extensions['code'];
  return typeof code === 'string' ? code : undefined;
}

/** The id by which the server's log finds the request. */
export function requestIdOf(error: CombinedError): string | undefined {
  const id = error.graphQLErrors[0]?.extensions['requestId'];
  if (typeof id === 'string') return id;
  const answer = error.response as Response | undefined;
  return answer?.headers.get('x-request-id') ?? undefined;
}

/** The context of a query whose answer the cache is not to keep: the pages of a list without an end, which nobody asks for twice. */
export const UNKEPT = { requestPolicy: 'network-only', isUnkept: true } as const;

const cacheWhatIsKept: Exchange = (input) => {
  const cache = cacheExchange(input);
  return (operations) => {
    const all = pipe(operations, share);
    const kept = pipe(
      all,
      filter(({ context }) => context['isUnkept'] !== true),
    );
    const unkept = pipe(
      all,
      filter(({ context }) => context['isUnkept'] === true),
    );
    return merge([cache(kept), input.forward(unkept)]);
  };
};

/** A client for one person. What one sees is never shown to the next: it goes with its cache. */
export function createClient(token: string): Client {
  const socket = openSocket(token);
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: () => ({
      credentials: 'same-origin',
      headers: { authorization: `Bearer ${token}`, accept: 'application/graphql-response+json' },
    }),
    exchanges: [
      mapExchange({
        onError: (error) => {
          if (codeOf(error) === 'UNAUTHENTICATED') sessionExpired(token);
        },
      }),
      cacheWhatIsKept,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query ?? '', variables: variables as AnyVariables & Record<string, unknown> }, sink),
          }),
        }),
      }),
    ],
  });
}
