// The first visit's tabs, in the order of the pipeline: link an account, look, approve, watch, read, bring up to date, take
// it back. Each takes its ids as variables, which are filled from the answers of the tabs before it (memory.ts), so that the
// story runs without copying anything. Lines are short enough for the editor of a laptop's screen.

const CONNECT = `# 1. Link an account. Run this, then open the
# authorizationUrl in another tab of this browser
# (Ctrl-click or Cmd-click it), consent, and come back.
mutation Connect {
  connect(input: { services: [GMAIL, CALENDAR] }) {
    authorizationUrl
    expiresAt
    userErrors { code field message }
  }
}
`;

const ACCOUNTS = `# 2. The accounts you have linked. The next tabs use the
# one linked last.
query Accounts {
  viewer {
    accounts {
      id
      email
      state
      shortcomings { code message }
      services { service granted }
      calendars { sourceId name primary }
    }
  }
}
`;

const PREVIEW = `# 3. What a sync would bring in: a year of mail, and the
# meetings your preferences name. Only these samples are
# stored, for an hour. accountId comes from tab 2.
# What you have undone stays out. To see it again, put
#   { "includeUndone": true }
# into Variables below.
mutation Preview(
  $accountId: ID!
  $includeUndone: Boolean! = false
) {
  preview(input: {
    accountId: $accountId
    mailDaysBack: 365
    includeUndone: $includeUndone
  }) {
    preview {
      id
      expiresAt
      mail { atLeast atMost }
      meetings { atLeast atMost }
      perLabel { name count }
      perCalendar { name count }
      topSenders { key count }
      excludedByRule { name count }
      samples { service at who title }
      mailQuery
      gmailUnits
      estimatedSeconds
    }
    userErrors { code field message }
  }
}
`;

const APPROVE = `# 4. Approve exactly what the preview showed: a batch
# starts. previewId comes from tab 3; idempotencyKey is
# made from it, so that a double click approves once.
mutation Approve($previewId: ID!, $idempotencyKey: String!) {
  approve(input: {
    previewId: $previewId
    idempotencyKey: $idempotencyKey
  }) {
    batch { id state }
    userErrors { code field message }
  }
}
`;

const PROGRESS = `# 5. Watch it: the state now, then every change, then the
# end. batchId comes from tab 4. To watch another batch,
# put { "batchId": "..." } into Variables below.
subscription Progress($batchId: ID!) {
  batchProgress(batchId: $batchId) {
    seq
    percent
    etaSeconds
    batch {
      state
      counts {
        listed
        stored
        normalized
        unchanged
        filtered
        failed
        gone
        removed
      }
      throttledUntil
      error
    }
  }
}
`;

const TIMELINE = `# 6. Read the timeline, newest first. Only mail here:
# without the filter, the meetings to come stand before
# it. For the next page put { "after": "<endCursor>" }
# into Variables below.
query Timeline(
  $after: String
  $filter: TimelineFilter = { kind: EMAIL }
) {
  timeline(first: 20, after: $after, filter: $filter) {
    nodes {
      kind
      occurredAt
      direction
      subject
      snippet
      participants { role name address }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const SYNC_NOW = `# 7. Bring in what has changed since, under the consent
# in force: a batch of its own. Deliver a mail first, by
# the command that script/dev printed, and run tab 6
# again afterwards. accountId comes from tab 2.
mutation SyncNow($accountId: ID!) {
  syncNow(input: { accountId: $accountId }) {
    batch { id state }
    userErrors { code field message }
  }
}
`;

const UNDO_DRY_RUN = `# 8. What undo would take away, set back and keep.
# Nothing changes. batchId comes from tab 4.
mutation UndoDryRun($batchId: ID!) {
  undo(input: { batchId: $batchId, dryRun: true }) {
    counts { service removed restored kept }
    userErrors { code field message }
  }
}
`;

const UNDO = `# 9. Take the batch of tab 4 back, also while it runs.
# Run tab 5 again to see how far it is.
mutation Undo($batchId: ID!) {
  undo(input: { batchId: $batchId }) {
    batch { id state }
    counts { service removed restored kept }
    userErrors { code field message }
  }
}
`;

export const operations = [CONNECT, ACCOUNTS, PREVIEW, APPROVE, PROGRESS, TIMELINE, SYNC_NOW, UNDO_DRY_RUN, UNDO];
