// The server and its worker die in the middle of a sync, as by a power cut, and come back: the page stays, says so, and is right.

import { api, ask, check, fact, given, look, signIn, tell } from './stage.mjs';

const COUNTS = 'query($id: ID!) { node(id: $id) { ... on Batch { state counts { listed stored } } } }';

async function untilServed() {
  for (;;) {
    const answer = await fetch(new URL('readyz', given.url)).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The number under a name has come this far. */
async function reaches(page, name, least) {
  while ((await fact(page, name)) < least) await page.waitForTimeout(50);
}

await tell(async ({ page, log }) => {
  const away = page.getByText('The live connection is down');
  await ask('start');
  await untilServed();
  await signIn(page, `/syncs/${given.batch}`);
  await page.locator('dl.facts').first().waitFor();
  await reaches(page, 'Stored', 1);

  await ask('kill');
  await away.waitFor();
  const seen = await fact(page, 'Stored');
  check(seen > 0, 'what was known is gone from the page');
  await page.locator('h1').getByText('Running', { exact: true }).waitFor();
  // The browser says of itself that nobody answers.
  const refused = (complaint) => /net::ERR_|WebSocket connection/.test(complaint);
  log.complaints = log.complaints.filter((complaint) => !refused(complaint));
  await look(page, 'server-away');

  await ask('start');
  await untilServed();
  await away.waitFor({ state: 'detached' });
  log.complaints = log.complaints.filter((complaint) => !refused(complaint));
  const { node } = await api(COUNTS, { id: given.batch });
  check(node.counts.stored >= seen, 'less is stored than was seen');
  await reaches(page, 'Stored', node.counts.stored);
  await page.locator('h1').getByText('Complete', { exact: true }).waitFor();
  const { node: end } = await api(COUNTS, { id: given.batch });
  check((await fact(page, 'Stored')) === end.counts.stored, `the page says ${await fact(page, 'Stored')} of ${end.counts.stored}`);
  check((await fact(page, 'Found')) === end.counts.listed, 'the page has found something else');
  // How fast it went before the power cut is known after it, in a page that has not seen it.
  await page.reload();
  await page.getByRole('heading', { name: 'Items a minute' }).waitFor();
});
