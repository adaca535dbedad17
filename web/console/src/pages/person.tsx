import { ArrowLeft, CalendarDays, Mail, X } from 'lucide-react';
import { useState } from 'react';
import { CheckboxGroup, Input, Label, TextField } from 'react-aria-components';
import { Link, useLocation, useOutletContext, useParams } from 'react-router';
import { useMutation, useQuery } from 'urql';

import { graphql } from '../gql';
import type { ContactFactsFragment, ContactPageQuery } from '../gql/graphql';
import { Dialog } from '../ui/dialog';
import { useNotify } from '../ui/notices';
import { Button, ButtonLink, Checkbox, Facts, Failure, Foreign, Loading, Moment, Note, Refusals } from '../ui/parts';
import { count } from '../words';
import { Face, nameOf, type PeopleContext } from './people';
import { Block } from './people-blocklist';
import { YearMap } from './person-year';

const ContactPage = graphql(/* GraphQL */ `
  query ContactPage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Contact {
        ...ContactFacts
        timeline(first: 25) {
          nodes {
            id
            kind
            occurredAt
            subject
          }
          pageInfo {
            hasNextPage
          }
        }
      }
    }
  }
`);

const Rename = graphql(/* GraphQL */ `
  mutation RenameContact($input: RenameContactInput!) {
    renameContact(input: $input) {
      contact {
        ...ContactFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Split = graphql(/* GraphQL */ `
  mutation SplitContact($input: SplitContactInput!) {
    splitContact(input: $input) {
      contact {
        ...ContactFacts
      }
      split {
        id
        name
      }
      userErrors {
        code
        message
      }
    }
  }
`);

type Loaded = Extract<NonNullable<ContactPageQuery['node']>, { __typename: 'Contact' }>;

/** One contact: who it is, and what was between them and the person. */
export function Component() {
  const { id = '' } = useParams();
  const { search } = useLocation();
  const [{ data, error, fetching }, load] = useQuery({ query: ContactPage, variables: { id } });
  const contact = data?.node?.__typename === 'Contact' ? data.node : null;
  const reload = () => load({ requestPolicy: 'network-only' });
  return (
    <section className="reader" aria-label="Who is open">
      <div className="reader-bar">
        <ButtonLink look="quiet" small to={`/people${search}`}>
          <ArrowLeft size={15} aria-hidden className="phone-only flip" />
          <X size={15} aria-hidden className="wide-only" /> Close
        </ButtonLink>
      </div>
      {error && !contact && <Failure error={error} onRetry={reload} />}
      {!data && fetching && <Loading what="the contact" />}
      {data && !contact && <Note tone="calm">There is no such contact: they became part of another, were blocked, or what they came of was taken back.</Note>}
      {contact && <Read key={contact.id} contact={contact} onReload={reload} />}
    </section>
  );
}

function Read({ contact, onReload }: { contact: Loaded; onReload: () => void }) {
  const [dialog, setDialog] = useState<'rename' | 'split' | 'block' | null>(null);
  const { onChange } = useOutletContext<PeopleContext>();
  const close = () => setDialog(null);
  const changed = () => {
    close();
    onReload();
    onChange();
  };
  return (
    <>
      <title>{`${nameOf(contact)} · omnisync`}</title>
      <header className="row">
        <Face large name={nameOf(contact)} />
        <div>
          <h1 className="reader-title">
            <Foreign>{nameOf(contact)}</Foreign>
          </h1>
          <span className="soft small">
            known since <Moment at={contact.firstAt} />
          </span>
        </div>
      </header>
      <div className="row">
        <Button small onPress={() => setDialog('rename')}>
          Rename …
        </Button>
        {contact.identities.length > 1 && (
          <Button small onPress={() => setDialog('split')}>
            Not one person …
          </Button>
        )}
        <Button small look="danger" onPress={() => setDialog('block')}>
          Block …
        </Button>
      </div>
      <Facts
        large
        facts={[
          ['You wrote', count(contact.nWroteTo)],
          ['They wrote', count(contact.nWrote)],
          ['Meetings', count(contact.nMet)],
        ]}
      />
      <YearMap id={contact.id} />
      <section aria-labelledby="addresses" className="stack">
        <h2 id="addresses">Addresses</h2>
        <ul>
          {contact.identities.map((identity) => (
            <li className="mini-row" key={identity.address}>
              <Mail size={15} aria-hidden className="soft" />
              <span className="clip">
                <Foreign>{identity.address}</Foreign> {identity.name && <Foreign className="soft">{identity.name}</Foreign>}
              </span>
              <span className="small soft">{identity.lastAt && <Moment at={identity.lastAt} ago />}</span>
            </li>
          ))}
        </ul>
      </section>
      <Between contact={contact} />
      <Dialog title="Rename" isOpen={dialog === 'rename'} onClose={close}>
        <RenameForm contact={contact} onDone={changed} onClose={close} />
      </Dialog>
      <Dialog title="Which addresses are someone else’s?" isOpen={dialog === 'split'} onClose={close}>
        <SplitForm contact={contact} onDone={changed} onClose={close} />
      </Dialog>
      <Dialog title={`Block ${nameOf(contact)}`} isOpen={dialog === 'block'} onClose={close}>
        <BlockForm contact={contact} onDone={changed} onClose={close} />
      </Dialog>
    </>
  );
}

function Between({ contact: { id, timeline } }: { contact: Loaded }) {
  return (
    <section aria-labelledby="between" className="stack">
      <div className="row apart">
        <h2 id="between">What was between you</h2>
        <Link className="small" to={`/timeline?contact=${id}`}>
          On the timeline{timeline.pageInfo.hasNextPage && ', with older ones'}
        </Link>
      </div>
      <div>
        {timeline.nodes.map((row) => (
          <Link className="mini-row" key={row.id} to={`/timeline/${row.id}?contact=${id}`}>
            {row.kind === 'MEETING' ? <CalendarDays size={15} aria-label="Meeting" /> : <Mail size={15} aria-label="Mail" />}
            <Foreign className="clip">{row.subject || '(no subject)'}</Foreign>
            <span className="small soft">
              <Moment at={row.occurredAt} />
            </span>
          </Link>
        ))}
      </div>
    </section>
  );
}

interface FormProps {
  contact: ContactFactsFragment;
  onDone: () => void;
  onClose: () => void;
}

function RenameForm({ contact, onDone, onClose }: FormProps) {
  const [name, setName] = useState(contact.name ?? '');
  const [{ data, error, fetching }, rename] = useMutation(Rename);
  const submit = async () => {
    const answer = await rename({ input: { contactId: contact.id, name: name.trim() || null } });
    if (answer.data?.renameContact.userErrors.length === 0) onDone();
  };
  return (
    <form
      className="stack"
      onSubmit={(submission) => {
        submission.preventDefault();
        void submit();
      }}
    >
      <TextField className="field" value={name} onChange={setName} maxLength={255}>
        <Label>Name</Label>
        <Input className="input" dir="auto" />
      </TextField>
      <p className="small soft">Leave it empty to call them what their own mail says.</p>
      {error && <Failure error={error} />}
      <Refusals errors={data?.renameContact.userErrors ?? []} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Leave it
        </Button>
        <Button look="main" type="submit" isPending={fetching}>
          Rename
        </Button>
      </div>
    </form>
  );
}

function SplitForm({ contact, onDone, onClose }: FormProps) {
  const [addresses, setAddresses] = useState<string[]>([]);
  const [{ data, error, fetching }, split] = useMutation(Split);
  const notify = useNotify();
  const submit = async () => {
    const answer = await split({ input: { contactId: contact.id, addresses } });
    if (answer.data?.splitContact.userErrors.length !== 0) return;
    notify('They are two contacts now, and are not suggested as one again.');
    onDone();
  };
  return (
    <>
      <CheckboxGroup className="checks" aria-label="Addresses" value={addresses} onChange={setAddresses}>
        {contact.identities.map(({ address }) => (
          <Checkbox key={address} value={address}>
            <Foreign>{address}</Foreign>
          </Checkbox>
        ))}
      </CheckboxGroup>
      {error && <Failure error={error} />}
      <Refusals errors={data?.splitContact.userErrors ?? []} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Leave it
        </Button>
        <Button
          look="main"
          isDisabled={addresses.length === 0 || addresses.length === contact.identities.length}
          isPending={fetching}
          onPress={() => void submit()}
        >
          Make them two
        </Button>
      </div>
    </>
  );
}

function BlockForm({ contact, onDone, onClose }: FormProps) {
  const [{ data, error, fetching }, block] = useMutation(Block);
  const notify = useNotify();
  const submit = async () => {
    const answer = await block({ entries: contact.identities.map(({ address }) => address) });
    if (!answer.data?.blockContacts.entries.length) return;
    notify('Blocked. The blocklist brings them back as they were.');
    onDone();
  };
  return (
    <>
      <p>
        They are no contact any more, under <Foreign>{contact.identities.map(({ address }) => address).join(', ')}</Foreign>. Their mail and meetings
        stay on the timeline.
      </p>
      {error && <Failure error={error} />}
      <Refusals errors={data?.blockContacts.userErrors ?? []} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Leave it
        </Button>
        <Button look="danger main" isPending={fetching} onPress={() => void submit()}>
          Block
        </Button>
      </div>
    </>
  );
}
