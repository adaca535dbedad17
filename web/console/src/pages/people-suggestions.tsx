import { useMutation, useQuery } from 'urql';

import { graphql } from '../gql';
import type { ContactSuggestionsQuery, EvidenceKind } from '../gql/graphql';
import { useNotify } from '../ui/notices';
import { Button, Empty, Failure, Foreign, Loading, Refusals } from '../ui/parts';
import { nameOf } from './people';

const ContactSuggestions = graphql(/* GraphQL */ `
  query ContactSuggestions {
    contactSuggestions(first: 20) {
      contacts {
        ...ContactFacts
      }
      evidence {
        kind
        addresses
      }
    }
  }
`);

const MergeSuggested = graphql(/* GraphQL */ `
  mutation MergeSuggested($input: MergeContactsInput!) {
    mergeContacts(input: $input) {
      contact {
        id
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Dismiss = graphql(/* GraphQL */ `
  mutation DismissSuggestion($input: DismissContactSuggestionInput!) {
    dismissContactSuggestion(input: $input) {
      userErrors {
        code
        message
      }
    }
  }
`);

const EVIDENCE: Record<EvidenceKind, string> = {
  SAME_NAME: 'the same full name',
  REPLY_TO: 'answers to the one go to the other',
  SAME_CONVERSATION: 'in one conversation, and never in one mail',
  SAME_LOCAL_PART: 'the same before the @',
  SAME_ORGANISATION: 'at one organisation, with addresses made of the name',
};

/** Pairs that may be one person, with what speaks for it. */
export function Suggestions({ onChange }: { onChange: () => void }) {
  const [{ data, error, fetching }, load] = useQuery({ query: ContactSuggestions });
  const done = () => {
    load({ requestPolicy: 'network-only' });
    onChange();
  };
  return (
    <div className="people-scroll">
      <div className="inside-scroll">
        {error && <Failure error={error} onRetry={() => load({ requestPolicy: 'network-only' })} />}
        {!data && fetching && <Loading what="who may be one person" />}
        {data?.contactSuggestions.length === 0 && (
          <Empty title="Nobody seems to be two">Pairs with the same full name and one fact more would be shown here. Nothing is merged by itself.</Empty>
        )}
        <ul>
          {data?.contactSuggestions.map((suggestion) => (
            <Suggestion key={suggestion.contacts.map(({ id }) => id).join()} suggestion={suggestion} onDone={done} />
          ))}
        </ul>
      </div>
    </div>
  );
}

interface Props {
  suggestion: ContactSuggestionsQuery['contactSuggestions'][number];
  onDone: () => void;
}

function Suggestion({ suggestion: { contacts, evidence }, onDone }: Props) {
  const [merged, merge] = useMutation(MergeSuggested);
  const [dismissed, dismiss] = useMutation(Dismiss);
  const notify = useNotify();
  const input = { contactIds: contacts.map(({ id }) => id) };
  const act = async (done: Promise<{ data?: object; error?: object }>, words: string) => {
    if ((await done).error) return;
    notify(words);
    onDone();
  };
  const refusals = [...(merged.data?.mergeContacts.userErrors ?? []), ...(dismissed.data?.dismissContactSuggestion.userErrors ?? [])];
  const failed = merged.error ?? dismissed.error;
  return (
    <li className="suggestion">
      <ul>
        {contacts.map((contact) => (
          <li key={contact.id}>
            <Foreign className="strong">{nameOf(contact)}</Foreign>{' '}
            <Foreign className="small soft">{contact.identities.map(({ address }) => address).join(', ')}</Foreign>
          </li>
        ))}
      </ul>
      <p className="small soft">Because: {evidence.map(({ kind }) => EVIDENCE[kind]).join('; ')}.</p>
      {failed && <Failure error={failed} />}
      <Refusals errors={refusals} />
      <div className="row">
        <Button small onPress={() => void act(merge({ input }), 'They are one.')} isPending={merged.fetching}>
          One person
        </Button>
        <Button small look="quiet" onPress={() => void act(dismiss({ input }), 'They are two, and are not suggested again.')} isPending={dismissed.fetching}>
          Two people
        </Button>
      </div>
    </li>
  );
}
