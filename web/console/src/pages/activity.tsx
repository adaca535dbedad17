import { Activity } from 'lucide-react';
import { Link } from 'react-router';

import { useWords } from '../api/addresses';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { AuditQuery, JobsQuery, JobState } from '../gql/graphql';
import { Button, Chip, Empty, Failure, Loading, Moment, PageHead, Segments, Select } from '../ui/parts';
import { actionName, count, JOB, type Tone } from '../words';
import { JobRow } from './batch-jobs';

const Jobs = graphql(/* GraphQL */ `
  query Jobs($filter: JobFilter, $after: String) {
    jobs(first: 50, filter: $filter, after: $after) {
      nodes {
        ...JobFacts
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const Audit = graphql(/* GraphQL */ `
  query Audit($after: String) {
    audit(first: 50, after: $after) {
      nodes {
        id
        at
        action
        outcome
        actor
        client
        batchId
        counts
        requestId
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const jobPage = (data: JobsQuery) => ({ rows: data.jobs.nodes, info: data.jobs.pageInfo });
const auditPage = (data: AuditQuery) => ({ rows: data.audit.nodes, info: data.audit.pageInfo });

/** What works in the background, and who did what and when. */
export function Component() {
  const [words, change] = useWords();
  const view = words.get('view') ?? 'audit';
  return (
    <div className="page">
      <title>Activity · omnisync</title>
      <PageHead title="Activity">Who did what and when, never changed afterwards, and the work in the background.</PageHead>
      <div className="row">
        <Segments
          label="What to show"
          value={view}
          onChange={(chosen) => change({ view: chosen === 'audit' ? null : chosen, state: null })}
          options={[
            { value: 'audit', name: 'Audit' },
            { value: 'jobs', name: 'Background work' },
          ]}
        />
      </div>
      {view === 'audit' ? <AuditTrail /> : <JobList state={words.get('state')} onState={(state) => change({ state })} />}
    </div>
  );
}

const ANY = 'ANY';

function JobList({ state, onState }: { state: string | null; onState: (state: string | null) => void }) {
  const filter = state ? { state: [state as JobState] } : null;
  const { rows, error, isLoading, hasMore, more, reload } = usePages(Jobs, { filter }, jobPage);
  return (
    <>
      <Select
        label="State"
        value={state ?? ANY}
        onChange={(chosen) => onState(chosen === ANY ? null : chosen)}
        options={[{ value: ANY, name: 'All' }, ...Object.entries(JOB).map(([value, { word }]) => ({ value, name: word }))]}
      />
      {error && <Failure error={error} onRetry={reload} />}
      {!rows && isLoading && <Loading what="jobs" />}
      {rows?.length === 0 && (
        <div className="card">
          <Empty title={state === 'DEAD' ? 'Nothing was given up' : 'There is no such work'}>
            {state === 'DEAD' ? 'Jobs that fail too often are kept here with their reason, to be tried again.' : 'Work appears here with the first sync.'}
          </Empty>
        </div>
      )}
      {rows && rows.length > 0 && (
        <ul className="card">
          {rows.map((job) => (
            <JobRow key={job.id} job={job} onChange={reload} />
          ))}
        </ul>
      )}
      {hasMore && (
        <Button onPress={more} isPending={isLoading}>
          Show older ones
        </Button>
      )}
    </>
  );
}

const OUTCOME_TONES: Record<string, Tone> = { started: 'calm', succeeded: 'good', partial: 'wait', failed: 'bad', refused: 'wait' };

type Entry = AuditQuery['audit']['nodes'][number];

function AuditTrail() {
  const { rows, error, isLoading, hasMore, more, reload } = usePages(Audit, {}, auditPage);
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      {!rows && isLoading && <Loading what="the audit" />}
      {rows?.length === 0 && (
        <div className="card">
          <Empty icon={<Activity size={36} strokeWidth={1.4} aria-hidden />} title="Nothing has happened yet">
            Everything that is done here with an account leaves an entry, without any content of mail.
          </Empty>
        </div>
      )}
      {rows && rows.length > 0 && (
        <div className="card">
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">What</th>
                  <th scope="col">How it went</th>
                  <th scope="col">By</th>
                  <th scope="col">Numbers</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((entry) => (
                  <AuditRow key={entry.id} entry={entry} />
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
      <div className="row">
        {hasMore && (
          <Button onPress={more} isPending={isLoading}>
            Show older ones
          </Button>
        )}
        {rows && rows.length > 0 && <Button onPress={() => save(rows)}>Save what is shown as CSV</Button>}
      </div>
    </>
  );
}

function AuditRow({ entry }: { entry: Entry }) {
  const numbers = Object.entries(entry.counts).filter(([, n]) => typeof n === 'number' && n > 0);
  return (
    <tr>
      <td className="numbers when">
        <Moment at={entry.at} />
      </td>
      <td>{entry.batchId ? <Link to={`/syncs/${entry.batchId}`}>{actionName(entry.action)}</Link> : actionName(entry.action)}</td>
      <td>
        <Chip tone={OUTCOME_TONES[entry.outcome.toLowerCase()] ?? 'calm'}>{entry.outcome.toLowerCase()}</Chip>
      </td>
      <td title={entry.client ?? undefined}>{entry.actor.toLowerCase() === 'user' ? 'You' : 'Background'}</td>
      <td className="soft numbers when">{numbers.map(([name, n]) => `${name} ${count(Number(n))}`).join(', ')}</td>
    </tr>
  );
}

/** A value of a CSV file; no spreadsheet takes it for a formula. */
function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return `"${text.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
}

function save(rows: Entry[]) {
  const head = ['at', 'action', 'outcome', 'actor', 'client', 'batchId', 'requestId', 'counts'] as const;
  const lines = [head.join(','), ...rows.map((row) => head.map((name) => cell(row[name])).join(','))];
  const url = URL.createObjectURL(new Blob([lines.join('\r\n')], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'omnisync-audit.csv';
  link.click();
  URL.revokeObjectURL(url);
}
