// The whole story, by a browser alone: sign in, link with a scope unticked and link again, look, approve, watch in two tabs,
// read, search, be told of what comes, meet people, take back and bring back.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

import { api, check, closeTab, consent, deliver, fact, given, look, scriptBytes, signIn, syncNow, tell } from './stage.mjs';

/** Requests of a first load, the page and its fonts included. */
const MOST_REQUESTS = 40;

/** Waits until a sync stands so. */
const stands = (page, word) => page.locator('h1').getByText(word, { exact: true }).waitFor();

/** A mail in Hebrew, with an image from a server of our own and one that only counts its readers. */
const letter = (origin) => `From: =?utf-8?B?${Buffer.from('נועה לוי').toString('base64')}?= <noa@example.org>
To: ${given.email}
Subject: =?utf-8?B?${Buffer.from('שלום מתל אביב').toString('base64')}?=
Message-ID: <shalom@example.org>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p dir="rtl">שלום עדה, התמונה מהטיול.</p><img src="${origin}/trip.png"><img src="${origin}/pixel.png" width="1" height="1">
`;

/** A server elsewhere, that has an image and counts who asks for it. */
async function elsewhere() {
  // One pixel, which a mail may make as large as it likes.
  const image = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
  const asked = [];
  const server = createServer((request, answer) => {
    asked.push(request.url);
    answer.writeHead(200, { 'content-type': 'image/png' }).end(image);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A story that fails in the middle must end, too.
  server.unref();
  return { origin: `http://127.0.0.1:${server.address().port}`, asked, close: () => server.close() };
}

/** Presses Tab until something like this has the focus. */
async function tabTo(page, selector, most = 30) {
  for (let n = 0; n < most; n += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  check(false, `${selector} cannot be reached by the keyboard`);
}

/** What comes while the timeline is open, read in its own direction, with the images that its sender has elsewhere. */
async function arrives(page, log) {
  const other = await elsewhere();
  const first = await page.locator('.timeline-row').first().innerText();
  await deliver(letter(other.origin));
  const run = await syncNow();
  const arrivals = page.locator('.arrivals');
  await arrivals.getByText('1 new').waitFor();
  check((await page.locator('.timeline-row').first().innerText()) === first, 'the list moved under the reader');
  await arrivals.getByRole('button').click();
  const row = page.locator('.timeline-row', { hasText: 'שלום מתל אביב' });
  await row.waitFor();
  check((await row.locator('.subject').evaluate((element) => getComputedStyle(element).direction)) === 'rtl', 'Hebrew runs from left to right');
  await row.locator('a').click();
  await page.getByRole('radio', { name: 'As it was meant' }).click();
  await page.getByText('Left out').waitFor();
  check(other.asked.length === 0, 'the sender was told that the mail is read');
  await page.getByRole('button', { name: 'Show images' }).click();
  await page.getByText('came through this server').waitFor();
  const image = page.frameLocator('iframe.mail-frame').locator('img[src^="data:image/png"]');
  await image.waitFor();
  check(other.asked.join() === '/trip.png', `elsewhere was asked for ${other.asked.join()}`);
  await page.getByText('As it came from Google').click();
  await page.locator('.raw', { hasText: 'Message-ID: <shalom@example.org>' }).waitFor();
  await look(page, 'reader');
  await page.getByRole('link', { name: 'Close' }).click();

  // The whole page from right to left, as for whoever reads so.
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  await look(page, 'timeline-rtl');
  await page.evaluate(() => (document.documentElement.dir = 'ltr'));

  // It is taken back elsewhere: that is told, too.
  await api('mutation($id: ID!) { undo(input: { batchId: $id }) { batch { id } } }', { id: run });
  await arrivals.getByText('1 gone').waitFor();
  await page.locator('.timeline-row.gone', { hasText: 'שלום מתל אביב' }).waitFor();
  await arrivals.getByRole('button').click();
  await row.waitFor({ state: 'detached' });
  other.close();
  check(log.foreign.length === 0, 'the browser itself asked elsewhere');
}

/** Past the pages into the list, down it, into a mail and back, without a mouse. */
async function byKeyboard(page) {
  await page.goto(new URL('/timeline', given.url).href);
  await page.locator('.timeline-row').first().waitFor();
  await page.keyboard.press('Tab');
  check((await page.evaluate(() => document.activeElement?.textContent)) === 'Skip to the page', 'nothing leads past the pages');
  await page.keyboard.press('Enter');
  await tabTo(page, '.timeline-row > a');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const subject = await page.evaluate(() => document.activeElement?.querySelector('.subject')?.textContent);
  const third = await page.locator('.timeline-row .subject').nth(2).textContent();
  check(subject === third, `two rows down is ${subject}, not ${third}`);
  await page.keyboard.press('Enter');
  await page.locator('.reader-title', { hasText: subject || 'no subject' }).waitFor();
  await tabTo(page, '.reader-bar a');
  await page.keyboard.press('Enter');
  await page.locator('.reader-none').waitFor();
}

await tell(async ({ context, page, log }) => {
  const bytes = await scriptBytes(page, async () => {
    await page.goto(given.url);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await look(page, 'sign-in');
    await signIn(page);
    await page.getByText('Nothing is linked yet').waitFor();
    await page.waitForLoadState('networkidle');
  });
  check(bytes <= 250 * 1024, `the first load takes ${bytes} bytes of compressed scripts`);
  check(log.requests.length <= MOST_REQUESTS, `the first load asks for ${log.requests.length} things: ${log.requests.join(' ')}`);
  await look(page, 'accounts-empty');

  await page.getByRole('button', { name: 'Link a Google account' }).click();
  await consent(page, ['calendar']);
  await page.getByText('A permission is missing').waitFor();
  await page.getByText('Calendar: not granted').waitFor();
  await look(page, 'accounts-scope-missing');
  // What may be read can come in.
  await page.goto(new URL('syncs/new', given.url).href);
  await page.getByRole('heading', { name: 'What you approve' }).waitFor();
  check((await page.getByRole('alert').count()) === 0, 'the missing permission keeps the other from being used');
  await page.getByRole('link', { name: 'Accounts' }).click();
  await page.getByRole('button', { name: 'Link again at Google' }).click();
  await consent(page);
  await page.getByText('Calendar: may be read').waitFor();

  await page.getByRole('link', { name: 'Choose what comes in' }).click();
  await page.getByRole('heading', { name: 'What you approve' }).waitFor();
  const approve = page.getByRole('button', { name: 'Approve and bring it in' });
  // The preferences ask for the newest month; the rules that change are looked at anew.
  await page.getByLabel('Matching, in Gmail’s words').fill('-in:chats');
  await page.getByLabel('Days back').first().fill('36500');
  await page.getByText(`${given.mails} mails`).waitFor();
  await page.locator('.findings:not(.stale)').waitFor();
  const all = await fact(page, 'Mails');
  // The address keeps the rules.
  await page.reload();
  await page.locator('.findings:not(.stale)').waitFor();
  check((await page.getByLabel('Days back').first().inputValue()) === '36500', 'a reload has forgotten the days');
  check((await page.getByLabel('Matching, in Gmail’s words').inputValue()) === '-in:chats', 'a reload has forgotten the query');
  check((await fact(page, 'Mails')) === all, 'after a reload something else would come in');
  await page.getByRole('button', { name: /^Leave out / }).first().click();
  await page.getByText('1 address').waitFor();
  await page.locator('.findings:not(.stale)').waitFor();
  check((await fact(page, 'Mails')) < all, 'a rule more keeps nobody out');
  check((await page.locator('.sentence').innerText()).includes('1 address'), 'the consent does not say what stays out');
  await look(page, 'new-sync');
  await page.getByRole('button', { name: /^Remove / }).click();
  // What is approved is what was looked at: until the new rules were, there is nothing to approve.
  check(await approve.isDisabled(), 'a look at other rules can be approved');
  await page.locator('.findings:not(.stale)').waitFor();
  await approve.click();

  // Mid-sync: held, looked at from a second tab and after a reload, the same numbers stand everywhere.
  await page.waitForURL(/\/syncs\/.{8}/);
  await page.getByRole('button', { name: 'Pause' }).click();
  await stands(page, 'Paused');
  const second = await context.newPage();
  await second.goto(page.url());
  await stands(second, 'Paused');
  const settled = async (tab) => (await Promise.all(['Found', 'Stored', 'Kept out', 'Failed'].map((name) => fact(tab, name)))).join();
  const agree = async () => {
    for (let tries = 0; (await settled(page)) !== (await settled(second)); tries += 1) {
      check(tries < 100, `two tabs say ${await settled(page)} and ${await settled(second)}`);
      await page.waitForTimeout(100);
    }
  };
  await agree();
  await page.reload();
  await stands(page, 'Paused');
  await agree();
  await look(page, 'sync-paused');
  await second.getByRole('button', { name: 'Resume' }).click();
  await stands(page, 'Complete');
  await stands(second, 'Complete');
  await agree();
  await closeTab(second, page);
  const stored = await fact(page, 'Stored');
  check((await fact(page, 'Found')) === stored + (await fact(page, 'Kept out')), 'something is unaccounted for');
  check(stored >= given.mails, `${stored} were stored, of ${given.mails} mails alone`);
  check((await fact(page, 'On the timeline')) === stored, 'not all that is stored is on the timeline');
  // How fast it went is known to whoever comes later.
  await page.reload();
  await page.getByRole('heading', { name: 'Items a minute' }).waitFor();
  await page.locator('.uplot canvas').waitFor();
  await look(page, 'sync-complete');
  const sync = page.url();

  await page.getByRole('link', { name: 'Syncs' }).click();
  await page.getByText(`${stored.toLocaleString('en-GB')} stored`).waitFor();
  await look(page, 'syncs');
  await page.getByRole('link', { name: 'Accounts' }).click();
  await page.getByText('Complete and in step').waitFor();
  const units = await page.locator('b', { hasText: /units?$/ }).innerText();
  check(parseInt(units.replaceAll(',', ''), 10) >= 20 * given.mails, `the quota of today is ${units}`);
  await look(page, 'accounts');

  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.locator('.timeline-row').first().waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByRole('radio', { name: 'Mail', exact: true }).click();
  await page.waitForURL(/kind=EMAIL/);
  await page.locator('.timeline-row .glyph.mail').first().waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
  // Of a conversation the newest mail is there, and the others when one wants them.
  const fold = page.locator('.fold').first();
  const others = Number.parseInt(await fold.innerText(), 10) - 1;
  await fold.click();
  await page.locator('.timeline-row.within').nth(others - 1).waitFor();
  await look(page, 'timeline-unfolded');
  await fold.click();
  await page.locator('.timeline-row.within').first().waitFor({ state: 'detached' });
  await page.goto(new URL('/timeline', given.url).href);
  await page.locator('.timeline-row').first().waitFor();
  await arrives(page, log);
  await byKeyboard(page);
  await page.getByRole('searchbox').fill('invoice');
  await page.keyboard.press('Enter');
  await page.locator('mark').first().waitFor();
  check(/q=invoice/.test(page.url()), 'the search is not in the address');
  await page.locator('.timeline-row a').first().click();
  await page.locator('.reader-title').waitFor();
  await page.getByText('Why is it here?').click();
  await page.getByRole('link', { name: 'this sync' }).waitFor();
  await look(page, 'timeline');
  // A deep link shows the same.
  const title = await page.locator('.reader-title').innerText();
  await page.reload();
  await page.locator('.reader-title', { hasText: title }).waitFor();

  await page.getByRole('link', { name: 'People' }).click();
  await page.locator('.contact-row a').first().click();
  await page.getByRole('heading', { name: 'What was between you' }).waitFor();
  await page.locator('.year[role=img]:not([aria-label*=": 0 in all"])').waitFor();
  await look(page, 'people');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('The first of them');
  await page.keyboard.press('Enter');
  await page.locator('.contact-row', { hasText: 'The first of them' }).waitFor();
  await page.getByRole('radio', { name: 'One person?' }).click();
  await page.getByRole('button', { name: 'Two people' }).or(page.getByText('Nobody seems to be two')).first().waitFor();
  await look(page, 'people-suggestions');

  await page.getByRole('link', { name: 'Insights' }).click();
  await page.getByRole('heading', { name: 'Each day' }).waitFor();
  await page.locator('.uplot canvas').first().waitFor();
  await page.getByRole('radio', { name: '365 days' }).click();
  await page.waitForURL(/days=365/);
  await page.getByRole('heading', { name: 'With whom' }).waitFor();
  await page.getByRole('heading', { name: 'Google’s quota' }).waitFor();
  await page.getByText('Without a failure').waitFor();
  await look(page, 'insights');

  await page.goto(sync);
  await page.getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Removes').waitFor();
  const forecast = await page.locator('.forecast').innerText();
  check(forecast.includes(`${given.mails} mails`), `the forecast says: ${forecast}`);
  await look(page, 'undo');
  await page.getByRole('button', { name: 'Take it back' }).click();
  await stands(page, 'Taken back');
  check((await fact(page, 'Taken away')) === stored, 'not all of it was taken away');
  await look(page, 'sync-taken-back');
  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.getByText('The timeline is empty').waitFor();
  await look(page, 'timeline-empty');

  await page.goto(sync);
  await page.getByRole('button', { name: 'Bring it back' }).click();
  await stands(page, 'Complete');
  check((await fact(page, 'On the timeline')) === stored, 'not all of it is back');

  await page.getByRole('link', { name: 'Activity' }).click();
  await page.getByRole('link', { name: 'Undo' }).first().waitFor();
  await look(page, 'activity');
  await page.getByRole('button', { name: /What$/ }).click();
  await page.getByRole('option', { name: 'Undo', exact: true }).click();
  await page.waitForURL(/what=UNDO/);
  await page.getByRole('cell', { name: 'Approve' }).first().waitFor({ state: 'detached' });
  const saved = async (kind) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: kind }).click()]);
    return readFile(await file.path(), 'utf8');
  };
  const entries = JSON.parse(await saved('JSON'));
  const { audit } = await api('{ audit(first: 100, filter: { action: [UNDO] }) { nodes { at } } }');
  check(entries.length === audit.nodes.length && entries.every(({ action }) => action === 'UNDO'), 'something else was saved than asked for');
  check((await saved('CSV')).split('\r\n').length === entries.length + 1, 'the CSV has other entries');
  await page.getByRole('button', { name: 'Take all off' }).click();
  await page.getByRole('radio', { name: 'Background work' }).click();
  await page.locator('.chip', { hasText: 'Finished' }).first().waitFor();
  await look(page, 'activity-jobs');

  await page.getByRole('link', { name: 'Accounts' }).click();
  await page.getByRole('button', { name: `More for ${given.email}` }).click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await page.getByText(`${given.mails} mails and`).first().waitFor();
  await look(page, 'disconnect');
  await page.getByRole('button', { name: 'Stay linked' }).click();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});
