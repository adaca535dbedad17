import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** The words of an address after its `?`, and how to change some of them. An empty word is left out. */
export function useWords(): [URLSearchParams, (changed: Record<string, string | null>) => void] {
  const [words, setWords] = useSearchParams();
  const change = useCallback(
    (changed: Record<string, string | null>) =>
      setWords(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changed)) {
            if (value) next.set(name, value);
            else next.delete(name);
          }
          return next;
        },
        { replace: true },
      ),
    [setWords],
  );
  return [words, change];
}

/** A day in the viewer's zone of an address as a moment: its beginning, or with `days` that of a later one. */
export function dayStart(day: string | null, days = 0): string | null {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  if (!year || !month || !date) return null;
  return new Date(year, month - 1, date + days).toISOString();
}

/** The last so many days, today included, in the viewer's zone. */
export function spanOf(days: number) {
  const now = new Date();
  const to = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  const from = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1 - days);
  return { from: from.toISOString(), to: to.toISOString(), timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone };
}
