// Walks the sandbox with Google's own Node clients, and stops at the first thing that is not as Google's documents say.
//
// Takes one argument, JSON: root, email, clientId, clientSecret, refreshToken, and what the mailbox truly holds.

const assert = require("node:assert/strict");
const { gmail: gmailClient } = require("@googleapis/gmail");
const { calendar: calendarClient } = require("@googleapis/calendar");
const { OAuth2Client } = require("google-auth-library");

const given = JSON.parse(process.argv[2]);
const root = given.root;

/** What befalls the sandbox, by its own control plane. */
async function control(path, body, method = "POST") {
  const isText = typeof body === "string";
  const headers = { "content-type": isText ? "message/rfc822" : "application/json" };
  const answer = await fetch(`${root}_sandbox/${path}`, { method, headers, body: isText ? body : JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : undefined;
}

const befall = (what) => control(`accounts/${given.email}/do/${what}`, null);

/** All entries of all pages, and the last page. */
async function pages(list, field, asked) {
  const entries = [];
  let pageToken;
  for (;;) {
    const { data } = await list({ ...asked, pageToken });
    entries.push(...(data[field] ?? []));
    if (!data.nextPageToken) return [entries, data];
    pageToken = data.nextPageToken;
  }
}

async function refused(call, status, reason) {
  const error = await call.then(
    () => assert.fail(`not refused with ${status} ${reason}`),
    (error) => error,
  );
  assert.equal(error.status, status, error.message);
  assert.equal(error.response.data.error.errors[0].reason, reason);
}

/** The client knows no batches; this is the wire as Google's guide describes it, with CRLF. */
async function batch(auth, path, requests) {
  const part = (request, index) =>
    `--b\r\nContent-Type: application/http\r\nContent-ID: <item-${index}>\r\n\r\nGET ${request}\r\n\r\n`;
  const { data } = await auth.request({
    url: root + path,
    method: "POST",
    headers: { "content-type": "multipart/mixed; boundary=b" },
    data: requests.map(part).join("") + "--b--\r\n",
    responseType: "text",
  });
  const answers = {};
  for (const [, id, status] of data.matchAll(/Content-ID: <response-item-(\d+)>\r\n\r\nHTTP\/1.1 (\d+)/g)) {
    answers[id] = Number(status);
  }
  return answers;
}

async function mail(gmail, auth) {
  const { messages, labels, threads, getProfile } = {
    messages: gmail.users.messages,
    labels: gmail.users.labels,
    threads: gmail.users.threads,
    getProfile: () => gmail.users.getProfile({ userId: "me" }),
  };
  const profile = (await getProfile()).data;
  assert.equal(profile.emailAddress, given.email);
  await befall("expireAccessTokens");
  assert.deepEqual((await getProfile()).data, profile, "a token that ended is refreshed");
  const names = (await labels.list({ userId: "me" })).data.labels.map((label) => label.id);
  assert.ok(names.includes("INBOX") && names.includes("CATEGORY_PERSONAL"));
  const asked = { userId: "me", maxResults: 40, q: "-in:chats" };
  const [listed] = await pages((page) => messages.list(page), "messages", asked);
  assert.deepEqual(listed.map((entry) => entry.id), given.messages, "nothing lost, nothing doubled, newest first");

  const one = (await messages.get({ userId: "me", id: given.withFile })).data;
  const file = { userId: "me", messageId: one.id, id: one.payload.parts[0].body.attachmentId };
  const body = (await messages.attachments.get(file)).data;
  assert.equal(Buffer.from(body.data, "base64url").toString(), "Hello");
  assert.equal(typeof one.historyId, "string");
  assert.equal(typeof one.internalDate, "string");
  const thread = (await threads.get({ userId: "me", id: one.threadId, format: "minimal" })).data;
  assert.ok(thread.messages.some((message) => message.id === one.id));

  const path = (id) => `/gmail/v1/users/me/messages/${id}?format=minimal`;
  const wanted = [...given.messages.slice(0, 20), "ffffffffffffffff"];
  for (const place of ["batch", "batch/gmail/v1"]) {
    const answers = Object.values(await batch(auth, place, wanted.map(path)));
    assert.deepEqual([answers.filter((s) => s === 200).length, answers.filter((s) => s === 404).length], [20, 1]);
  }
}

async function history(gmail) {
  const start = (await gmail.users.getProfile({ userId: "me" })).data.historyId;
  const text = "From: bob@x.example\r\nSubject: late\r\nMessage-ID: <later@x>\r\n\r\nHello\r\n";
  const { id } = await control(`accounts/${given.email}/messages`, text);
  const asked = { userId: "me", startHistoryId: start };
  const [records] = await pages((page) => gmail.users.history.list(page), "history", asked);
  assert.deepEqual(records.map((record) => record.messagesAdded[0].message.id), [id]);
  await befall("expireHistory");
  await refused(gmail.users.history.list(asked), 404, "notFound");
}

async function meetings(calendar, auth) {
  const [entries] = await pages((page) => calendar.calendarList.list(page), "items", { maxResults: 2 });
  assert.deepEqual(new Set(entries.map((entry) => entry.id)), new Set(given.calendars));
  const list = (page) => calendar.events.list(page);
  const primary = { calendarId: "primary" };
  const [events, last] = await pages(list, "items", { ...primary, maxResults: 20 });
  assert.deepEqual(new Set(events.map((event) => event.id)), new Set(given.events));
  const syncToken = last.nextSyncToken;
  const tea = { summary: "Tea", start: { dateTime: "2026-12-01T16:00:00Z" } };
  const { id } = await control(`accounts/${given.email}/events`, tea);
  const [changed] = await pages(list, "items", { ...primary, syncToken });
  assert.deepEqual(changed.map((event) => event.id), [id]);
  const event = (await calendar.events.get({ ...primary, eventId: id })).data;
  await refused(list({ ...primary, syncToken, q: "x" }), 400, "invalid");
  const known = calendar.events.get({ ...primary, eventId: id }, { headers: { "If-None-Match": event.etag } });
  assert.equal((await known.catch((error) => error)).status, 304);
  const parts = ["/calendar/v3/calendars/primary", "/calendar/v3/calendars/none"];
  assert.deepEqual(await batch(auth, "batch/calendar/v3", parts), { 0: 200, 1: 404 });
  await befall("invalidateSyncTokens");
  await refused(list({ ...primary, syncToken }), 410, "fullSyncRequired");
}

async function main() {
  const auth = new OAuth2Client({
    clientId: given.clientId,
    clientSecret: given.clientSecret,
    // Otherwise it trusts the time the token reply named, and gives a 401 back.
    forceRefreshOnFailure: true,
    endpoints: { oauth2TokenUrl: `${root}token`, oauth2RevokeUrl: `${root}revoke` },
  });
  auth.setCredentials({ refresh_token: given.refreshToken });
  const options = { version: "v1", auth, rootUrl: root, retry: false };
  const gmail = gmailClient(options);
  const calendar = calendarClient({ ...options, version: "v3" });
  await mail(gmail, auth);
  await history(gmail);
  await meetings(calendar, auth);
  await befall("revokeGrants");
  const error = await gmail.users.getProfile({ userId: "me" }).catch((error) => error);
  assert.equal(error.response?.data?.error, "invalid_grant", String(error));
  console.log("walked");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
