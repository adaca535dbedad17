import { useEffect, useEffectEvent, useState } from 'react';
import { useClient } from 'urql';

import { graphql } from '../gql';
import type { BatchFactsFragment, BatchState } from '../gql/graphql';

export const BatchFacts = graphql(/* GraphQL */ `
  fragment BatchFacts on Batch {
    id
    state
    origin
    error
    createdAt
    startedAt
    finishedAt
    undoneAt
    redoUntil
    listingDone
    throttledUntil
    etaSeconds
    account {
      id
      email
    }
    counts {
      listed
      stored
      unchanged
      filtered
      failed
      gone
      normalized
      removed
      restored
    }
  }
`);

const BatchProgress = graphql(/* GraphQL */ `
  subscription BatchProgress($id: ID!) {
    batchProgress(batchId: $id) {
      seq
      percent
      etaSeconds
      batch {
        ...BatchFacts
      }
    }
  }
`);

const LIVE: BatchState[] = ['QUEUED', 'RUNNING', 'PAUSED', 'UNDOING', 'REDOING'];

/** Whether a batch in this state may change by itself. */
export function isLive(state: BatchState): boolean {
  return LIVE.includes(state);
}

/** How many items of a batch have a final outcome. */
export function settled({ counts }: BatchFactsFragment): number {
  return counts.stored + counts.unchanged + counts.filtered + counts.failed + counts.gone;
}

export interface LiveBatch {
  batch: BatchFactsFragment;
  /** 0 to 100; `null` while nobody knows. */
  percent: number | null;
  /** What was seen of the run in the last seconds: seconds since 1970, and how many items were settled then. */
  points: Point[];
}

export type Point = [seconds: number, settled: number];

/** Points kept to tell the speed by: one a second. */
const MAX_POINTS = 30;

function withPoint(points: Point[], batch: BatchFactsFragment): Point[] {
  const now = Date.now() / 1000;
  const last = points.at(-1);
  if (last && now - last[0] < 1) return [...points.slice(0, -1), [last[0], settled(batch)]];
  return [...points.slice(1 - MAX_POINTS), [now, settled(batch)]];
}

/**
 * A batch as it stands now: what was loaded, and while it lives what the server sends after that. What it sends is state, so
 * nothing is lost when the socket was away. `onEnd` is called when it has ended, and should load it again.
 */
export function useLiveBatch(loaded: BatchFactsFragment, onEnd: () => void): LiveBatch {
  const client = useClient();
  const [seen, setSeen] = useState<Omit<LiveBatch, 'points'> | null>(null);
  const [points, setPoints] = useState<Point[]>([]);
  const ended = useEffectEvent(onEnd);
  const live = isLive(loaded.state);
  const { id } = loaded;
  useEffect(() => {
    if (!live) return;
    const watching = client.subscription(BatchProgress, { id }).subscribe(({ data }) => {
      if (!data) return;
      const { batch, percent, etaSeconds } = data.batchProgress;
      setSeen({ batch: { ...batch, etaSeconds }, percent: percent ?? null });
      if (batch.state === 'RUNNING') setPoints((before) => withPoint(before, batch));
      if (!isLive(batch.state)) ended();
    });
    return () => {
      watching.unsubscribe();
      setSeen(null);
    };
  }, [client, id, live]);
  return { ...(seen ?? { batch: loaded, percent: live ? null : 100 }), points };
}
