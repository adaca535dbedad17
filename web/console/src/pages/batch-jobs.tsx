import { useMutation } from 'urql';

import { graphql } from '../gql';
import type { JobFactsFragment } from '../gql/graphql';
import { useNotify } from '../ui/notices';
import { Button, Chip, Failure, Moment, Refusals } from '../ui/parts';
import { JOB, JOB_KIND, many } from '../words';

export const JobFacts = graphql(/* GraphQL */ `
  fragment JobFacts on Job {
    id
    kind
    state
    attempt
    error
    errorClass
    runAt
    finishedAt
  }
`);

const RetryJob = graphql(/* GraphQL */ `
  mutation RetryJob($jobId: ID!) {
    retryJob(input: { jobId: $jobId }) {
      job {
        ...JobFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const DiscardJob = graphql(/* GraphQL */ `
  mutation DiscardJob($jobId: ID!) {
    discardJob(input: { jobId: $jobId }) {
      job {
        ...JobFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

/** The background work of a run. */
export function BatchJobs({ jobs }: { jobs: JobFactsFragment[] }) {
  const dead = jobs.filter((job) => job.state === 'DEAD').length;
  return (
    <details className="card" open={dead > 0}>
      <summary className="inside">Background work: {many(jobs.length, 'job')}</summary>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
    </details>
  );
}

/** A job with its last error, and what can be done about one that was given up. `onChange` is called when that was done. */
export function JobRow({ job, onChange }: { job: JobFactsFragment; onChange?: () => void }) {
  const [retried, retry] = useMutation(RetryJob);
  const [discarded, discard] = useMutation(DiscardJob);
  const notify = useNotify();
  const { word, tone } = JOB[job.state];
  const jobId = job.id;
  const act = async (done: Promise<{ data?: object }>, words: string) => {
    if ((await done).data) {
      notify(words);
      onChange?.();
    }
  };
  const refusals = [...(retried.data?.retryJob.userErrors ?? []), ...(discarded.data?.discardJob.userErrors ?? [])];
  const failed = retried.error ?? discarded.error;
  return (
    <li className="inside stack">
      <div className="row apart">
        <div>
          <span className="strong">{JOB_KIND[job.kind]}</span>{' '}
          <span className="small soft">
            {job.finishedAt ? <Moment at={job.finishedAt} ago /> : <>due <Moment at={job.runAt} ago /></>}
            {job.attempt > 1 && `, ${many(job.attempt, 'try', 'tries')}`}
          </span>
        </div>
        <div className="row">
          {job.state === 'DEAD' && (
            <>
              <Button small onPress={() => void act(retry({ jobId }), 'The job is tried again.')} isPending={retried.fetching}>
                Try again
              </Button>
              <Button small look="quiet" onPress={() => void act(discard({ jobId }), 'The job is put aside.')} isPending={discarded.fetching}>
                Put aside
              </Button>
            </>
          )}
          <Chip tone={tone}>{word}</Chip>
        </div>
      </div>
      {job.error && (
        <p className="small soft">
          {job.errorClass && <code>{job.errorClass}</code>} {job.error}
        </p>
      )}
      {failed && <Failure error={failed} />}
      <Refusals errors={refusals} />
    </li>
  );
}
