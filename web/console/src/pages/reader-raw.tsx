import { Download } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';

import { graphql } from '../gql';
import { Failure, Loading, Note } from '../ui/parts';
import { formatBytes } from '../words';

const RawUrl = graphql(/* GraphQL */ `
  query RawUrl($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Interaction {
        rawUrl
      }
    }
  }
`);

/** Most bytes that are shown here; more is for a download. */
const MAX_BYTES = 1 << 20;

type Original = { text: string } | { tooLarge: number } | { failed: true };

/** What Google sent, as it came, for the curious. */
export function RawPayload({ id }: { id: string }) {
  // The address is good for a quarter of an hour only.
  const [{ data, error }, load] = useQuery({ query: RawUrl, variables: { id }, requestPolicy: 'network-only' });
  const url = data?.node?.__typename === 'Interaction' ? data.node.rawUrl : null;
  const original = useOriginal(url);
  if (error) return <Failure error={error} onRetry={load} />;
  if (!url || !original) return <Loading what="what came" />;
  return (
    <div className="stack">
      {'failed' in original && <Note tone="wait">It could not be loaded. Close this and open it again.</Note>}
      {'tooLarge' in original && <Note tone="calm">It has {formatBytes(original.tooLarge)}, which is too much to show here.</Note>}
      {'text' in original && (
        // It scrolls, and whoever has no mouse scrolls it by the keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className="raw" tabIndex={0} role="region" aria-label="What Google sent">
          {original.text}
        </pre>
      )}
      <p>
        <a className="button small" href={url} download>
          <Download size={14} aria-hidden /> Download it as it came
        </a>
      </p>
    </div>
  );
}

function useOriginal(url: string | null): Original | null {
  const [original, setOriginal] = useState<Original | null>(null);
  useEffect(() => {
    if (!url) return;
    const leaving = new AbortController();
    fetchOriginal(url, leaving.signal).then(setOriginal, () => leaving.signal.aborted || setOriginal({ failed: true }));
    return () => leaving.abort();
  }, [url]);
  return original;
}

async function fetchOriginal(url: string, signal: AbortSignal): Promise<Original> {
  const answer = await fetch(url, { signal });
  if (!answer.ok) return { failed: true };
  const bytes = Number(answer.headers.get('content-length') ?? 0);
  if (bytes > MAX_BYTES) return { tooLarge: bytes };
  return { text: readable((await answer.json()) as unknown[]) };
}

/** The answers one below the other; of a mail its very text, as it went over the wire, below what Gmail says of it. */
function readable(answers: unknown[]): string {
  const parts = answers.map((answer) => {
    const { raw, ...rest } = answer as Record<string, unknown>;
    const facts = JSON.stringify(rest, null, 2);
    return typeof raw === 'string' ? `${facts}\n\n${decode(raw)}` : JSON.stringify(answer, null, 2);
  });
  return parts.join('\n\n');
}

/** Base64 as addresses have it, of a mail's bytes. */
function decode(text: string): string {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
}
