import { useState } from 'react';
import { Input, Label, RadioGroup, TextField } from 'react-aria-components';
import { useMutation } from 'urql';

import { graphql } from '../gql';
import type { AccountFactsFragment, DeletionPolicyKind } from '../gql/graphql';
import { Dialog } from '../ui/dialog';
import { useNotify } from '../ui/notices';
import { Button, Failure, Radio, Refusals } from '../ui/parts';

const SetDeletionPolicy = graphql(/* GraphQL */ `
  mutation SetDeletionPolicy($input: SetDeletionPolicyInput!) {
    setDeletionPolicy(input: $input) {
      account {
        ...AccountFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

interface Props {
  account: AccountFactsFragment;
  isOpen: boolean;
  onClose: () => void;
}

/** What becomes here of what is deleted at Google. */
export function DeletionPolicy({ account, isOpen, onClose }: Props) {
  return (
    <Dialog title="When something is deleted at Google" isOpen={isOpen} onClose={onClose}>
      <Form account={account} onClose={onClose} />
    </Dialog>
  );
}

function Form({ account, onClose }: Omit<Props, 'isOpen'>) {
  const [kind, setKind] = useState<DeletionPolicyKind>(account.deletionPolicy.kind);
  const [days, setDays] = useState(String(account.deletionPolicy.days ?? 30));
  const [{ fetching, error, data }, save] = useMutation(SetDeletionPolicy);
  const notify = useNotify();
  const submit = async () => {
    const input = { accountId: account.id, kind, days: kind === 'TOMBSTONE' ? Number(days) || null : null };
    const answer = await save({ input });
    if (!answer.data?.setDeletionPolicy.account) return;
    notify('Saved. It holds for what is deleted from now on.');
    onClose();
  };
  return (
    <>
      <RadioGroup className="checks" aria-label="What becomes of it" value={kind} onChange={(value) => setKind(value as DeletionPolicyKind)}>
        <Radio value="TOMBSTONE">
          It goes, and can be had back for some days
          <span className="small soft block">By undoing the run that brought the deletion.</span>
        </Radio>
        <Radio value="MIRROR">
          It goes for good
          <span className="small soft block">What is stored of it is deleted within seconds.</span>
        </Radio>
        <Radio value="KEEP">
          It stays
          <span className="small soft block">The timeline says since when Google no longer has it.</span>
        </Radio>
      </RadioGroup>
      {kind === 'TOMBSTONE' && (
        <TextField className="field narrow" value={days} onChange={setDays}>
          <Label>Days</Label>
          <Input className="input" inputMode="numeric" />
        </TextField>
      )}
      {error && <Failure error={error} />}
      <Refusals errors={data?.setDeletionPolicy.userErrors ?? []} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Leave it
        </Button>
        <Button look="main" onPress={() => void submit()} isPending={fetching}>
          Save
        </Button>
      </div>
    </>
  );
}
