// A server as people write it with graphql-ws and graphql-redis-subscriptions: what is published in Redis is sent to everyone who
// watches. No token is verified, and no row is read: what is sent is in the message.

import { createServer } from 'node:http';
import { GraphQLID, GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const { REDIS_URL } = process.env;
// What asks whether Redis is ready may not be asked by a connection that has subscribed.
const redis = () => new Redis(REDIS_URL, { enableReadyCheck: false });
const pubsub = new RedisPubSub({ publisher: redis(), subscriber: redis() });
const int = { type: new GraphQLNonNull(GraphQLInt) };
const object = (name, fields) => new GraphQLObjectType({ name, fields });
const counts = object('Counts', { listed: int, stored: int, unchanged: int, filtered: int, failed: int, gone: int, normalized: int });
const progress = object('Progress', { seq: int, counts: { type: new GraphQLNonNull(counts) } });
const schema = new GraphQLSchema({
  query: object('Query', { ok: int }),
  subscription: object('Subscription', {
    batchProgress: {
      type: progress,
      args: { batchId: { type: new GraphQLNonNull(GraphQLID) } },
      subscribe: (_, { batchId }) => pubsub.asyncIterator(`peer:${batchId}`),
      resolve: (state) => state,
    },
  }),
});
const http = createServer();
useServer({ schema }, new WebSocketServer({ server: http, path: '/graphql' }));
http.listen({ port: 0, host: '127.0.0.1', backlog: 10_000 }, () => console.log(`http://127.0.0.1:${http.address().port}/`));
