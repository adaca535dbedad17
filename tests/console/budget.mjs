// How soon a page can be used on this machine: from the click on a link to the console, in a browser that is open, until something of
// one's own is there and answers, with nothing in the browser's cache.

import { check, signIn, tell } from './stage.mjs';

/** In milliseconds. */
const BUDGET = 1_000;

const PAGES = [
  ['/accounts', '.account-name'],
  ['/timeline', '.timeline-row a'],
  ['/people', '.contact-row a'],
  ['/syncs', '.batch-row a'],
];

/** Waits until the browser has made its own window. Its bars are pages, too, and take more than a second of processor time. */
async function opened(context) {
  const cdp = await context.browser().newBrowserCDPSession();
  const spent = async () => {
    const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 250));
  let before = await spent();
  for (let tries = 0; ; tries += 1) {
    await pause();
    const now = await spent();
    if (now - before < 0.025) return;
    check(tries < 100, 'the browser does not come to rest');
    before = now;
  }
}

await tell(async ({ context }) => {
  await opened(context);
  for (const [path, something] of PAGES) {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
    const begin = Date.now();
    await signIn(page, path);
    const found = page.locator(something).first();
    await found.waitFor();
    // It takes the focus: scripts have run, and nothing holds the page.
    await found.focus();
    const took = Date.now() - begin;
    console.error(`${path}: ${took} ms`);
    check(took < BUDGET, `${path} takes ${took} ms`);
    await page.close();
  }
});
