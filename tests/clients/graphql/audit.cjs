// The audits of `graphql-http` for servers: prints what each of them came to.
// Arguments: the address of the API, and a token.

const { serverAudits } = require('graphql-http');

const [url, token] = process.argv.slice(2);

const signedIn = (address, init = {}) =>
  fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

async function main() {
  const results = [];
  for (const audit of serverAudits({ url, fetchFn: signedIn })) {
    const { status, reason } = await audit.fn();
    results.push({ id: audit.id, name: audit.name, status, reason });
  }
  console.log(JSON.stringify(results));
}

main();
