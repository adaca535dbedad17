import { useWords } from '../api/addresses';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { JobsQuery, JobState } from '../gql/graphql';
import { Button, Empty, Failure, Loading, PageHead, Segments, Select } from '../ui/parts';
import { JOB } from '../words';
import { AuditTrail, NO_FILTER } from './activity-audit';
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

const jobPage = (data: JobsQuery) => ({ rows: data.jobs.nodes, info: data.jobs.pageInfo });

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
          onChange={(chosen) => change({ ...NO_FILTER, view: chosen === 'audit' ? null : chosen, state: null })}
          options={[
            { value: 'audit', name: 'Audit' },
            { value: 'jobs', name: 'Background work' },
          ]}
        />
      </div>
      {view === 'audit' ? <AuditTrail words={words} change={change} /> : <JobList state={words.get('state')} onState={(state) => change({ state })} />}
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
