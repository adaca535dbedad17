import { Ellipsis, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useNavigate } from 'react-router';
import { useMutation } from 'urql';

import { isLive, settled, useLiveBatch } from '../api/batch';
import { useConnect } from '../api/connect';
import { graphql } from '../gql';
import type { AccountFactsFragment, BatchFactsFragment, Service, ShortcomingCode } from '../gql/graphql';
import { Button, ButtonLink, Chip, Facts, Failure, Foreign, Moment, Note, Progress, Refusals } from '../ui/parts';
import { ACCOUNT, BATCH, count, formatDuration, many, percent, SERVICE } from '../words';
import { DeletionPolicy } from './deletion-policy';
import { Disconnect } from './disconnect';

export const AccountFacts = graphql(/* GraphQL */ `
  fragment AccountFacts on Account {
    id
    email
    state
    linkedAt
    deletionPolicy {
      kind
      days
    }
    services {
      service
      granted
    }
    shortcomings {
      code
      message
      stream {
        id
        name
        service
      }
    }
    streams {
      id
      name
      service
      consented
      completedAt
      coverage {
        checkedAt
        gaps
        listed
        percent
      }
    }
    breakers {
      service
      scope
      state
      openUntil
    }
    quotas {
      service
      unitsPerMinute
      usedInMinute
      usedToday
    }
  }
`);

