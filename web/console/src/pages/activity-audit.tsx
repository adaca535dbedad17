import { Activity, Download } from 'lucide-react';
import { useId, useState } from 'react';
import { Link } from 'react-router';
import { useClient } from 'urql';

import { dayStart } from '../api/addresses';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { AuditAction, AuditActor, AuditFilter, AuditOutcome, AuditQuery } from '../gql/graphql';
import { useNotify } from '../ui/notices';
import { Button, Chip, Empty, Failure, Loading, Moment, Select } from '../ui/parts';
import { actionName, count, many, type Tone } from '../words';

const Audit = graphql(/* GraphQL */ `
  query Audit($first: Int!, $filter: AuditFilter, $after: String) {
    audit(first: $first, filter: $filter, after: $after) {
      nodes {
        id
        at
        action
        outcome
        actor
        accountId
        batchId
        previewId
        client
        requestId
        counts
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

type Entry = AuditQuery['audit']['nodes'][number];

const page = (data: AuditQuery) => ({ rows: data.audit.nodes, info: data.audit.pageInfo });

const ANY = 'ANY';

const ACTIONS: AuditAction[] = [
  'CONNECT', 'PREVIEW', 'APPROVE', 'SYNC', 'AUDIT', 'PAUSE', 'RESUME', 'CANCEL', 'RETRY', 'DISCARD', 'UNDO', 'REDO', 'PREFERENCES',
  'DELETION_POLICY', 'PURGE', 'DISCONNECT', 'MERGE_CONTACTS', 'SPLIT_CONTACT', 'RENAME_CONTACT', 'DISMISS_SUGGESTION', 'BLOCK', 'UNBLOCK',
];

const OUTCOMES: Record<AuditOutcome, Tone> = { STARTED: 'calm', SUCCEEDED: 'good', PARTIAL: 'wait', FAILED: 'bad', REFUSED: 'wait', CANCELLED: 'calm' };

const ACTORS: Record<AuditActor, string> = { USER: 'You', WORKER: 'Background' };

/** The words of the filter in an address, all of them left out. */
export const NO_FILTER = { what: null, how: null, by: null, from: null, to: null };

function filterOf(words: URLSearchParams): AuditFilter {
  const what = words.get('what') as AuditAction | null;
  const how = words.get('how') as AuditOutcome | null;
  return {
    action: what && [what],
    outcome: how && [how],
    actor: words.get('by') as AuditActor | null,
    batchId: words.get('batch'),
    from: dayStart(words.get('from')),
    to: dayStart(words.get('to'), 1),
  };
}

interface Props {
  words: URLSearchParams;
  change: (changed: Record<string, string | null>) => void;
}

/** Who did what and when. */
export function AuditTrail({ words, change }: Props) {
  const filter = filterOf(words);
  const { rows, error, isLoading, hasMore, more, reload } = usePages(Audit, { first: 50, filter }, page);
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <>
      <Filters words={words} change={change} isFiltered={isFiltered} />
      {error && <Failure error={error} onRetry={rows ? more : reload} />}
      {!rows && isLoading && <Loading what="the audit" />}
      {rows?.length === 0 && (
        <div className="card">
          <Empty icon={<Activity size={36} strokeWidth={1.4} aria-hidden />} title={isFiltered ? 'Nothing of that kind' : 'Nothing has happened yet'}>
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
      <div className="row apart">
        {hasMore ? (
          <Button onPress={more} isPending={isLoading}>
            Show older ones
          </Button>
        ) : (
          <span />
        )}
        {rows && rows.length > 0 && <Export filter={filter} />}
      </div>
    </>
  );
}

function Filters({ words, change, isFiltered }: Props & { isFiltered: boolean }) {
  const id = useId();
  const select = (label: string, name: string, any: string, options: [string, string][]) => (
    <Select
      label={label}
      value={words.get(name) ?? ANY}
      onChange={(chosen) => change({ [name]: chosen === ANY ? null : chosen })}
      options={[{ value: ANY, name: any }, ...options.map(([value, title]) => ({ value, name: title }))]}
    />
  );
  return (
    <div className="filters" role="group" aria-label="Filters">
      {select('What', 'what', 'Everything', ACTIONS.map((action) => [action, actionName(action)]))}
      {select('How it went', 'how', 'Any way', Object.keys(OUTCOMES).map((outcome) => [outcome, actionName(outcome)]))}
      {select('By', 'by', 'Anyone', Object.entries(ACTORS))}
      {(['from', 'to'] as const).map((name) => (
        <div className="field" key={name}>
          <label htmlFor={id + name}>{name === 'from' ? 'From' : 'To'}</label>
          <input id={id + name} type="date" value={words.get(name) ?? ''} onChange={(event) => change({ [name]: event.currentTarget.value })} />
        </div>
      ))}
      {isFiltered && (
        <Button look="quiet" onPress={() => change({ ...NO_FILTER, batch: null })}>
          Take all off
        </Button>
      )}
    </div>
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
        <Chip tone={OUTCOMES[entry.outcome]}>{entry.outcome.toLowerCase()}</Chip>
      </td>
      <td title={entry.client ?? undefined}>{ACTORS[entry.actor]}</td>
      <td className="soft numbers when">{numbers.map(([name, n]) => `${name} ${count(Number(n))}`).join(', ')}</td>
    </tr>
  );
}

/** Most entries of one file: it is put together in memory. */
const MOST = 50_000;

/** All that the filter lets through as a file, page by page. */
function Export({ filter }: { filter: AuditFilter }) {
  const client = useClient();
  const notify = useNotify();
  const [n, setN] = useState<number | null>(null);
  const run = async (kind: 'csv' | 'json') => {
    const entries: Entry[] = [];
    setN(0);
    for (let after: string | null = null; ; ) {
      const { data }: { data?: AuditQuery } = await client.query(Audit, { first: 100, filter, after }, { requestPolicy: 'network-only' });
      if (!data) {
        setN(null);
        notify('The audit could not be read to its end. Nothing was saved; try again.');
        return;
      }
      entries.push(...data.audit.nodes);
      setN(entries.length);
      after = data.audit.pageInfo.endCursor ?? null;
      if (!data.audit.pageInfo.hasNextPage || entries.length >= MOST) break;
    }
    save(kind, entries);
    setN(null);
    const rest = entries.length >= MOST ? ` These are the newest ${count(MOST)}; take the older ones by their dates.` : '';
    notify(`${many(entries.length, 'entry', 'entries')} saved.${rest}`);
  };
  return (
    <span className="row">
      {n !== null && <span className="small soft numbers">{many(n, 'entry', 'entries')} so far</span>}
      {(['csv', 'json'] as const).map((kind) => (
        <Button key={kind} onPress={() => void run(kind)} isDisabled={n !== null}>
          <Download size={15} aria-hidden /> {kind.toUpperCase()}
        </Button>
      ))}
    </span>
  );
}

const COLUMNS = ['at', 'action', 'outcome', 'actor', 'client', 'accountId', 'batchId', 'previewId', 'requestId', 'counts'] as const;

/** A value of a CSV file; no spreadsheet takes it for a formula. */
function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return `"${text.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
}

function save(kind: 'csv' | 'json', entries: Entry[]) {
  const csv = () => [COLUMNS.join(','), ...entries.map((row) => COLUMNS.map((name) => cell(row[name])).join(','))].join('\r\n');
  const json = () => JSON.stringify(entries.map((row) => Object.fromEntries(COLUMNS.map((name) => [name, row[name]]))), null, 2);
  const url = URL.createObjectURL(new Blob([kind === 'csv' ? csv() : json()], { type: kind === 'csv' ? 'text/csv' : 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `omnisync-audit.${kind}`;
  link.click();
  URL.revokeObjectURL(url);
}
