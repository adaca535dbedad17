import { useSyncExternalStore } from 'react';

/**
 * Who is signed in. The token lives in this tab's session storage and in no address that the server or the history could see.
 * GraphiQL keeps it under the same name, so that the two are signed in together.
 */
const KEY = 'omnisync-token';
/** How long a new tab waits for another one to hand its token over, in milliseconds. */
const PATIENCE = 250;

type Message = { kind: 'asking' } | { kind: 'token'; token: string } | { kind: 'signed-out' };

/** Why the last session ended, for the page that asks for a new one. */
export type Ended = 'expired' | 'signed-out' | null;

let token: string | null = null;
let ended: Ended = null;
const listeners = new Set<() => void>();
const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('omnisync-session') : null;

function tell() {
  for (const listener of listeners) listener();
}

function say(message: Message) {
  tabs?.postMessage(message);
}

function keep(given: string) {
  token = given;
  ended = null;
  sessionStorage.setItem(KEY, given);
  tell();
}

function forget(why: Ended) {
  token = null;
  ended = why;
  sessionStorage.removeItem(KEY);
  tell();
}

/** The token of this tab; `null` when nobody is signed in. */
export function currentToken(): string | null {
  return token;
}

export function signIn(given: string) {
  keep(given);
}

/** Ends the session, in every tab. */
export function signOut() {
  forget('signed-out');
  say({ kind: 'signed-out' });
}

/** The server no longer takes this token. */
export function sessionExpired(refused: string) {
  // An answer to an earlier token says nothing about the one in use.
  if (refused === token) forget('expired');
}

function takeFromAddress(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) history.replaceState(history.state, '', location.pathname + location.search);
  return given;
}

/**
 * Finds the token: in the address (`#token=...`, from which it disappears), in this tab, or in another open tab of this
 * server.
 */
export async function openSession(): Promise<void> {
  const known = takeFromAddress() ?? sessionStorage.getItem(KEY);
  // Someone opens such an address where the console is open already.
  addEventListener('hashchange', () => {
    const given = takeFromAddress();
    if (given) keep(given);
  });
  tabs?.addEventListener('message', (event: MessageEvent<Message>) => {
    const message = event.data;
    if (message.kind === 'asking' && token) say({ kind: 'token', token });
    if (message.kind === 'token' && !token && ended === null) keep(message.token);
    if (message.kind === 'signed-out' && token) forget('signed-out');
  });
  if (known) {
    keep(known);
    return;
  }
  say({ kind: 'asking' });
  await new Promise<void>((resolve) => {
    listeners.add(resolve);
    setTimeout(resolve, tabs ? PATIENCE : 0);
  });
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useToken(): string | null {
  return useSyncExternalStore(subscribe, () => token);
}

export function useEnded(): Ended {
  return useSyncExternalStore(subscribe, () => ended);
}