const SyncNow = graphql(/* GraphQL */ `
  mutation SyncNow($accountId: ID!) {
    syncNow(input: { accountId: $accountId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const AuditCompleteness = graphql(/* GraphQL */ `
  mutation AuditCompleteness($accountId: ID!) {
    auditCompleteness(input: { accountId: $accountId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

type Remedy = 'connect' | 'preview' | 'sync' | 'audit' | 'watch' | 'none';

/** What mends each shortcoming. */
const REMEDIES: Record<ShortcomingCode, Remedy> = {
  BLOCKED: 'none',
  COVERAGE_UNKNOWN: 'audit',
  CURSOR_DEAD: 'sync',
  DISCONNECTED: 'connect',
  ITEMS_FAILED: 'audit',
  ITEMS_WAITING: 'sync',
  NEEDS_REAUTH: 'connect',
  NOT_APPROVED: 'preview',
  NOT_LISTED: 'sync',
  NOT_SYNCED: 'sync',
  RUN_CANCELLED: 'sync',
  RUN_FAILED: 'sync',
  RUN_UNFINISHED: 'watch',
  SCOPE_MISSING: 'connect',
};

interface Props {
  account: AccountFactsFragment;
  /** Its newest batch. */
  latest: BatchFactsFragment | undefined;
  onChange: () => void;
}

export function AccountCard({ account, latest, onChange }: Props) {
  const { word, tone } = ACCOUNT[account.state];
  const [isLeavingIt, setLeavingIt] = useState(false);
  const [isPolicyOpen, setPolicyOpen] = useState(false);
  const runs = useRuns(account.id);
  const { connect, isLeaving, problem } = useConnect();
  const again = () => void connect(account.email);
  const isReadable = !['DISCONNECTED', 'NEEDS_REAUTH', 'BLOCKED'].includes(account.state);
  const navigate = useNavigate();
  const menu: Record<string, () => void> = {
    audit: runs.audit,
    policy: () => setPolicyOpen(true),
    again,
    disconnect: () => setLeavingIt(true),
    why: () => void navigate('/syncs'),
  };
  return (
    <section className="card" aria-labelledby={`account-${account.id}`}>
      <div className="inside stack">
        <div className="row apart">
          <div className="row">
            <h2 className="account-name" id={`account-${account.id}`}>
              {account.email}
            </h2>
            <Chip tone={tone}>{word}</Chip>
          </div>
          <div className="row">
            {isReadable && account.streams.length > 0 && (
              <Button small onPress={runs.sync} isPending={runs.isStarting}>
                <RefreshCw size={14} aria-hidden /> Sync now
              </Button>
            )}
            {isReadable && (
              <ButtonLink small to={`/syncs/new?account=${account.id}`}>
                New sync
              </ButtonLink>
            )}
            <MenuTrigger>
              <AriaButton className="button quiet small icon" aria-label={`More for ${account.email}`}>
                <Ellipsis size={16} aria-hidden />
              </AriaButton>
              <Popover className="popover" placement="bottom end">
                <Menu className="options" onAction={(key) => menu[String(key)]?.()}>
                  {isReadable && account.streams.length > 0 ? (
                    <MenuItem className="option" id="audit">
                      Check that nothing is missing
                    </MenuItem>
                  ) : null}
                  <MenuItem className="option" id="again">
                    Link again at Google
                  </MenuItem>
                  <MenuItem className="option" id="policy">
                    What deletions mean …
                  </MenuItem>
                  {account.state === 'DISCONNECTED' ? null : (
                    <MenuItem className="option" id="disconnect">
                      Disconnect …
                    </MenuItem>
                  )}
                </Menu>
              </Popover>
            </MenuTrigger>
          </div>
        </div>
        <Shortcomings account={account} latest={latest} runs={runs} onConnect={again} isLeaving={isLeaving} />
        {problem && <Note tone="bad">{problem}</Note>}
        {runs.error && <Failure error={runs.error} />}
        <Refusals errors={runs.refusals} />
        {latest && isLive(latest.state) && <Running loaded={latest} onEnd={onChange} />}
        <Services account={account} onConnect={again} />
      </div>
      {account.streams.length > 0 && <Streams account={account} />}
      {isReadable && account.streams.length > 0 && <Costs account={account} />}
      <DeletionPolicy account={account} isOpen={isPolicyOpen} onClose={() => setPolicyOpen(false)} />
      <Disconnect account={account} isOpen={isLeavingIt} onClose={() => setLeavingIt(false)} />
    </section>
  );
}

/** Starting a run and going where it can be watched. */
function useRuns(accountId: string) {
  const [synced, sync] = useMutation(SyncNow);
  const [audited, audit] = useMutation(AuditCompleteness);
  const navigate = useNavigate();
  const watch = (id: string | undefined) => id && void navigate(`/syncs/${id}`);
  return {
    sync: () => void sync({ accountId }).then(({ data }) => watch(data?.syncNow.batch?.id)),
    audit: () => void audit({ accountId }).then(({ data }) => watch(data?.auditCompleteness.batch?.id)),
    isStarting: synced.fetching || audited.fetching,
    error: synced.error ?? audited.error,
    refusals: [...(synced.data?.syncNow.userErrors ?? []), ...(audited.data?.auditCompleteness.userErrors ?? [])],
  };
}

interface ShortcomingsProps {
  account: AccountFactsFragment;
  latest: BatchFactsFragment | undefined;
  runs: ReturnType<typeof useRuns>;
  onConnect: () => void;
  isLeaving: boolean;
}

/** Why it is not complete: the first reason with what mends it, the others below. */
function Shortcomings({ account, latest, runs, onConnect, isLeaving }: ShortcomingsProps) {
  const [first, ...others] = account.shortcomings;
  if (!first) return null;
  const remedy = REMEDIES[first.code];
  const buttons: Record<Remedy, React.ReactNode> = {
    connect: (
      <Button look="main" onPress={onConnect} isPending={isLeaving}>
        Link again at Google
      </Button>
    ),
    preview: (
      <ButtonLink look="main" to={`/syncs/new?account=${account.id}`}>
        Choose what comes in
      </ButtonLink>
    ),
    sync: (
      <Button look="main" onPress={runs.sync} isPending={runs.isStarting}>
        Sync now
      </Button>
    ),
    audit: (
      <Button look="main" onPress={runs.audit} isPending={runs.isStarting}>
        Check and mend
      </Button>
    ),
    watch: latest && (
      <ButtonLink look="main" to={`/syncs/${latest.id}`}>
        Watch it
      </ButtonLink>
    ),
    none: null,
  };
  return (
    <Note tone={ACCOUNT[account.state].tone} action={buttons[remedy]}>
      {first.message}
      {others.length > 0 && (
        <details className="others">
          <summary>{many(others.length, 'reason')} more</summary>
          <ul className="stack small">
            {others.map((other) => (
              <li key={other.code + (other.stream?.id ?? '')}>{other.message}</li>
            ))}
          </ul>
        </details>
      )}
    </Note>
  );
}

function Running({ loaded, onEnd }: { loaded: BatchFactsFragment; onEnd: () => void }) {
  const { batch, percent: done } = useLiveBatch(loaded, onEnd);
  const detail = `${count(settled(batch))} of ${count(batch.counts.listed)}`;
  const rest = batch.etaSeconds == null ? '' : ` · about ${formatDuration(batch.etaSeconds)} left`;
  return <Progress value={done} label={BATCH[batch.state].word} detail={detail + rest} />;
}

function Services({ account, onConnect }: { account: AccountFactsFragment; onConnect: () => void }) {
  return (
    <ul className="row">
      {account.services.map(({ service, granted }) => (
        <li key={service} className="row">
          <Chip tone={granted ? 'good' : 'wait'}>
            {SERVICE[service].name}: {granted ? 'may be read' : 'not granted'}
          </Chip>
          {!granted && account.state !== 'DISCONNECTED' && (
            <Button look="quiet" small onPress={onConnect}>
              Add it
            </Button>
          )}
        </li>
      ))}
      {account.breakers
        .filter((breaker) => breaker.state !== 'CLOSED')
        .map((breaker) => (
          <li key={breaker.service + breaker.scope}>
            <Chip tone="wait">
              {SERVICE[breaker.service].name} fails too often; asked again {breaker.openUntil ? <Moment at={breaker.openUntil} ago /> : 'soon'}
            </Chip>
          </li>
        ))}
    </ul>
  );
}

/** Each mailbox and calendar with how complete it is. */
function Streams({ account }: { account: AccountFactsFragment }) {
  return (
    <div className="inside stack wide">
      {account.streams.map((stream) => (
        <div className="stream" key={stream.id}>
          <div className="row">
            <span className={`dot ${stream.service === 'GMAIL' ? 'mail' : 'meeting'}`} aria-hidden />
            <h3>
              <Foreign>{stream.name}</Foreign> <span className="soft">· {SERVICE[stream.service].name}</span>
            </h3>
            {!stream.consented && <Chip tone="calm">No consent in force</Chip>}
          </div>
          <Facts
            facts={[
              [
                'Coverage',
                stream.coverage
                  ? `${percent(stream.coverage.percent)} of ${count(stream.coverage.listed)}`
                  : 'Not checked yet',
              ],
              ['Gaps found and mended', stream.coverage ? count(stream.coverage.gaps) : '–'],
              ['Last checked', stream.coverage ? <Moment key="checked" at={stream.coverage.checkedAt} ago /> : '–'],
              ['Last complete sync', stream.completedAt ? <Moment key="done" at={stream.completedAt} ago /> : 'None yet'],
            ]}
          />
        </div>
      ))}
    </div>
  );
}

const UNITS: Record<Service, [one: string, more: string]> = { GMAIL: ['unit', 'units'], CALENDAR: ['request', 'requests'] };

/** What reading it has cost, and when it is read next. */
function Costs({ account }: { account: AccountFactsFragment }) {
  return (
    <div className="inside small soft row apart numbers">
      <span>
        Quota used today:{' '}
        {account.quotas.map(({ service, usedToday, usedInMinute, unitsPerMinute }, index) => (
          <span key={service} title={`${count(usedInMinute)} of ${count(unitsPerMinute)} in the last minute`}>
            {index > 0 && ' · '}
            {SERVICE[service].name} <b>{many(usedToday, ...UNITS[service])}</b>
          </span>
        ))}
      </span>
      <span>Next sync: when you ask for it</span>
    </div>
  );
}
