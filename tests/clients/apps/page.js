// What a page does around its library: it leaves for the consent page, and the story goes on when the browser comes back.
//
// Whoever drives the browser puts `given` there before anything runs, and waits for `outcome`.

import { begin, tell } from './story.js';

async function run(start) {
  const { given } = globalThis;
  const app = start(given);
  const accountId = new URLSearchParams(location.search).get('connected');
  if (!accountId) {
    // The cookie that came with the answer is what lets this browser finish the link.
    location.assign(await begin(app, given.email, { returnTo: location.href }));
    return;
  }
  await tell(app, accountId, given);
  await app.close();
  globalThis.outcome = 'told';
}

export function runInPage(start) {
  run(start).catch((error) => {
    globalThis.outcome = `${error?.stack ?? JSON.stringify(error)}`;
  });
}
