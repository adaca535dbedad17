// What earlier answers named, for the variables of later operations. Lives in this tab of the browser, as the token does.

const KEY = 'omnisync-memory';

type Values = Record<string, unknown>;

/** The parts of an answer that name something the tabs' operations want. */
interface Answer {
  data?: {
    viewer?: { accounts?: { id?: string }[] };
    preview?: { preview?: { id?: string } | null };
    approve?: { batch?: { id?: string } | null };
  } | null;
}

function recall(): Values {
  return JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Values;
}

/** Keeps the ids that an answer names. */
export function remember(answer: unknown) {
  const data = (answer as Answer | undefined)?.data;
  const previewId = data?.preview?.preview?.id;
  const named = {
    accountId: data?.viewer?.accounts?.at(-1)?.id,
    previewId,
    idempotencyKey: previewId,
    batchId: data?.approve?.batch?.id,
  };
  const known = Object.entries(named).filter(([, value]) => value !== undefined);
  if (known.length > 0) sessionStorage.setItem(KEY, JSON.stringify({ ...recall(), ...Object.fromEntries(known) }));
}

/** The variables to send: those the operation declares and the person left out come from memory. */
export function complete(query: string, variables: Values | null | undefined): Values {
  const declared = new Set([...query.matchAll(/\$(\w+)\s*:/g)].map((match) => match[1]));
  const remembered = Object.entries(recall()).filter(([name]) => declared.has(name));
  return { ...Object.fromEntries(remembered), ...variables };
}
