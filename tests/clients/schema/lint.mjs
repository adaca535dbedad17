// Lints the schema. What breaks a rule must be an exception with a reason, and every exception must be needed.
import { readFileSync } from 'node:fs';
import { ESLint } from 'eslint';
import { parse } from 'graphql';

const sdl = readFileSync('schema.graphql', 'utf8');
const exceptions = JSON.parse(readFileSync('exceptions.json', 'utf8'));
const definitions = parse(sdl).definitions.filter((definition) => definition.name);

/** The definition that a line is part of. */
function owner(line) {
  const found = definitions.find(({ loc }) => loc.startToken.line <= line && line <= loc.endToken.line);
  return found ? found.name.value : 'schema';
}

const eslint = new ESLint({ overrideConfigFile: 'eslint.config.mjs' });
const [result] = await eslint.lintFiles(['schema.graphql']);
const rules = Object.keys((await eslint.calculateConfigForFile('schema.graphql')).rules).length;
const unexcused = [];
const used = new Set();
for (const { ruleId, line, message } of result.messages) {
  const rule = (ruleId ?? 'parser').replace('@graphql-eslint/', '');
  const type = owner(line);
  const excuse = exceptions.find((one) => one.rule === rule && one.type === type);
  if (excuse) used.add(excuse);
  else unexcused.push(`${line}: ${type}: ${rule}: ${message}`);
}
const idle = exceptions.filter((one) => !used.has(one)).map((one) => `${one.type}: ${one.rule} is no longer an exception`);
if (unexcused.length + idle.length > 0) {
  console.error([...unexcused, ...idle].join('\n'));
  process.exit(1);
}
console.log(`graphql-eslint: ${rules} rules, ${definitions.length} definitions, ${exceptions.length} exceptions`);
