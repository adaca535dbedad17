import { useState } from 'react';

import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { BatchFactsFragment, BatchItemsQuery, ItemOutcome } from '../gql/graphql';
import { Button, Failure, Loading, Moment, Segments } from '../ui/parts';
import { OUTCOME, ruleName } from '../words';

const BatchItemsDocument = graphql(/* GraphQL */ `
  query BatchItems($batchId: ID!, $outcome: [ItemOutcome!], $after: String) {
    items(batchId: $batchId, outcome: $outcome, first: 25, after: $after) {
      nodes {
        sourceId
        streamId
        outcome
        reason
        attempts
        nextTryAt
        updatedAt
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const page = (data: BatchItemsQuery) => ({ rows: data.items.nodes, info: data.items.pageInfo });

/** What did not come in, with the reason for each. */
export function BatchItems({ batch: { id, counts } }: { batch: BatchFactsFragment }) {
  const shown = ([['FAILED', counts.failed], ['FILTERED', counts.filtered], ['GONE', counts.gone]] as [ItemOutcome, number][])
    .filter(([, n]) => n > 0)
    .map(([outcome]) => outcome);
  const [chosen, setChosen] = useState<ItemOutcome | null>(null);
  const outcome = chosen && shown.includes(chosen) ? chosen : shown[0];
  if (!outcome) return null;
  return (
    <section className="card" aria-labelledby="items">
      <div className="inside row apart">
        <h2 id="items">What did not come in</h2>
        {shown.length > 1 && (
          <Segments
            label="Outcome"
            value={outcome}
            onChange={(value) => setChosen(value as ItemOutcome)}
            options={shown.map((value) => ({ value, name: OUTCOME[value] }))}
          />
        )}
      </div>
      <Items batchId={id} outcome={outcome} />
    </section>
  );
}

function Items({ batchId, outcome }: { batchId: string; outcome: ItemOutcome }) {
  const { rows, error, isLoading, hasMore, more, reload } = usePages(BatchItemsDocument, { batchId, outcome: [outcome] }, page);
  return (
    <div className="table">
      {error && (
        <div className="inside">
          <Failure error={error} onRetry={reload} />
        </div>
      )}
      {!rows && isLoading && (
        <div className="inside">
          <Loading what="items" />
        </div>
      )}
      {rows && (
        <table>
          <thead>
            <tr>
              <th scope="col">Why</th>
              <th scope="col">Google’s id</th>
              <th scope="col" className="wide-cell">{outcome === 'FAILED' ? 'Tried again' : 'When'}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((item) => (
              <tr key={item.streamId + item.sourceId}>
                <td>{item.reason ? (item.outcome === 'FILTERED' ? ruleName(item.reason) : item.reason) : OUTCOME[item.outcome]}</td>
                <td>
                  <code>{item.sourceId}</code>
                </td>
                <td className="soft wide-cell">
                  {outcome === 'FAILED' ? item.nextTryAt ? <Moment at={item.nextTryAt} ago /> : 'no' : <Moment at={item.updatedAt} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {hasMore && (
        <div className="inside">
          <Button small onPress={more} isPending={isLoading}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}
