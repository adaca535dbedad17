// A timeline without an end: however far one scrolls, a few rows are in the page. With `seconds`, also how smooth that is.
//
// The rows are the story's own, made of the first one that the server gives: nobody has a hundred thousand mails to bring in.

import { check, given, signIn, tell } from './stage.mjs';

const PAGE = 50;
/** Most rows that may be in the page at once. */
const MOST_LINES = 90;
/** The longest that the page may not answer, in milliseconds. */
const LONGEST_TASK = 100;

/** The answer to a page of the timeline, from the row of this number on. */
function pageOf(template, from) {
  const edges = Array.from({ length: Math.min(PAGE, given.rows - from) }, (_, index) => {
    const number = from + index;
    const id = Buffer.from(`Interaction:${number.toString(16).padStart(32, '0')}`).toString('base64url');
    // Every third one belongs to a conversation that was begun before.
    const conversation = { __typename: 'Thread', id: `thread ${Math.floor(number / 30)} ${number % 3 ? number : ''}`, nInteractions: number % 3 ? 1 : 10 };
    const node = { ...template, id, subject: `Row ${number}`, kind: 'EMAIL', allDay: null, conversation, occurredAt: new Date(Date.UTC(2026, 10, 1) - number * 420_000).toISOString() };
    return { __typename: 'InteractionEdge', highlights: null, node };
  });
  const next = from + edges.length;
  const pageInfo = { __typename: 'PageInfo', endCursor: String(next), hasNextPage: next < given.rows };
  return { data: { timeline: { __typename: 'InteractionConnection', changesCursor: null, edges, pageInfo } } };
}

/** Scrolls on, frame by frame; gives what was seen on the way. */
function scroll({ pixels, seconds, isOver }) {
  return new Promise((resolve) => {
    const list = document.querySelector('.timeline-list');
    const seen = { lines: 0, longest: 0, frames: 0, tasks: [] };
    const begin = performance.now();
    const when = ({ startTime, duration }) => `${Math.round(duration)} ms after ${((startTime - begin) / 1_000).toFixed(1)} s`;
    const observer = new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) {
        if (entry.entryType === 'longtask') {
          seen.longest = Math.max(seen.longest, entry.duration);
          seen.tasks.push(when(entry));
        }
        // The frame that a task was in says whose it was.
        for (const script of entry.scripts ?? []) seen.tasks.push(`(${script.invoker} ${when(script)}, ${Math.round(script.forcedStyleAndLayoutDuration)} ms of it layout)`);
      }
    });
    observer.observe({ type: 'longtask' });
    observer.observe({ type: 'long-animation-frame' });
    const step = () => {
      list.scrollTop += pixels;
      seen.frames += 1;
      seen.lines = Math.max(seen.lines, document.querySelectorAll('.timeline-line').length);
      const isDone = isOver ? document.body.innerText.includes(isOver) : performance.now() - begin > seconds * 1_000;
      if (!isDone) return void requestAnimationFrame(step);
      observer.disconnect();
      resolve(seen);
    };
    step();
  });
}

await tell(async ({ page }) => {
  let template = null;
  await page.route('**/graphql', async (route) => {
    const asked = route.request().postDataJSON();
    if (asked.operationName !== 'Timeline') return route.continue();
    if (!template) {
      const answer = await (await route.fetch()).json();
      template = answer.data.timeline.edges[0].node;
    }
    return route.fulfill({ json: pageOf(template, Number(asked.variables.after ?? 0)) });
  });
  await signIn(page, '/timeline');
  await page.locator('.timeline-row').first().waitFor();
  const deep = await page.evaluate(scroll, { pixels: 4_000, seconds: 0, isOver: `Row ${given.rows - 2}` });
  check(deep.lines <= MOST_LINES, `${deep.lines} lines were in the page at once`);
  // What belongs to a conversation further up has no line of its own.
  check(!(await page.getByText(`Row ${given.rows - 1}`, { exact: true }).count()) || (given.rows - 1) % 3 !== 0, 'a conversation is not folded');
  if (!given.seconds) return;
  await page.evaluate(() => document.querySelector('.timeline-list').scrollTo(0, 0));
  const { longest, frames, lines, tasks } = await page.evaluate(scroll, { pixels: 60, seconds: given.seconds, isOver: null });
  console.error(`${given.rows} rows, ${given.seconds} s of scrolling: ${frames} frames, ${lines} lines at most, longest task ${Math.round(longest)} ms; tasks of more than 50 ms: ${tasks.join(', ') || 'none'}`);
  check(longest <= LONGEST_TASK, `the page did not answer for ${Math.round(longest)} ms`);
});
