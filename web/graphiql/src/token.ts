// The token lives in this tab only, and never in an address the server or the history could see.

const KEY = 'omnisync-token';

/** The token of this tab. One in the address (`#token=...`) replaces the kept one and disappears from the address. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    history.replaceState(null, '', location.pathname);
    return keepToken(given);
  }
  return sessionStorage.getItem(KEY);
}

export function keepToken(token: string): string {
  sessionStorage.setItem(KEY, token);
  return token;
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}
