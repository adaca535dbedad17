// Compares the schema with the one that landed last. A change that breaks a client must be named in breaking.json with its reason, and
// nothing may be named there that has not changed. When a schema lands: it becomes landed.graphql, and breaking.json is emptied.
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const read = (file) => buildSchema(readFileSync(file, 'utf8'));
const named = JSON.parse(readFileSync('breaking.json', 'utf8'));
const changes = await diff(read('landed.graphql'), read('schema.graphql'));
const count = (level) => changes.filter(({ criticality }) => criticality.level === level).length;
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);

const excuses = ({ change, prefix, reason }) => {
  if (!reason) throw new Error(`no reason: ${change ?? prefix}`);
  return (message) => (prefix ? message.startsWith(prefix) : message === change);
};
const unnamed = breaking.filter(({ message }) => !named.some((one) => excuses(one)(message)));
const idle = named.filter((one) => !breaking.some(({ message }) => excuses(one)(message)));
if (unnamed.length + idle.length > 0) {
  for (const { path, message } of unnamed) console.error(`breaks clients: ${path}: ${message}`);
  for (const one of idle) console.error(`is no change: ${one.change ?? one.prefix}`);
  process.exit(1);
}
console.log(
  `graphql-inspector: ${count(CriticalityLevel.NonBreaking)} additions, ${count(CriticalityLevel.Dangerous)} to look at, ` +
    `${breaking.length} breaking and named`,
);
