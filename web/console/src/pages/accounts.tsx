import { MailPlus, Plus, ShieldCheck } from 'lucide-react';
import { useSearchParams } from 'react-router';
import { useQuery } from 'urql';

import { CONNECT_ERRORS, useConnect } from '../api/connect';
import { graphql } from '../gql';
import type { BatchFactsFragment } from '../gql/graphql';
import { Button, Empty, Failure, Loading, Note, PageHead } from '../ui/parts';
import { AccountCard } from './account-card';

const Accounts = graphql(/* GraphQL */ `
  query Accounts {
    viewer {
      id
      accounts {
        ...AccountFacts
      }
    }
    batches(first: 50) {
      nodes {
        ...BatchFacts
      }
    }
  }
`);

/** The linked accounts: how each stands, and the one thing that mends it. */
export function Component() {
  const [{ data, error }, reload] = useQuery({ query: Accounts });
  const { connect, isLeaving, problem } = useConnect();
  const accounts = data?.viewer.accounts;
  const refresh = () => reload({ requestPolicy: 'network-only' });
  const latest = (id: string): BatchFactsFragment | undefined => data?.batches.nodes.find((batch) => batch.account?.id === id);
  const link = (
    <Button look={accounts?.length ? 'plain' : 'main'} onPress={() => void connect()} isPending={isLeaving}>
      <Plus size={16} aria-hidden /> Link a Google account
    </Button>
  );
  return (
    <div className="page">
      <title>Accounts · omnisync</title>
      <PageHead title="Accounts" actions={accounts?.length ? link : undefined}>
        What is linked, how complete it is, and what keeps it from being complete.
      </PageHead>
      <CameBack emails={accounts?.map(({ id, email }) => [id, email])} />
      {problem && <Note tone="bad">{problem}</Note>}
      {error && <Failure error={error} onRetry={refresh} />}
      {!data && !error && <Loading what="your accounts" />}
      {accounts?.length === 0 && (
        <div className="card">
          <Empty icon={<MailPlus size={36} strokeWidth={1.4} aria-hidden />} title="Nothing is linked yet" action={link}>
            Link a Google account. Google asks you what may be read, and you can leave boxes unticked. After that nothing comes in by itself: you
            see first what would, and approve it.
          </Empty>
        </div>
      )}
      {accounts?.map((account) => (
        <AccountCard key={account.id} account={account} latest={latest(account.id)} onChange={refresh} />
      ))}
      {accounts?.length ? (
        <p className="small soft loading">
          <ShieldCheck size={16} aria-hidden className="fixed" /> omnisync can read, never write: nothing here changes anything at Google.
        </p>
      ) : null}
    </div>
  );
}

/** What came of a link, from the address that the browser came back to. */
function CameBack({ emails }: { emails: [string, string][] | undefined }) {
  const [parameters, setParameters] = useSearchParams();
  const connected = parameters.get('connected');
  const failed = parameters.get('connectError');
  const close = (
    <Button look="quiet" small onPress={() => setParameters({}, { replace: true })}>
      Close
    </Button>
  );
  if (failed) {
    return (
      <Note tone="wait" action={close}>
        {CONNECT_ERRORS[failed] ?? 'The account could not be linked. Try again.'}
      </Note>
    );
  }
  const email = emails?.find(([id]) => id === connected)?.[1];
  if (!email) return null;
  return (
    <Note tone="good" action={close}>
      {email} is linked.
    </Note>
  );
}
