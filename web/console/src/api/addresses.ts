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
