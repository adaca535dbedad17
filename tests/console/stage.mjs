// What every story about the console stands on: a browser, what it asked for, and what must hold on every page.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';

// The packages lie in a folder of their own, which the environment names.
const require = createRequire(join(process.env.NODE_PACKAGES, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

export const given = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 860 };
/** A story that takes longer hangs: a browser that does not answer, a connection that nobody closes. */
const LONGEST_MS = 15 * 60_000;

export function check(holds, words) {
  if (!holds) throw new Error(words);
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the test do something that a browser cannot, and waits until it is done. */
export async function ask(what) {
  console.log(what);
  await answers.next();
}

/** Asks the API as Ada's program would, beside the browser. */
export async function api(query, variables = {}) {
  const answer = await fetch(new URL('graphql', given.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${given.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  check(!errors, `${query}: ${JSON.stringify(errors)}`);
  return data;
}

/** Puts a mail into Ada's mailbox at Google. */
export async function deliver(mail) {
  const url = new URL(`_sandbox/accounts/${given.email}/messages`, given.google);
  const answer = await fetch(url, { method: 'POST', body: mail.replaceAll('\n', '\r\n') });
  check(answer.ok, `the sandbox says ${answer.status}`);
}

/** Brings in what is new, and gives the run. */
export async function syncNow() {
  const { viewer } = await api('{ viewer { accounts { id } } }');
  const run = 'mutation($id: ID!) { syncNow(input: { accountId: $id }) { batch { id } } }';
  return (await api(run, { id: viewer.accounts[0].id })).syncNow.batch.id;
}

/** Runs a story in a browser of its own; it fails on any sign that a page asked another host, or that its policy was broken. */
export async function tell(story) {
  // A page that did not come from this machine itself may not talk to it.
  const args = process.env.CONSOLE_DIST ? ['--no-sandbox', '--disable-features=LocalNetworkAccessChecks'] : ['--no-sandbox'];
  const browser = await chromium.launch({ executablePath: given.browser, args });
  const context = await browser.newContext({ viewport: DESK, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  // A busy machine takes its time; what never comes is still found.
  context.setDefaultTimeout(180_000);
  if (process.env.CONSOLE_DIST) await serveFrom(context, process.env.CONSOLE_DIST);
  const page = await context.newPage();
  const log = watch(context);
  setTimeout(() => {
    console.error(`the story is not over after ${LONGEST_MS / 60_000} minutes, at`, page.url(), log);
    process.exit(1);
  }, LONGEST_MS).unref();
  try {
    await story({ context, page, log });
    check(log.foreign.length === 0, `another host was asked: ${log.foreign.join(' ')}`);
    check(log.complaints.length === 0, `the browser complains: ${log.complaints.join('\n')}`);
    console.log('told');
  } catch (error) {
    await mkdir(given.pictures, { recursive: true });
    await page.screenshot({ path: join(given.pictures, 'failed.png') }).catch(() => undefined);
    console.error(error, '\nat', page.url(), log);
    process.exitCode = 1;
  } finally {
    await browser.close();
    answers.return?.();
    process.stdin.destroy();
  }
}

/** While one works on the console: pages from a folder that was just built, instead of those in the binary. */
async function serveFrom(context, dist) {
  await context.route('**/console/assets/*', (route) => {
    const path = join(dist, 'console/assets', basename(new URL(route.request().url()).pathname));
    return existsSync(path) ? route.fulfill({ path }) : route.fallback();
  });
  await context.route('**/*', async (route) => {
    const request = route.request();
    if (request.resourceType() !== 'document' || !request.url().startsWith(given.url) || request.url().includes('/oauth/')) return route.fallback();
    const response = await route.fetch({ maxRedirects: 0 });
    if (!response.headers()['content-type']?.startsWith('text/html')) return route.fulfill({ response });
    return route.fulfill({ response, body: await readFile(join(dist, 'index.html')) });
  });
}

/** Everything the browser asked for and complained about. */
function watch(context) {
  const log = { requests: [], foreign: [], refused: [], complaints: [], dialogs: [], popups: [] };
  const own = [new URL(given.url).origin, new URL(given.google).origin];
  context.on('request', (request) => {
    const url = request.url();
    log.requests.push(url);
    // A script is no request; whether one ran, the dialogs say.
    if (/^(data|blob|about|javascript):/.test(url)) return;
    if (!own.includes(new URL(url).origin)) log.foreign.push(url);
  });
  // What the browser itself refused has asked nobody.
  context.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    if (!/BLOCKED_BY_CSP|^csp$/.test(why)) return log.refused.push(`${request.url()}: ${why}`);
    log.refused.push(request.url());
    for (const list of [log.requests, log.foreign]) {
      const at = list.lastIndexOf(request.url());
      if (at >= 0) list.splice(at, 1);
    }
  });
  context.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' || text.includes('Content Security Policy')) log.complaints.push(text);
  });
  context.on('weberror', (error) => log.complaints.push(String(error.error())));
  context.on('dialog', (dialog) => {
    log.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  return log;
}

/** Signs in as an operator's page does: by the token in the address. */
export async function signIn(page, path = '/') {
  await page.goto(`${given.url.replace(/\/$/, '')}${path}#token=${given.token}`);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  check(!page.url().includes('token'), 'the token stays in the address');
}

/** Closes a second tab. The browser may draw nothing in the first until it is in front again. */
export async function closeTab(tab, page) {
  await tab.close();
  await page.bringToFront();
}

/** Links Ada's account through Google's consent page, with these words unticked; the browser comes back to the path. */
export async function consent(page, unticked = [], path = '/accounts') {
  await page.waitForURL((url) => url.origin === new URL(given.google).origin);
  const choice = page.locator('li a');
  if (await choice.count()) await choice.first().click();
  for (const word of unticked) await page.locator(`input[name=scope][value*="${word}"]`).uncheck();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL((url) => url.pathname === path);
  // Where a redirect leads, no other folder is put in.
  if (process.env.CONSOLE_DIST) await page.reload();
}

/** Looks at a page as it is: no serious fault of accessibility in either theme, and a picture of each, and of a phone. */
export async function look(page, name) {
  await mkdir(given.pictures, { recursive: true });
  for (const theme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await faultless(page, `${name}, ${theme}`);
    await page.screenshot({ path: join(given.pictures, `${name}-${theme}.png`) });
  }
  // Who wants no motion gets none, whatever is going on.
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => one.effect.getComputedTiming().activeDuration > 100).length);
  check(moving === 0, `${name}: something moves`);
  await page.setViewportSize(PHONE);
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, undefined, { timeout: 5_000 }).catch(() => {
    throw new Error(`${name} is wider than a phone`);
  });
  await faultless(page, `${name}, on a phone`);
  await page.screenshot({ path: join(given.pictures, `${name}-phone.png`) });
  await page.setViewportSize(DESK);
}

async function faultless(page, where) {
  // The colours of the other theme are there a frame later.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], iframes: false }));
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const words = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n  ${failureSummary}`).join('\n')}`);
  check(serious.length === 0, `${where}: ${words.join('\n')}`);
}

/** Compressed bytes of the scripts that a page loads. */
export async function scriptBytes(page, load) {
  const scripts = [];
  const note = (answer) => {
    if (answer.request().resourceType() === 'script') scripts.push(answer);
  };
  page.on('response', note);
  await load();
  page.off('response', note);
  const sizes = await Promise.all(scripts.map(async (answer) => gzipSync(await answer.body()).length));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The number that stands under a name, as in `Stored 1,981`; the first of them where that is a range. */
export async function fact(page, name) {
  const text = await page.locator('dl.facts > div', { has: page.getByText(name, { exact: true }) }).locator('dd').first().innerText();
  return Number((/\d[\d,]*/.exec(text)?.[0] ?? '').replaceAll(',', ''));
}
