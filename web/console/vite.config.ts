import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

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
    // `npm run dev` beside a running `omnisync dev`.
    proxy: { '/graphql': { target: 'http://127.0.0.1:4000', ws: true } },
  },
});
