import { Unplug } from 'lucide-react';
import { useSearchParams } from 'react-router';
import { useQuery } from 'urql';

import { graphql } from '../gql';
import type { NewSyncQuery, Service } from '../gql/graphql';
import { ButtonLink, Empty, Failure, Loading, PageHead, Select } from '../ui/parts';
import { Draft } from './new-sync-draft';

const NewSync = graphql(/* GraphQL */ `
  query NewSync {
    viewer {
      id
      preferences {
        gmailQuery
        mailDaysBack
        calendarDaysBack
        calendarDaysAhead
        privateEvents
        excludedSenders
        excludedDomains
      }
      accounts {
        id
        email
        state
        services {
          service
          granted
        }
      }
    }
  }
`);

const ScopeOf = graphql(/* GraphQL */ `
  query ScopeOf($id: ID!, $mail: Boolean!, $meetings: Boolean!) {
    node(id: $id) {
      __typename
      id
      ... on Account {
        labels @include(if: $mail) {
          sourceId
          name
        }
        calendars @include(if: $meetings) {
          sourceId
          name
          primary
        }
      }
    }
  }
`);

/** Shows what a sync would bring in, follows every rule as it changes, and makes it binding. */
export function Component() {
  const [{ data, error }, reload] = useQuery({ query: NewSync });
  const [parameters, setParameters] = useSearchParams();
  const readable = data?.viewer.accounts.filter(({ state }) => !['DISCONNECTED', 'NEEDS_REAUTH', 'BLOCKED'].includes(state)) ?? [];
  const account = readable.find(({ id }) => id === parameters.get('account')) ?? readable[0];
  return (
    <div className="page">
      <title>New sync · omnisync</title>
      <PageHead
        title="New sync"
        actions={
          readable.length > 1 && account ? (
            <Select
              label="Account"
              value={account.id}
              onChange={(id) => setParameters({ account: id }, { replace: true })}
              options={readable.map(({ id, email }) => ({ value: id, name: email }))}
            />
          ) : undefined
        }
      >
        See what would come in, leave out what you like, then approve exactly that. Nothing is stored before you do.
      </PageHead>
      {error && <Failure error={error} onRetry={reload} />}
      {!data && !error && <Loading what="your preferences" />}
      {data && !account && (
        <div className="card">
          <Empty
            icon={<Unplug size={36} strokeWidth={1.4} aria-hidden />}
            title="No account can be read"
            action={<ButtonLink look="main" to="/accounts">To the accounts</ButtonLink>}
          >
            Link a Google account first, or link one again whose link has ended.
          </Empty>
        </div>
      )}
      {data && account && <Scope key={account.id} account={account} preferences={data.viewer.preferences} />}
    </div>
  );
}

type Linked = NewSyncQuery['viewer']['accounts'][number];

/** What Google names is asked of it; where it does not tell, the rules go without. */
function Scope({ account, preferences }: { account: Linked; preferences: React.ComponentProps<typeof Draft>['preferences'] }) {
  const isGranted = (wanted: Service) => account.services.some(({ service, granted }) => service === wanted && granted);
  const variables = { id: account.id, mail: isGranted('GMAIL'), meetings: isGranted('CALENDAR') };
  const [{ data, error }, reload] = useQuery({ query: ScopeOf, variables, requestPolicy: 'cache-first' });
  const failure = error && <Failure error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />;
  if (data?.node?.__typename !== 'Account') return failure ?? <Loading what="labels and calendars from Google" />;
  const { labels, calendars } = data.node;
  return (
    <>
      {failure}
      <Draft account={{ ...account, labels: labels ?? [], calendars: calendars ?? [] }} preferences={preferences} />
    </>
  );
}
