// Apollo Client with its link for persisted queries: asks the same twice, and says what it sent for it.
// Arguments: the address of the API, a token, the query, and the method for queries by their hash.

const { createHash } = require('node:crypto');
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache } = require('@apollo/client/core');
const { PersistedQueryLink } = require('@apollo/client/link/persisted-queries');
const { parse } = require('graphql');

const [url, token, query, method] = process.argv.slice(2);

async function main() {
  const sent = [];
  const noted = async (address, init) => {
    const answer = await fetch(address, init);
    const text = init.body ? JSON.parse(init.body).query : new URL(address).searchParams.get('query');
    sent.push({ method: init.method, withText: Boolean(text), status: answer.status });
    return answer;
  };
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([
      new PersistedQueryLink({ sha256, useGETForHashedQueries: method === 'GET' }),
      new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` }, fetch: noted }),
    ]),
  });
  const ask = () => client.query({ query: parse(query), fetchPolicy: 'no-cache' });
  const answers = [(await ask()).data, (await ask()).data];
  console.log(JSON.stringify({ sent, answers }));
}

main();
