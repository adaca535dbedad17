import { useEffect, useState } from 'react';
import { RadioGroup } from 'react-aria-components';
import { useClient, useMutation } from 'urql';

import { graphql } from '../gql';
import type { AccountFactsFragment, DisconnectData } from '../gql/graphql';
import { Dialog } from '../ui/dialog';
import { useNotify } from '../ui/notices';
import { Button, Checkbox, Failure, Radio, Refusals } from '../ui/parts';
import { count, many } from '../words';

const DisconnectAccount = graphql(/* GraphQL */ `
  mutation Disconnect($input: DisconnectInput!) {
    disconnect(input: $input) {
      account {
        ...AccountFacts
      }
      revokedAtProvider
      undoing
      userErrors {
        code
        message
      }
    }
  }
`);

const BatchesToErase = graphql(/* GraphQL */ `
  query BatchesToErase($after: String) {
    batches(first: 100, after: $after) {
      nodes {
        id
        state
        account {
          id
        }
        counts {
          stored
          removed
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

interface Props {
  account: AccountFactsFragment;
  isOpen: boolean;
  onClose: () => void;
}

/** Parting from an account, with what that does. */
export function Disconnect({ account, isOpen, onClose }: Props) {
  return (
    <Dialog title={`Disconnect ${account.email}`} isOpen={isOpen} onClose={onClose}>
      <Form account={account} onClose={onClose} />
    </Dialog>
  );
}

/** How many runs would be undone, and how many versions of items they have stored. */
interface Stake {
  runs: number;
  stored: number;
}

function useStake(accountId: string): Stake | null {
  const client = useClient();
  const [stake, setStake] = useState<Stake | null>(null);
  useEffect(() => {
    let isWanted = true;
    const count = async () => {
      const sum: Stake = { runs: 0, stored: 0 };
      for (let after: string | null = null; ; ) {
        const { data }: { data?: Page } = await client.query(BatchesToErase, { after }, { requestPolicy: 'network-only' });
        if (!data || !isWanted) return;
        for (const batch of data.batches.nodes) {
          if (batch.account?.id !== accountId || batch.state === 'UNDONE') continue;
          sum.runs += 1;
          sum.stored += batch.counts.stored - batch.counts.removed;
        }
        if (!data.batches.pageInfo.hasNextPage) break;
        after = data.batches.pageInfo.endCursor ?? null;
      }
      setStake(sum);
    };
    void count();
    return () => {
      isWanted = false;
    };
  }, [client, accountId]);
  return stake;
}

interface Page {
  batches: {
    nodes: { state: string; account?: { id: string } | null; counts: { stored: number; removed: number } }[];
    pageInfo: { endCursor?: string | null; hasNextPage: boolean };
  };
}

function Form({ account, onClose }: Omit<Props, 'isOpen'>) {
  const [data, setData] = useState<DisconnectData>('KEEP');
  const [revoke, setRevoke] = useState(true);
  const [result, disconnect] = useMutation(DisconnectAccount);
  const stake = useStake(account.id);
  const notify = useNotify();
  const submit = async () => {
    const answer = await disconnect({ input: { accountId: account.id, data, revoke } });
    const done = answer.data?.disconnect;
    if (!done?.account) return;
    const undoing = done.undoing ? ` ${many(done.undoing, 'run')} are being taken back.` : '';
    const revoked = done.revokedAtProvider === false ? ' Google did not take the grant back; do so in your Google account.' : '';
    notify(`${account.email} is disconnected.${undoing}${revoked}`);
    onClose();
  };
  return (
    <>
      <p>omnisync stops reading it and forgets how it is reached. You can link it again at any time.</p>
      <RadioGroup className="checks" aria-label="What becomes of what came in" value={data} onChange={(value) => setData(value as DisconnectData)}>
        <Radio value="KEEP">
          Keep what came in
          <span className="small soft block">
            {stake ? `${many(stake.stored, 'mail or meeting', 'mails and meetings')} stay on the timeline.` : 'Counting …'}
          </span>
        </Radio>
        <Radio value="ERASE">
          Erase what came in
          <span className="small soft block">
            {stake
              ? `${many(stake.runs, 'run')} with ${count(stake.stored)} stored mails and meetings are taken back, and none can be had back.`
              : 'Counting …'}
          </span>
        </Radio>
      </RadioGroup>
      <Checkbox isSelected={revoke} onChange={setRevoke}>
        Take the permission back at Google, too
        <span className="small soft block">That ends this application’s access for everyone here who has linked the same Google account.</span>
      </Checkbox>
      {result.error && <Failure error={result.error} />}
      <Refusals errors={result.data?.disconnect.userErrors ?? []} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Stay linked
        </Button>
        <Button look={data === 'ERASE' ? 'danger main' : 'danger'} onPress={() => void submit()} isPending={result.fetching}>
          {data === 'ERASE' ? 'Disconnect and erase' : 'Disconnect'}
        </Button>
      </div>
    </>
  );
}
