import { useState } from 'react';
import { RadioGroup } from 'react-aria-components';
import { useMutation, useQuery } from 'urql';

import { graphql } from '../gql';
import type { AccountFactsFragment, DisconnectData } from '../gql/graphql';
import { Dialog } from '../ui/dialog';
import { useNotify } from '../ui/notices';
import { Button, Checkbox, Failure, Radio, Refusals } from '../ui/parts';
import { many } from '../words';

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

const AtStake = graphql(/* GraphQL */ `
  query AtStake($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Account {
        nMails
        nMeetings
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

/** What there is of an account, in words. */
function stakeOf({ nMails, nMeetings }: { nMails: number; nMeetings: number }): string {
  return `${many(nMails, 'mail')} and ${many(nMeetings, 'meeting')}`;
}

function Form({ account, onClose }: Omit<Props, 'isOpen'>) {
  const [data, setData] = useState<DisconnectData>('KEEP');
  const [revoke, setRevoke] = useState(true);
  const [result, disconnect] = useMutation(DisconnectAccount);
  const [{ data: found }] = useQuery({ query: AtStake, variables: { id: account.id }, requestPolicy: 'network-only' });
  const stake = found?.node?.__typename === 'Account' ? stakeOf(found.node) : null;
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
            {stake ? `${stake} stay on the timeline, and nothing new comes in.` : 'Counting …'}
          </span>
        </Radio>
        <Radio value="ERASE">
          Erase what came in
          <span className="small soft block">
            {stake ? `${stake} leave the timeline, with all that is stored of them, and cannot be had back.` : 'Counting …'}
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
