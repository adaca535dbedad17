// What Relay's plugins for other bundlers do, for esbuild: a `graphql` tag becomes an import of what the compiler made of it.

import { readFile } from 'node:fs/promises';

const TAG = /graphql`\s*(?:query|mutation|subscription|fragment)\s+(\w+)[^`]*`/g;

export const relay = {
  name: 'relay',
  setup(build) {
    build.onLoad({ filter: /\/relay\/\w+\.jsx$/ }, async ({ path }) => {
      const imports = [];
      const code = (await readFile(path, 'utf8')).replace(TAG, (_, name) => {
        imports.push(`import ${name} from './artifacts/${name}.graphql.js';`);
        return name;
      });
      return { contents: `${imports.join('\n')}\n${code}`, loader: 'jsx' };
    });
  },
};
