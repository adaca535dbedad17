// PostGraphile on our database, as our own API's role and under the same row-level security. Whose rows they are, a header says:
// no token is verified here, which is in its favour.

import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

// It wants Node.js 22, of which it uses this.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
const { DATABASE_URL: connectionString, CONNECTIONS } = process.env;
const server = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, schemas: ['public'], poolConfig: { max: Number(CONNECTIONS) } })],
  grafast: { context: ({ node }) => ({ pgSettings: { 'app.user_id': node?.req.headers['x-user'] ?? '' } }) },
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
}).createServ(grafserv);
const http = createServer();
http.on('error', (error) => { throw error; });
await server.addTo(http);
http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/`));
