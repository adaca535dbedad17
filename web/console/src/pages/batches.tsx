import { Layers } from 'lucide-react';
import { Link } from 'react-router';

import { isLive, settled, useLiveBatch } from '../api/batch';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { BatchFactsFragment, BatchesQuery } from '../gql/graphql';
import { Button, ButtonLink, Chip, Empty, Failure, Loading, Moment, PageHead } from '../ui/parts';
import { BATCH, count, percent } from '../words';

const Batches = graphql(/* GraphQL */ `
  query Batches($after: String) {
    batches(first: 25, after: $after) {
      nodes {
        ...BatchFacts
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

export const ORIGIN: Record<BatchFactsFragment['origin'], string> = {
  APPROVE: 'First sync after an approval',
  SYNC: 'Later sync',
  AUDIT: 'Check that nothing is missing',
};

const page = (data: BatchesQuery) => ({ rows: data.batches.nodes, info: data.batches.pageInfo });

/** Every run, newest first. */
export function Component() {
  const { rows, error, isLoading, hasMore, more, reload } = usePages(Batches, {}, page);
  return (
    <div className="page">
      <title>Syncs · omnisync</title>
      <PageHead title="Syncs" actions={<ButtonLink look="main" to="/syncs/new">New sync</ButtonLink>}>
        Each run is a unit of its own: what it brought in can be taken back as a whole.
      </PageHead>
      {error && <Failure error={error} onRetry={reload} />}
      {!rows && isLoading && <Loading what="syncs" />}
      {rows?.length === 0 && (
        <div className="card">
          <Empty
            icon={<Layers size={36} strokeWidth={1.4} aria-hidden />}
            title="Nothing has come in yet"
            action={<ButtonLink look="main" to="/syncs/new">New sync</ButtonLink>}
          >
            Look at what would come in and approve it; the run is shown here while it works.
          </Empty>
        </div>
      )}
      {rows && rows.length > 0 && (
        <div className="card">
          <ul>
            {rows.map((batch) => (
              <Row key={batch.id} loaded={batch} onEnd={reload} />
            ))}
          </ul>
        </div>
      )}
      {hasMore && (
        <Button onPress={more} isPending={isLoading}>
          Show older ones
        </Button>
      )}
    </div>
  );
}

function Row({ loaded, onEnd }: { loaded: BatchFactsFragment; onEnd: () => void }) {
  const { batch, percent: done } = useLiveBatch(loaded, onEnd);
  const { word, tone } = BATCH[batch.state];
  const { counts } = batch;
  return (
    <li className="inside batch-row">
      <div className="clip">
        <Link className="strong" to={`/syncs/${batch.id}`}>
          {ORIGIN[batch.origin]}
        </Link>
        <span className="soft small block clip">
          {batch.account?.email ?? 'an account that is gone'} · <Moment at={batch.createdAt} ago />
        </span>
      </div>
      <span className="small soft numbers">
        {count(counts.stored)} stored{counts.failed > 0 && `, ${count(counts.failed)} failed`}
        {isLive(batch.state) && ` of ${count(counts.listed)}`}
        {isLive(batch.state) && done !== null && settled(batch) < counts.listed && ` · ${percent(done)}`}
      </span>
      <Chip tone={tone}>{word}</Chip>
    </li>
  );
}
