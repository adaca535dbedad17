import { useParams } from 'react-router';
import { useQuery } from 'urql';

import { isLive, type LiveBatch, settled, useLiveBatch } from '../api/batch';
import { graphql } from '../gql';
import type { BatchFactsFragment, BatchPageQuery } from '../gql/graphql';
import { ButtonLink, Chip, Empty, Facts, Failure, Loading, Moment, Note, PageHead, Progress } from '../ui/parts';
import { BATCH, count, formatDuration } from '../words';
import { BatchControls } from './batch-controls';
import { BatchItems } from './batch-items';
import { BatchJobs } from './batch-jobs';
import { Throughput } from './batch-throughput';
import { ORIGIN } from './batches';

const BatchPage = graphql(/* GraphQL */ `
  query BatchPage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Batch {
        ...BatchFacts
        jobs {
          ...JobFacts
        }
      }
    }
  }
`);

export type LoadedBatch = Extract<NonNullable<BatchPageQuery['node']>, { __typename: 'Batch' }>;

/** One run: its progress as it happens, what failed and why, and the way back. */
export function Component() {
  const { id = '' } = useParams();
  const [{ data, error }, load] = useQuery({ query: BatchPage, variables: { id } });
  const reload = () => load({ requestPolicy: 'network-only' });
  if (error && !data) {
    return (
      <div className="page">
        <Failure error={error} onRetry={reload} />
      </div>
    );
  }
  if (!data) {
    return (
      <div className="page">
        <Loading what="the sync" />
      </div>
    );
  }
  if (data.node?.__typename !== 'Batch') {
    return (
      <div className="page">
        <Empty title="There is no such sync" action={<ButtonLink to="/syncs">All syncs</ButtonLink>}>
          It may be another person’s, or the address was cut on its way.
        </Empty>
      </div>
    );
  }
  return <Page key={id} loaded={data.node} onReload={reload} />;
}

function Page({ loaded, onReload }: { loaded: LoadedBatch; onReload: () => void }) {
  const live = useLiveBatch(loaded, onReload);
  const { batch } = live;
  const { word, tone } = BATCH[batch.state];
  return (
    <div className="page">
      <title>{`${word} · sync · omnisync`}</title>
      <PageHead
        title={
          <span className="row">
            {ORIGIN[batch.origin]} <Chip tone={tone}>{word}</Chip>
          </span>
        }
        actions={<BatchControls batch={batch} />}
      >
        {batch.account?.email ?? 'an account that is gone'} · begun <Moment at={batch.createdAt} />
        {batch.finishedAt && (
          <>
            , ended <Moment at={batch.finishedAt} />
          </>
        )}
      </PageHead>
      <Remarks batch={batch} />
      <section className="card" aria-label="Progress">
        <div className="inside stack wide">
          {batch.state !== 'UNDONE' && <Progressing live={live} />}
          <Facts large facts={counters(batch)} />
        </div>
      </section>
      {!isTakenBack(batch.state) && <Throughput id={batch.id} state={batch.state} />}
      <BatchItems key={batch.state} batch={batch} />
      <BatchJobs jobs={loaded.jobs} />
      {(batch.state === 'SUCCEEDED' || batch.state === 'PARTIAL') && (
        <p>
          <ButtonLink to={`/timeline?batch=${batch.id}`}>See what it brought on the timeline</ButtonLink>
        </p>
      )}
    </div>
  );
}

/** Whether it is being taken back, was, or comes back. */
function isTakenBack(state: BatchFactsFragment['state']): boolean {
  return state === 'UNDOING' || state === 'UNDONE' || state === 'REDOING';
}

function counters({ counts, state }: BatchFactsFragment): [string, string][] {
  const all: [string, number, boolean][] = [
    ['Found', counts.listed, true],
    ['Stored', counts.stored, true],
    ['On the timeline', counts.normalized, !isTakenBack(state)],
    ['Kept out', counts.filtered, true],
    ['Failed', counts.failed, true],
    ['Unchanged', counts.unchanged, counts.unchanged > 0],
    ['Gone at Google', counts.gone, counts.gone > 0],
    ['Taken away', counts.removed, counts.removed > 0 || state === 'UNDOING'],
    ['Set back', counts.restored, counts.restored > 0],
  ];
  return all.filter(([, , isShown]) => isShown).map(([name, n]) => [name, count(n)]);
}

/** What a person should know beside the numbers. */
function Remarks({ batch }: { batch: BatchFactsFragment }) {
  return (
    <>
      {batch.error && <Note tone={batch.state === 'PAUSED' ? 'wait' : 'bad'}>{batch.error}</Note>}
      {batch.throttledUntil && isLive(batch.state) && (
        <Note tone="wait">
          It waits until <Moment at={batch.throttledUntil} />: the minute’s budget at Google is used up, or Google asks for patience. It goes on by itself.
        </Note>
      )}
      {batch.state === 'UNDONE' && (
        <Note tone="calm">
          Taken back{batch.undoneAt && <> <Moment at={batch.undoneAt} /></>}.{' '}
          {batch.redoUntil ? (
            <>
              It can be brought back as it was until <Moment at={batch.redoUntil} />, without asking Google.
            </>
          ) : (
            'It can no longer be brought back; a new sync fetches it again.'
          )}
        </Note>
      )}
    </>
  );
}

/** The bar of whatever is under way: the run, its undo, or its redo. */
function Progressing({ live: { batch, percent, points } }: { live: LiveBatch }) {
  const { counts, state } = batch;
  const away = counts.removed + counts.restored;
  if (state === 'UNDOING' || state === 'REDOING') {
    const share = counts.stored ? Math.min(100, (100 * away) / counts.stored) : 0;
    const isUndo = state === 'UNDOING';
    return (
      <Progress
        label={isUndo ? 'Taking back' : 'Bringing back'}
        value={isUndo ? share : 100 - share}
        detail={isUndo ? `${count(away)} of ${count(counts.stored)} taken back` : `${count(counts.stored - away)} of ${count(counts.stored)} are back`}
      />
    );
  }
  const rate = speed(points);
  const detail = [
    `${count(settled(batch))} of ${count(counts.listed)}${batch.listingDone ? '' : ' found so far'}`,
    state === 'RUNNING' && rate ? `${count(Math.round(rate * 60))} a minute` : '',
    batch.etaSeconds == null ? '' : `about ${formatDuration(batch.etaSeconds)} left`,
  ];
  return <Progress label={BATCH[state].word} value={percent} detail={detail.filter(Boolean).join(' · ')} />;
}

/** Items a second over the last fifteen seconds; `null` while that cannot be told. */
function speed(points: [number, number][]): number | null {
  const last = points.at(-1);
  if (!last) return null;
  const first = points.find(([at]) => at >= last[0] - 15);
  if (!first || last[0] - first[0] < 2) return null;
  return (last[1] - first[1]) / (last[0] - first[0]);
}
