import { useState } from 'react';
import { Link } from 'react-router';
import { useQuery } from 'urql';

import { graphql } from '../gql';
import type { SyncHealthQuery } from '../gql/graphql';
import { Bars, Chip, Facts, Failure, Moment } from '../ui/parts';
import { Plot } from '../ui/plot';
import { actionName, BATCH, count, formatDate, formatDuration, many, percent, SERVICE } from '../words';

const SyncHealthDocument = graphql(/* GraphQL */ `
  query SyncHealth {
    batches(first: 50) {
      nodes {
        id
        state
        createdAt
        startedAt
        finishedAt
        counts {
          listed
          stored
          failed
        }
      }
    }
    jobs(first: 100, filter: { state: [DEAD] }) {
      nodes {
        id
        errorClass
      }
    }
    items(first: 100, outcome: [FAILED]) {
      nodes {
        reason
      }
      pageInfo {
        hasNextPage
      }
    }
    viewer {
      id
      accounts {
        id
        email
        quotas {
          service
          unitsPerMinute
          usedInMinute
          usedToday
        }
      }
    }
  }
`);

type Run = SyncHealthQuery['batches']['nodes'][number];

/** How syncing itself goes: how long it takes, what fails and why, and what of the quota is used. */
export function SyncHealth() {
  const [{ data, error }, load] = useQuery({ query: SyncHealthDocument });
  const runs = data?.batches.nodes ?? [];
  if (error && !data) return <Failure error={error} onRetry={() => load({ requestPolicy: 'network-only' })} />;
  if (!data || runs.length === 0) return null;
  return (
    <>
      <Durations runs={runs} />
      <div className="columns">
        <Failures data={data} />
        <Quota accounts={data.viewer.accounts} />
      </div>
    </>
  );
}

/** How long it ran, or runs, in seconds; `null` before it has begun. */
function took(run: Run, now: number): number | null {
  if (!run.startedAt) return null;
  return ((run.finishedAt ? Date.parse(run.finishedAt) : now) - Date.parse(run.startedAt)) / 1000;
}

function Durations({ runs }: { runs: Run[] }) {
  const [now] = useState(() => Date.now());
  const ended = runs.filter(({ startedAt, finishedAt }) => startedAt && finishedAt).toReversed();
  const seconds = ended.map((run) => took(run, now) ?? 0);
  const sorted = seconds.toSorted((a, b) => a - b);
  const well = ended.filter(({ state }) => state !== 'FAILED' && state !== 'PARTIAL').length;
  return (
    <section className="card" aria-labelledby="health">
      <div className="inside stack wide">
        <h2 id="health">How the last {ended.length > 1 ? `${count(ended.length)} syncs` : 'sync'} went</h2>
        {ended.length > 0 && (
          <Facts
            large
            facts={[
              ['Without a failure', percent((100 * well) / ended.length)],
              ['Half of them within', formatDuration(sorted[Math.floor((sorted.length - 1) / 2)] ?? 0)],
              ['The longest', formatDuration(sorted.at(-1) ?? 0)],
              ['Items stored', count(ended.reduce((sum, run) => sum + run.counts.stored, 0))],
            ]}
          />
        )}
        {ended.length > 2 && (
          <Plot
            label={`How long each of the last ${count(ended.length)} syncs took, in seconds, the oldest first`}
            times={ended.map((_, index) => index)}
            step={1}
            lines={[{ label: 'Seconds', color: '--accent', values: seconds, bars: true }]}
            format={(value) => formatDuration(value)}
            formatTime={(index) => (ended[index] ? formatDate(ended[index].createdAt) : '')}
          />
        )}
      </div>
      <details className="inside">
        <summary>As a table</summary>
        <Runs runs={runs} now={now} />
      </details>
    </section>
  );
}

function Runs({ runs, now }: { runs: Run[]; now: number }) {
  return (
    <div className="table">
      <table>
        <thead>
          <tr>
            <th scope="col">Begun</th>
            <th scope="col">Stands</th>
            <th scope="col" className="number">
              Took
            </th>
            <th scope="col" className="number">
              Stored
            </th>
            <th scope="col" className="number">
              Failed
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const seconds = took(run, now);
            return (
              <tr key={run.id}>
                <td>
                  <Link to={`/syncs/${run.id}`}>
                    <Moment at={run.createdAt} />
                  </Link>
                </td>
                <td>{BATCH[run.state].word}</td>
                <td className="number">{seconds === null ? '–' : formatDuration(seconds)}</td>
                <td className="number">{count(run.counts.stored)}</td>
                <td className="number">{count(run.counts.failed)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What fails now, by its class: items that could not be had, and work that was given up. */
function Failures({ data: { items, jobs } }: { data: SyncHealthQuery }) {
  const classes = new Map<string, number>();
  const words = [...items.nodes.map(({ reason }) => reason), ...jobs.nodes.map(({ errorClass }) => errorClass)];
  for (const word of words) classes.set(word ?? 'unknown', (classes.get(word ?? 'unknown') ?? 0) + 1);
  const rows = [...classes].map(([key, n]) => ({ key, name: actionName(key), count: n })).toSorted((a, b) => b.count - a.count);
  return (
    <section className="card" aria-labelledby="failures">
      <div className="inside stack">
        <div className="row apart">
          <h2 id="failures">What fails, by its class</h2>
          {rows.length === 0 && <Chip tone="good">Nothing</Chip>}
        </div>
        {rows.length === 0 ? (
          <p className="soft small">Every item that Google named has come in or was kept out on purpose, and no work was given up.</p>
        ) : (
          <>
            <Bars rows={rows} />
            <p className="soft small">
              {many(items.nodes.length, 'item')}
              {items.pageInfo.hasNextPage && ' and more'} could not be had; <Link to="/activity?view=jobs&state=DEAD">{many(jobs.nodes.length, 'job')} given up</Link>.
            </p>
          </>
        )}
      </div>
    </section>
  );
}

function Quota({ accounts }: { accounts: SyncHealthQuery['viewer']['accounts'] }) {
  return (
    <section className="card" aria-labelledby="quota">
      <div className="inside">
        <h2 id="quota">Google’s quota</h2>
      </div>
      <div className="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col" className="number">
                Today
              </th>
              <th scope="col" className="number">
                Last minute
              </th>
            </tr>
          </thead>
          <tbody>
            {accounts.flatMap(({ id, email, quotas }) =>
              quotas.map(({ service, usedToday, usedInMinute, unitsPerMinute }) => (
                <tr key={id + service}>
                  <td>
                    {SERVICE[service].name} <span className="soft small block">{email}</span>
                  </td>
                  <td className="number">{count(usedToday)}</td>
                  <td className="number">
                    {count(usedInMinute)} <span className="soft">of {count(unitsPerMinute)}</span>
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}
