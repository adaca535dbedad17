import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const api = 'http://127.0.0.1:4000';

export default defineConfig({
  plugins: [react()],
  build: {
    // Below /console/, so that no page of the console can have the name of an asset.
    assetsDir: 'console/assets',
    // Files rather than data: addresses: the page's content security policy (src/http/console.rs) wants them from this server.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: {
    // `npx vite` beside a running `omnisync dev`, which takes calls from its own pages only.
    proxy: Object.fromEntries(
      ['/graphql', '/console/settings.json'].map((path) => [path, { target: api, ws: true, headers: { origin: api } }]),
    ),
  },
});
