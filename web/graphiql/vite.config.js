import { defineConfig } from 'vite';

export default defineConfig({
  base: '/graphiql/',
  build: {
    // Files rather than data: addresses and inlined scripts: the page's content security policy
    // (src/http/graphiql.rs) allows nothing else.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The editor is one large chunk, loaded from the same machine.
    chunkSizeWarningLimit: 8192,
    rolldownOptions: {
      // Libraries mark files for React's server rendering, which means nothing here.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
});
