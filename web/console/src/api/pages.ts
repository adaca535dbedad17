import { useCallback, useEffect, useReducer, useRef } from 'react';
import { type AnyVariables, type CombinedError, type TypedDocumentNode, useClient } from 'urql';

interface PageInfo {
  endCursor?: string | null;
  hasNextPage: boolean;
}

interface State<Row> {
  /** What the rows belong to; rows of other variables are dropped. */
  key: string;
  rows: Row[] | null;
  info: PageInfo | null;
  error: CombinedError | undefined;
  isLoading: boolean;
}

/**
 * Rows by keyset pages: the first at once, the next ones with `more`. `variables` must hold no `after`; with other variables it
 * begins anew. `read` takes rows and the page's end out of an answer, and must not change from one call to the next.
 */
export function usePages<Data, Row>(
  document: TypedDocumentNode<Data, { after?: string | null } & Record<string, unknown>> | TypedDocumentNode<Data, never>,
  variables: Record<string, unknown>,
  read: (data: Data) => { rows: Row[]; info: PageInfo },
) {
  const client = useClient();
  const key = JSON.stringify(variables);
  const empty: State<Row> = { key, rows: null, info: null, error: undefined, isLoading: true };
  const [state, set] = useReducer((before: State<Row>, change: Partial<State<Row>>) => ({ ...before, ...change }), empty);
  const current = useRef(0);

  const load = useCallback(
    async (before: Row[], after: string | null) => {
      const number = ++current.current;
      set({ isLoading: true, error: undefined });
      const asked = { ...(JSON.parse(key) as Record<string, unknown>), after } as AnyVariables;
      const answer = await client.query<Data>(document, asked, { requestPolicy: 'network-only' });
      // Another question was asked meanwhile.
      if (number !== current.current) return;
      if (!answer.data) {
        set({ key, error: answer.error, isLoading: false });
        return;
      }
      const { rows, info } = read(answer.data);
      set({ key, rows: [...before, ...rows], info, error: answer.error, isLoading: false });
    },
    [client, document, key, read],
  );

  useEffect(() => {
    void load([], null);
  }, [load]);

  const shown = state.key === key ? state : empty;
  const { rows, info, isLoading } = shown;
  return {
    rows,
    error: shown.error,
    isLoading,
    hasMore: info?.hasNextPage === true,
    more: () => {
      if (!isLoading && info?.hasNextPage) void load(rows ?? [], info.endCursor ?? null);
    },
    /** The first page anew. */
    reload: () => void load([], null),
  };
}
