// Has every application tell its story: those of browsers in one Chromium, each with a person of its own, beside those of
// Node.js.
//
// Says on standard output which origin its pages have; then reads a line of JSON from standard input: the address of the API,
// the browser, and the stories with their names, tokens, addresses and numbers of mails. Ends with a line of JSON: what became
// of each story, `told` or why not.

import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

import { relay } from './relay/plugin.mjs';
import { begin, finish, tell } from './story.js';

const IN_NODE = ['graphql-ws', 'graphql-sse'];
const IN_A_PAGE = ['apollo', 'urql-ws', 'urql-sse', 'relay'];
// A busy machine takes its time; what never comes is still found.
const PATIENCE = 240_000;

const bundles = join(import.meta.dirname, 'bundles');
const common = { bundle: true, format: 'esm', outdir: bundles, loader: { '.graphql': 'text' }, logLevel: 'warning', jsx: 'automatic' };

async function bundle() {
  await mkdir(bundles, { recursive: true });
  const paths = (names) => names.map((name) => ({ in: name === 'relay' ? 'relay/Story.jsx' : `${name}.js`, out: name }));
  await Promise.all([
    build({ ...common, entryPoints: paths(IN_NODE), platform: 'node', outExtension: { '.js': '.mjs' }, external: ['ws'] }),
    build({
      ...common,
      entryPoints: paths(IN_A_PAGE),
      // What libraries say only to their developers is worth hearing.
      define: { 'process.env.NODE_ENV': '"development"', global: 'globalThis' },
      plugins: [relay],
    }),
  ]);
}

/** Serves a page for each bundle. */
function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://pages');
    const name = IN_A_PAGE.find((name) => pathname.startsWith(`/${name}`));
    if (name && pathname.endsWith('.js')) {
      response.setHeader('content-type', 'text/javascript').end(await readFile(join(bundles, `${name}.js`)));
    } else {
      const page = `<!doctype html><title>${name}</title><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/${name}.js"></script>`;
      response.setHeader('content-type', 'text/html').end(page);
    }
  });
  return server.listen(0, '127.0.0.1');
}

/** Opens a consent page, says yes to everything, and gives the address at which the browser arrives. */
async function consent(page, email, origin) {
  await page.waitForURL((url) => url.pathname.startsWith('/o/oauth2/'));
  const choice = page.locator('li a', { hasText: email });
  const agree = page.getByRole('button', { name: 'Continue' });
  await choice.or(agree).first().waitFor();
  if (await choice.count()) await choice.click();
  await agree.click();
  await page.waitForURL((url) => url.origin === origin);
  return new URL(page.url());
}

async function inNode(name, given, context, origin) {
  const { start } = await import(pathToFileURL(join(bundles, `${name}.mjs`)));
  const app = start(given);
  const page = await context.newPage();
  // What comes back there goes to nobody but this program.
  await page.goto(await begin(app, given.email, { handOver: true, returnTo: `${origin}/done` }));
  const back = await consent(page, given.email, origin);
  await tell(app, await finish(app, back.searchParams.get('connectCode')), given);
  await app.close();
  return 'told';
}

async function inPage(name, given, context, origin) {
  await context.addInitScript((given) => (globalThis.given = given), given);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.stack));
  await page.goto(`${origin}/${name}`);
  await consent(page, given.email, origin);
  await page.waitForFunction(() => globalThis.outcome, undefined, { polling: 50 });
  const outcome = await page.evaluate(() => globalThis.outcome);
  return [outcome, ...complaints].join('\n');
}

async function main() {
  const server = serve();
  const [line] = await Promise.all([
    once(server, 'listening').then(() => {
      console.log(`http://127.0.0.1:${server.address().port}`);
      return once(createInterface({ input: process.stdin }), 'line');
    }),
    bundle(),
  ]);
  const { url, browser: executablePath, stories } = JSON.parse(line);
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const outcomes = await Promise.all(
    stories.map(async ({ name, ...given }) => {
      const context = await browser.newContext({ locale: 'en-GB' });
      context.setDefaultTimeout(PATIENCE);
      const run = IN_NODE.includes(name) ? inNode : inPage;
      const told = run(name, { url, ...given }, context, origin).catch((error) => error.stack ?? JSON.stringify(error));
      const outcome = await Promise.race([told, setTimeout(PATIENCE, 'it came to no end', { ref: false })]);
      await context.close();
      return [name, outcome];
    }),
  );
  await browser.close();
  server.close();
  console.log(JSON.stringify(Object.fromEntries(outcomes)));
  process.exit();
}

await main();
