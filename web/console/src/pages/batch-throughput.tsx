import { useEffect, useState } from 'react';
import { useClient } from 'urql';

import { graphql } from '../gql';
import type { BatchState, ThroughputOfQuery } from '../gql/graphql';
import { Plot } from '../ui/plot';
import { count, formatClock } from '../words';

const ThroughputOf = graphql(/* GraphQL */ `
  query ThroughputOf($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Batch {
        throughput {
          at
          seconds
          settled
        }
      }
    }
  }
`);

type Span = Extract<NonNullable<ThroughputOfQuery['node']>, { __typename: 'Batch' }>['throughput'][number];

/** How often it is looked at anew while the run is under way, in milliseconds: as often as the server has news. */
const BEAT = 10_000;

/** Items a minute from the beginning of the run, as the server has noted them, with the numbers behind. */
export function Throughput({ id, state }: { id: string; state: BatchState }) {
  const client = useClient();
  // What is known stays in sight while the server is away.
  const [spans, setSpans] = useState<Span[]>([]);
  const isRunning = state === 'RUNNING';
  useEffect(() => {
    let isWanted = true;
    const look = async () => {
      const { data } = await client.query(ThroughputOf, { id }, { requestPolicy: 'network-only' });
      if (isWanted && data?.node?.__typename === 'Batch') setSpans(data.node.throughput);
    };
    // Also when a run has just ended: then the last span is told.
    void look();
    const timer = isRunning ? setInterval(() => void look(), BEAT) : undefined;
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [client, id, isRunning]);
  const rates = ratesOf(spans);
  if (rates.length === 0) return null;
  return (
    <section className="card" aria-labelledby="throughput">
      <div className="inside stack">
        <h2 id="throughput">Items a minute</h2>
        <Plot
          label={`Items a minute; the most were ${count(Math.max(...rates.map(({ rate }) => rate)))}`}
          times={rates.map(({ at }) => at)}
          step={spans[0]?.seconds ?? 0}
          lines={[{ label: 'Items a minute', color: '--accent', values: rates.map(({ rate }) => rate), bars: true }]}
          formatTime={formatClock}
          format={(value) => count(Math.round(value))}
        />
        <details>
          <summary>As a table</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col" className="number">
                  Items
                </th>
                <th scope="col" className="number">
                  Items a minute
                </th>
              </tr>
            </thead>
            <tbody>
              {rates.toReversed().map(({ at, settled, rate }) => (
                <tr key={at}>
                  <td>{formatClock(at)}</td>
                  <td className="number">{count(settled)}</td>
                  <td className="number">{count(rate)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </div>
    </section>
  );
}

/** Every span from the first to the last; those in which nothing was done are not told of. */
function ratesOf(spans: Span[]) {
  const [first] = spans;
  if (!first) return [];
  const known = new Map(spans.map(({ at, settled }) => [Date.parse(at) / 1000, settled]));
  const begin = Date.parse(first.at) / 1000;
  const end = Math.max(...known.keys());
  return Array.from({ length: Math.round((end - begin) / first.seconds) + 1 }, (_, index) => {
    const at = begin + index * first.seconds;
    const settled = known.get(at) ?? 0;
    return { at, settled, rate: Math.round((60 * settled) / first.seconds) };
  });
}
