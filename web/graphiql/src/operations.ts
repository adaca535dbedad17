// The first visit's tabs, in the order of the pipeline: link an account, look, approve, watch, read, take it back. Arguments
// stand in the operations, so that an id can be pasted where it is seen; an empty id comes from the answer of an earlier tab.

const CONNECT = `# 1. Link an account: open authorizationUrl in another browser tab and consent there.
mutation Connect {
  connect(input: { provider: GOOGLE, services: [GMAIL, CALENDAR] }) {
    authorizationUrl
    expiresAt
    userErrors { code field message }
  }
}
`;

const ACCOUNTS = `# 2. The accounts you have linked.
query Accounts {
  viewer {
    accounts { id provider email state }
  }
}
`;

const PREVIEW = `# 3. What a sync would bring in. Nothing is stored yet.
mutation Preview {
  preview(input: { accountId: "", services: [GMAIL, CALENDAR] }) {
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
}
`;

const APPROVE = `# 4. Approve exactly what the preview showed. A batch starts.
mutation Approve {
  approve(input: { previewId: "", idempotencyKey: "first" }) {
    batch { id state }
    userErrors { code field message }
  }
}
`;

const BATCH_PROGRESS = `# 5. Watch it: the state now, then every change, then the end.
subscription BatchProgress {
  batchProgress(batchId: "") {
    number
    batch {
      state
      counts { stored unchanged filtered failed }
    }
    estimatedEnd
    throttledUntil
  }
}
`;

const TIMELINE = `# 6. Read the timeline, newest first.
query Timeline {
  timeline(first: 20) {
    edges {
      node { id type direction subject snippet occurredAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const UNDO_DRY_RUN = `# 7. What undo would remove and restore. Nothing changes.
mutation UndoDryRun {
  undo(input: { batchId: "", dryRun: true }) {
    counts { removed restored kept }
    userErrors { code field message }
  }
}
`;

const UNDO = `# 8. Take the batch back.
mutation Undo {
  undo(input: { batchId: "" }) {
    batch { id state }
    counts { removed restored kept }
    userErrors { code field message }
  }
}
`;

export const operations = [CONNECT, ACCOUNTS, PREVIEW, APPROVE, BATCH_PROGRESS, TIMELINE, UNDO_DRY_RUN, UNDO];
