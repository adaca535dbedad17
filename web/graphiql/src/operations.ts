// The first visit's tabs, in the order of the pipeline: link an account, look, approve, watch, read, take it back.
// Each carries the variables it needs; replace the ids by those the tab before it answered with.

/** One tab: an operation and its variables. */
type Tab = { query: string; variables?: string };

function tab(query: string, variables?: object): Tab {
  return { query: query.trim() + '\n', variables: variables && JSON.stringify(variables, null, 2) };
}

export const operations: Tab[] = [
  tab(
    `
# 1. Link an account: open authorizationUrl in a new browser tab and consent there.
mutation Connect($input: ConnectInput!) {
  connect(input: $input) {
    authorizationUrl
    expiresAt
    userErrors { code field message }
  }
}`,
    { input: { provider: 'GOOGLE', services: ['GMAIL', 'CALENDAR'] } },
  ),
  tab(`
# 2. The accounts you have linked. Take an id from here.
query Accounts {
  viewer {
    accounts {
      id
      provider
      email
      state
    }
  }
}`),
  tab(
    `
# 3. What a sync would bring in. Nothing is stored yet.
mutation Preview($input: PreviewInput!) {
  preview(input: $input) {
    preview {
      id
      expiresAt
      matches { atLeast atMost }
      perLabel { label count }
      perCalendar { calendar count }
      topSenders { address count }
      samples { service occurredAt subject }
      quotaUnits
      estimatedDuration
    }
    userErrors { code field message }
  }
}`,
    { input: { accountId: '', services: ['GMAIL', 'CALENDAR'] } },
  ),
  tab(
    `
# 4. Approve exactly what the preview showed. A batch starts.
mutation Approve($input: ApproveInput!) {
  approve(input: $input) {
    batch { id state }
    userErrors { code field message }
  }
}`,
    { input: { previewId: '', idempotencyKey: 'first' } },
  ),
  tab(
    `
# 5. Watch it: the state now, then every change, then the end.
subscription BatchProgress($batchId: ID!) {
  batchProgress(batchId: $batchId) {
    number
    batch {
      state
      counts { stored unchanged filtered failed }
    }
    estimatedEnd
    throttledUntil
  }
}`,
    { batchId: '' },
  ),
  tab(`
# 6. Read the timeline, newest first.
query Timeline($after: String) {
  timeline(first: 20, after: $after) {
    edges {
      node { id type direction subject snippet occurredAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}`),
  tab(
    `
# 7. What undo would remove and restore. Nothing changes.
mutation UndoDryRun($input: UndoInput!) {
  undo(input: $input) {
    counts { removed restored kept }
    userErrors { code field message }
  }
}`,
    { input: { batchId: '', dryRun: true } },
  ),
  tab(
    `
# 8. Take the batch back.
mutation Undo($input: UndoInput!) {
  undo(input: $input) {
    batch { id state }
    counts { removed restored kept }
    userErrors { code field message }
  }
}`,
    { input: { batchId: '' } },
  ),
];
