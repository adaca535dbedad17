// The whole story, by a browser alone: sign in, link with a scope unticked and link again, look, approve, watch in two tabs,
// read, search, meet people, take back and bring back.

import { check, consent, fact, given, look, scriptBytes, signIn, tell } from './stage.mjs';

/** Waits until a sync stands so. */
const stands = (page, word) => page.locator('h1').getByText(word, { exact: true }).waitFor();

await tell(async ({ context, page }) => {
  await page.goto(given.url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await look(page, 'sign-in');

  const bytes = await scriptBytes(page, async () => {
    await signIn(page);
    await page.getByText('Nothing is linked yet').waitFor();
    await page.waitForLoadState('networkidle');
  });
  check(bytes <= 250 * 1024, `the first load takes ${bytes} bytes of compressed scripts`);
  await look(page, 'accounts-empty');

  await page.getByRole('button', { name: 'Link a Google account' }).click();
  await consent(page, ['calendar']);
  await page.getByText('A permission is missing').waitFor();
  await page.getByText('Calendar: not granted').waitFor();
  await look(page, 'accounts-scope-missing');
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
  await second.close();
  const stored = await fact(page, 'Stored');
  check((await fact(page, 'Found')) === stored + (await fact(page, 'Kept out')), 'something is unaccounted for');
  check(stored >= given.mails, `${stored} were stored, of ${given.mails} mails alone`);
  check((await fact(page, 'On the timeline')) === stored, 'not all that is stored is on the timeline');
  await look(page, 'sync-complete');
  const sync = page.url();

  await page.getByRole('link', { name: 'Syncs' }).click();
  await page.getByText(`${stored.toLocaleString('en-GB')} stored`).waitFor();
  await look(page, 'syncs');
  await page.getByRole('link', { name: 'Accounts' }).click();
  await page.getByText('Complete and in step').waitFor();
  await look(page, 'accounts');

  await page.getByRole('link', { name: 'Timeline' }).click();
  await page.locator('.timeline-row').first().waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByRole('radio', { name: 'Mail', exact: true }).click();
  await page.waitForURL(/kind=EMAIL/);
  await page.locator('.timeline-row .glyph.mail').first().waitFor();
  await page.getByRole('button', { name: 'Filters' }).click();
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
  await page.getByRole('radio', { name: 'Background work' }).click();
  await page.locator('.chip', { hasText: 'Finished' }).first().waitFor();
  await look(page, 'activity-jobs');

  await page.getByRole('link', { name: 'Accounts' }).click();
  await page.getByRole('button', { name: `More for ${given.email}` }).click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await page.getByText('stay on the timeline').waitFor();
  await look(page, 'disconnect');
  await page.getByRole('button', { name: 'Stay linked' }).click();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});
