// GraphiQL as we serve it: the tabs of a first visit tell the story from left to right, a query is typed with the editor's help,
// and a subscription runs to its end.

import { check, closeTab, consent, given, tell } from './stage.mjs';

/** What stands in the answer's pane. The editor keeps only the lines that can be seen, with its own spaces. */
async function shown(page) {
  const lines = await page.locator('.graphiql-response .view-line').allInnerTexts();
  return lines.join('\n').replaceAll('\u00a0', ' ');
}

/** The button, as it is while nothing runs: until then it would stop what does. */
const execute = (page) => page.getByRole('button', { name: 'Execute query' });

/** Waits until words stand in the answer's pane. */
async function says(page, words) {
  await page.locator('.graphiql-response .view-lines').getByText(words).first().waitFor();
}

/** How an operation of this name begins. */
const named = (name) => new RegExp(`(query|mutation|subscription)\\s${name}\\b`);

async function open(page, name) {
  await page.getByRole('tab').getByRole('button', { name, exact: true }).click();
  await page.locator('.graphiql-query-editor .view-line', { hasText: named(name) }).waitFor();
}

/** Runs a tab; gives the data that came. */
async function run(page, name) {
  await open(page, name);
  const answered = page.waitForResponse((answer) => named(name).test(answer.request().postData()));
  await execute(page).click();
  const { data, errors } = await (await answered).json();
  await execute(page).waitFor();
  check(!errors, `${name}: ${JSON.stringify(errors)}`);
  for (const { userErrors } of Object.values(data)) check(!userErrors?.length, `${name}: ${JSON.stringify(userErrors)}`);
  return data;
}

/** Subscribes to the batch and waits until it has ended in this state. */
async function watch(page, state) {
  await open(page, 'Progress');
  await execute(page).click();
  await says(page, `"${state}"`);
  // The server says that it is over, so there is nothing left to stop.
  await execute(page).waitFor();
  check((await shown(page)).includes('"percent"'), `no progress is shown: ${await shown(page)}`);
}

await tell(async ({ context, page }) => {
  await page.goto(`${given.url}graphiql#token=${given.token}`);
  await page.getByRole('tab', { name: 'Connect' }).waitFor();
  check(!page.url().includes('token'), 'the token stays in the address');

  const { connect } = await run(page, 'Connect');
  await says(page, 'authorizationUrl');
  const other = await context.newPage();
  await other.goto(connect.authorizationUrl);
  await consent(other, [], '/connected');
  await other.getByText('The account is linked').waitFor();
  await closeTab(other, page);

  const { viewer } = await run(page, 'Accounts');
  check(viewer.accounts[0].email === given.email, `linked is ${viewer.accounts[0].email}`);
  const { preview } = await run(page, 'Preview');
  check(preview.preview.mail.atLeast === given.mails, `the preview finds ${preview.preview.mail.atLeast} mails`);
  await run(page, 'Approve');
  await watch(page, 'SUCCEEDED');

  const first = (await run(page, 'Timeline')).timeline;
  check(first.nodes.length === 20 && first.pageInfo.hasNextPage, `a page of ${first.nodes.length}`);
  await page.getByRole('button', { name: 'Variables' }).click();
  await page.locator('.graphiql-editor-tool .monaco-editor').first().click();
  await page.keyboard.insertText(JSON.stringify({ after: first.pageInfo.endCursor }));
  const second = (await run(page, 'Timeline')).timeline;
  check(second.nodes.length > 0 && second.nodes[0].occurredAt <= first.nodes.at(-1).occurredAt, 'the second page is no later page');

  // By hand, in a tab of one's own: the schema is there, so the editor knows the word.
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .monaco-editor').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('query Mine { view');
  await page.locator('.suggest-widget').getByText('viewer').first().waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type(' { id } ');
  const answered = page.waitForResponse((answer) => answer.request().postData()?.includes('Mine'));
  await page.keyboard.press('ControlOrMeta+Enter');
  const mine = await (await answered).json();
  check(typeof mine.data?.viewer.id === 'string', `what was typed: ${JSON.stringify(mine)}`);
  await says(page, mine.data.viewer.id);

  await run(page, 'Undo');
  await watch(page, 'UNDONE');
  // The second page is asked for still; nothing is on it, either.
  check((await run(page, 'Timeline')).timeline.nodes.length === 0, 'something is left on the timeline');
});
