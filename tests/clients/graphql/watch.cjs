// One subscription, as the real client of a transport runs it: `graphql-ws`, `graphql-sse`, or Apollo Client over multipart.
//
// Reads commands from standard input and says what happens on standard output, a line of JSON each: a fresh token is asked
// for whenever the client connects, so that whoever runs this decides what it gets.
// Arguments: the transport, the address of the API, and the operation as JSON.

const readline = require('node:readline');

const [transport, url, operation] = process.argv.slice(2);
const { query, variables } = JSON.parse(operation);

const say = (event) => console.log(JSON.stringify(event));
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function freshToken() {
  say({ event: 'token' });
  return (await lines.next()).value;
}

const text = (error) => error.message ?? `${error.code} ${error.reason}`;
const sink = {
  next: (result) => say({ event: 'next', result }),
  error: (error) => finish({ event: 'error', error: Array.isArray(error) ? error : text(error) }),
  complete: () => finish({ event: 'complete' }),
};
function finish(event) {
  say(event);
  process.exitCode = 0;
  lines.return();
  process.stdin.destroy();
}

function overSocket() {
  const { createClient } = require('graphql-ws');
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: require('ws').WebSocket,
    connectionParams: async () => ({ authorization: `Bearer ${await freshToken()}` }),
    retryWait: async () => {},
    on: { closed: ({ code, reason }) => say({ event: 'closed', code, reason }) },
  });
  client.subscribe({ query, variables }, sink);
}

function overEventStream() {
  const { createClient } = require('graphql-sse');
  const client = createClient({
    url,
    headers: async () => ({ authorization: `Bearer ${await freshToken()}` }),
    retry: async () => {},
    on: { connecting: (again) => again && say({ event: 'closed' }) },
  });
  client.subscribe({ query, variables }, sink);
}

// Apollo Client leaves it to the application to subscribe again.
async function overMultipart() {
  const { ApolloClient, CombinedProtocolErrors, InMemoryCache, HttpLink } = require('@apollo/client/core');
  const { parse } = require('graphql');
  const token = await freshToken();
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  });
  let closed = false;
  client.subscribe({ query: parse(query), variables, errorPolicy: 'all' }).subscribe({
    ...sink,
    next: ({ data, error }) => {
      closed = CombinedProtocolErrors.is(error);
      if (closed) {
        say({ event: 'closed', errors: error.errors });
      } else {
        sink.next({ data, errors: error?.errors });
      }
    },
    complete: () => (closed ? overMultipart() : sink.complete()),
  });
}

({ 'graphql-ws': overSocket, 'graphql-sse': overEventStream, multipart: overMultipart })[transport]();
