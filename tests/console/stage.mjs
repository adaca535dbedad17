// What every story about the console stands on: a browser, what it asked for, and what must hold on every page.

import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

// The packages lie in a folder of their own, which the environment names.
const require = createRequire(join(process.env.NODE_PACKAGES, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

export const given = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 860 };

export function check(holds, words) {
  if (!holds) throw new Error(words);
}

/** Runs a story in a browser of its own; it fails on any sign that a page asked another host, or that its policy was broken. */
export async function tell(story) {
  const browser = await chromium.launch({ executablePath: given.browser, args: ['--no-sandbox'] });
  const context = await browser.newContext({ viewport: DESK, locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' });
  // A busy machine takes its time; what never comes is still found.
  context.setDefaultTimeout(180_000);
  const page = await context.newPage();
  const log = watch(context);
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
  }
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

/** Links Ada's account through Google's consent page, with these words unticked; the browser comes back to the path. */
export async function consent(page, unticked = [], path = '/accounts') {
  await page.waitForURL((url) => url.origin === new URL(given.google).origin);
  const choice = page.locator('li a');
  if (await choice.count()) await choice.first().click();
  for (const word of unticked) await page.locator(`input[name=scope][value*="${word}"]`).uncheck();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL((url) => url.pathname === path);
}

/** Looks at a page as it is: no serious fault of accessibility in either theme, and a picture of each, and of a phone. */
export async function look(page, name) {
  await mkdir(given.pictures, { recursive: true });
  for (const theme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await faultless(page, `${name}, ${theme}`);
    await page.screenshot({ path: join(given.pictures, `${name}-${theme}.png`) });
  }
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
