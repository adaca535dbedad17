/** What the deployment tells its console (src/http/console.rs). */
export interface Settings {
  /** Where people without a token are sent. */
  signInUrl: string | null;
  /** Whether there is a `/graphiql`. */
  graphiql: boolean;
}

let settings: Settings = { signInUrl: null, graphiql: false };

/** Loads them once, before anything is shown. Without them the console works and asks for a token. */
export async function loadSettings(): Promise<void> {
  try {
    const answer = await fetch('/console/settings.json');
    if (answer.ok) settings = (await answer.json()) as Settings;
  } catch {
    // The pages say by themselves that the server cannot be reached.
  }
}

export function currentSettings(): Settings {
  return settings;
}

/** Where to sign in so that one comes back to this very page; `null` where the deployment names no such place. */
export function signInAddress(): string | null {
  if (!settings.signInUrl) return null;
  const url = new URL(settings.signInUrl, location.origin);
  url.searchParams.set('return_to', location.href);
  return url.href;
}
