// Workers first: the editor looks for them when it is imported.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';

import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { StrictMode, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { complete, remember } from './memory';
import { named } from './named';
import { operations } from './operations';
import { forgetToken, keepToken, takeToken } from './token';

const tabs = operations.map((query) => ({ query }));

/**
 * Queries and mutations by HTTP, subscriptions by WebSocket, both at /graphql of the server this page came from. Variables
 * that are left out come from earlier answers.
 */
function createFetcher(token: string): Fetcher {
  const url = new URL('/graphql', location.origin);
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const authorization = `Bearer ${token}`;
  const send = createGraphiQLFetcher({
    url: url.href,
    headers: { authorization },
    // One answer to a request, which is what there is to remember.
    enableIncrementalDelivery: false,
    wsClient: createClient({ url: socketUrl.href, connectionParams: { authorization } }),
  });
  return async (params, options) => {
    const variables = complete(params.query, params.variables as Record<string, unknown> | undefined);
    const { documentAST, operationName } = named(params.query, params.operationName);
    const answer = await send({ ...params, operationName, variables }, { ...options, documentAST });
    remember(answer);
    return answer;
  };
}

function Explorer({ token, onSignOut }: { token: string; onSignOut: () => void }) {
  const fetcher = useMemo(() => createFetcher(token), [token]);
  return (
    <GraphiQL fetcher={fetcher} defaultTabs={tabs}>
      <GraphiQL.Logo>
        <button className="sign-out" type="button" onClick={onSignOut}>
          Use another token
        </button>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

function SignIn({ onToken }: { onToken: (token: string) => void }) {
  return (
    <form
      className="sign-in"
      onSubmit={(submission) => {
        submission.preventDefault();
        const token = new FormData(submission.currentTarget).get('token');
        if (typeof token === 'string' && token.trim()) onToken(token.trim());
      }}
    >
      <label htmlFor="token">Paste the bearer token of an API user</label>
      <input id="token" name="token" type="password" autoComplete="off" autoFocus />
      <button type="submit">Explore</button>
      <p>
        <code>omnisync dev</code> prints an address that carries one.
      </p>
    </form>
  );
}

function Page() {
  const [token, setToken] = useState(takeToken);
  if (!token) return <SignIn onToken={(given) => setToken(keepToken(given))} />;
  return (
    <Explorer
      token={token}
      onSignOut={() => {
        forgetToken();
        setToken(null);
      }}
    />
  );
}

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
