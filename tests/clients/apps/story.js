// The story that every application tells, whatever it is made of. It runs in Node.js and in a page.

export function check(holds, words) {
  if (!holds) throw new Error(words);
}

/** The payload of a mutation that must not have been refused. */
function done(payload) {
  const [refusal] = payload.userErrors;
  check(!refusal, `refused: ${refusal?.code} ${refusal?.message}`);
  return payload;
}

/** Begins to link the person's account; gives the address of the consent page. */
export async function begin(app, email, input) {
  const { connect } = await app.ask('connect', { input: { loginHint: email, ...input } });
  return done(connect).authorizationUrl;
}

/** Finishes a link that was begun with `handOver`; gives the account's id. */
export async function finish(app, connectCode) {
  const { finishConnect } = await app.ask('finishConnect', { input: { connectCode } });
  return done(finishConnect).accountId;
}

/** Everything from a linked account to the empty timeline after an undo. `mails` are as many as the preview must find. */
export async function tell(app, accountId, { email, mails }) {
  const { viewer } = await app.ask('accounts', {});
  check(viewer.accounts.length === 1, `${viewer.accounts.length} accounts are linked`);
  check(viewer.accounts[0].id === accountId && viewer.accounts[0].email === email, `another account is linked: ${viewer.accounts[0].email}`);
  const { timeline: empty } = await app.ask('timeline', { first: 25 });
  check(empty.edges.length === 0, 'something is on the timeline before anything was approved');

  const batchId = await approve(app, accountId, mails);
  const last = await watch(app, batchId, undefined, 'SUCCEEDED');
  check(last.percent === 100 && last.batch.counts.stored >= mails, `at the end: ${JSON.stringify(last)}`);
  for await (const again of app.watchBatch(batchId, last.seq)) throw new Error(`told again: ${JSON.stringify(again)}`);

  const rows = await read(app);
  const mailRows = [...rows.values()].filter(({ kind }) => kind === 'EMAIL');
  check(mailRows.length === mails, `${mailRows.length} mails of ${mails} are on the timeline`);
  const copy = new Map();
  const place = await follow(app, copy, empty.changesCursor, () => copy.size === rows.size);
  check([...rows.keys()].every((id) => copy.has(id)), 'the copy holds something else than the timeline');

  await undo(app, batchId, mails);
  await watch(app, batchId, last.seq, 'UNDONE');
  // Who comes back with the last cursor is told what has changed meanwhile.
  await follow(app, copy, place, () => copy.size === 0);
  check((await read(app)).size === 0, 'something is left on the timeline');
}

async function approve(app, accountId, mails) {
  const everything = { gmailQuery: '-in:chats', mailDaysBack: 36_500, calendarDaysBack: 400, calendarDaysAhead: 400 };
  const looked = await app.ask('preview', { input: { accountId, ...everything } });
  const { preview } = done(looked.preview);
  check(preview.mail.atLeast === mails, `the preview finds ${preview.mail.atLeast} mails of ${mails}`);
  const input = { previewId: preview.id, idempotencyKey: `approve ${preview.id}` };
  const ids = [];
  for (let times = 0; times < 2; times += 1) ids.push(done((await app.ask('approve', { input })).approve).batch.id);
  check(ids[0] === ids[1], 'the same key approved twice');
  return ids[0];
}

/** The last state of a batch; it must be this one, and none may be told out of order. */
async function watch(app, batchId, after, state) {
  let last = { seq: after ?? -1, batch: {} };
  for await (const progress of app.watchBatch(batchId, after)) {
    check(progress.seq > last.seq, `state ${progress.seq} after ${last.seq}`);
    check(progress.batch.id === batchId, 'another batch is told of');
    last = progress;
  }
  check(last.batch.state === state, `the batch ended as ${last.batch.state} ${last.batch.error}`);
  return last;
}

/** All pages of the timeline, as a map by ids. */
async function read(app) {
  const rows = new Map();
  let n = 0;
  for await (const page of app.readTimeline({})) {
    for (const row of page) rows.set(row.id, row);
    n += page.length;
  }
  check(n === rows.size, `${n - rows.size} rows are on two pages`);
  return rows;
}

/** Follows the changes until the copy is as it should be; gives the place of the copy then. */
async function follow(app, copy, after, isThere) {
  for await (const cursor of app.followTimeline(copy, after)) if (isThere()) return cursor;
  throw new Error(`the changes ended, and the copy has ${copy.size} rows`);
}

async function undo(app, batchId, mails) {
  const forecast = done((await app.ask('undo', { input: { batchId, dryRun: true } })).undo);
  const removed = forecast.counts.find(({ service }) => service === 'GMAIL').removed;
  check(removed === mails, `the undo would take away ${removed} mails of ${mails}`);
  done((await app.ask('undo', { input: { batchId } })).undo);
}

/** What a library tells a sink, as something to iterate over. */
export async function* iterate(subscribe) {
  const told = [];
  let wake = () => {};
  const tell = (event) => {
    told.push(event);
    wake();
  };
  const subscription = subscribe({
    next: (value) => tell({ value }),
    error: (error) => tell({ error }),
    complete: () => tell({ isOver: true }),
  });
  try {
    for (;;) {
      while (told.length === 0) await new Promise((resolve) => (wake = resolve));
      const { value, error, isOver } = told.shift();
      if (error) throw error;
      if (isOver) return;
      yield value;
    }
  } finally {
    (subscription.unsubscribe ?? subscription.dispose).call(subscription);
  }
}

/** Keeps a copy of the timeline in step with the changes that come; gives the place of the copy after each. */
export async function* copyInStep(copy, changes) {
  for await (const { added, changed, removed, cursor, reset } of changes) {
    check(!reset, 'the place of the copy is not known');
    for (const row of [...added, ...changed]) copy.set(row.id, row);
    for (const id of removed) copy.delete(id);
    yield cursor;
  }
}

/** The pages that `ask` gives, each with the end of the one before as `after`. */
export async function* pagesOf(ask) {
  for (let after = null; ; ) {
    const { timeline } = await ask({ first: 25, after });
    yield timeline.edges.map(({ node }) => node);
    if (!timeline.pageInfo.hasNextPage) return;
    after = timeline.pageInfo.endCursor;
  }
}
