import { UsersRound } from 'lucide-react';
import { useState } from 'react';
import { Link, Outlet, useLocation, useParams } from 'react-router';
import { useMutation } from 'urql';

import { useWords } from '../api/addresses';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { ContactFactsFragment, ContactsQuery } from '../gql/graphql';
import { useNotify } from '../ui/notices';
import { Button, ButtonLink, Checkbox, Empty, Failure, Foreign, Loading, Moment, Refusals, Segments } from '../ui/parts';
import { SearchForm } from '../ui/search';
import { many } from '../words';
import { Blocklist } from './people-blocklist';
import { Suggestions } from './people-suggestions';

export const ContactFacts = graphql(/* GraphQL */ `
  fragment ContactFacts on Contact {
    id
    name
    firstAt
    lastAt
    nMet
    nWrote
    nWroteTo
    identities {
      address
      name
      firstAt
      lastAt
    }
  }
`);

const Contacts = graphql(/* GraphQL */ `
  query Contacts($search: String, $after: String) {
    contacts(first: 50, search: $search, after: $after) {
      nodes {
        ...ContactFacts
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const Merge = graphql(/* GraphQL */ `
  mutation MergeContacts($input: MergeContactsInput!) {
    mergeContacts(input: $input) {
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

const page = (data: ContactsQuery) => ({ rows: data.contacts.nodes, info: data.contacts.pageInfo });

/** What a contact is called here: the name, else an address. */
export function nameOf({ name, identities }: { name?: string | null; identities: { address: string }[] }): string {
  return name ?? identities[0]?.address ?? 'Nobody';
}

/** What `People` lends to the page of one of them. */
export interface PeopleContext {
  onChange: () => void;
}

/** Whom the person knows, who may be one, and who is none. */
export function Component() {
  const [words, change] = useWords();
  const { id: open } = useParams();
  const view = words.get('view') ?? 'contacts';
  const search = words.get('q');
  const contacts = usePages(Contacts, { search }, page);
  const context: PeopleContext = { onChange: contacts.reload };
  return (
    <div className={`timeline${open ? ' has-open' : ''}`}>
      <title>People · omnisync</title>
      <div className="timeline-side">
        <header className="timeline-head">
          <h1>People</h1>
          <Segments
            label="What to show"
            value={view}
            onChange={(chosen) => change({ view: chosen === 'contacts' ? null : chosen })}
            options={[
              { value: 'contacts', name: 'Contacts' },
              { value: 'suggestions', name: 'One person?' },
              { value: 'blocked', name: 'Blocked' },
            ]}
          />
          {view === 'contacts' && (
            <SearchForm
              key={search}
              search={search ?? ''}
              onSearch={(q) => change({ q })}
              label="Search contacts"
              placeholder="Name or address begins with …"
              maxLength={100}
            />
          )}
        </header>
        {view === 'contacts' && <ContactList contacts={contacts} isSearch={Boolean(search)} />}
        {view === 'suggestions' && <Suggestions onChange={contacts.reload} />}
        {view === 'blocked' && <Blocklist onChange={contacts.reload} />}
      </div>
      <Outlet context={context} />
      {!open && (
        <div className="reader-none">
          <p className="soft">Choose someone to see what was between you.</p>
        </div>
      )}
    </div>
  );
}

type Pages = ReturnType<typeof usePages<ContactsQuery, ContactFactsFragment>>;

function ContactList({ contacts: { rows, error, isLoading, hasMore, more, reload }, isSearch }: { contacts: Pages; isSearch: boolean }) {
  const { id: open } = useParams();
  const { search: query } = useLocation();
  const [chosen, setChosen] = useState<string[]>([]);
  if (error && !rows) {
    return (
      <div className="timeline-note">
        <Failure error={error} onRetry={reload} />
      </div>
    );
  }
  if (!rows) {
    return (
      <div className="timeline-note">
        <Loading what="contacts" />
      </div>
    );
  }
  if (rows.length === 0) {
    return isSearch ? (
      <Empty title="Nobody of that name">Names and addresses are found by how their words begin.</Empty>
    ) : (
      <Empty
        icon={<UsersRound size={36} strokeWidth={1.4} aria-hidden />}
        title="Nobody yet"
        action={<ButtonLink look="main" to="/syncs/new">New sync</ButtonLink>}
      >
        Contacts come of themselves, from the mail and meetings that a sync brings in: at first whom you wrote to.
      </Empty>
    );
  }
  return (
    <>
      {chosen.length > 0 && (
        <Selection
          chosen={chosen}
          onDone={() => {
            setChosen([]);
            reload();
          }}
          onClear={() => setChosen([])}
        />
      )}
      <div
        className="people-scroll"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          if (scrollHeight - scrollTop - clientHeight < 600) more();
        }}
      >
        <ul aria-label="Contacts">
          {rows.map((contact) => (
            <li className="contact-row" key={contact.id} data-open={contact.id === open || undefined}>
              <Checkbox
                aria-label={`Choose ${nameOf(contact)}`}
                isSelected={chosen.includes(contact.id)}
                onChange={(selected) => setChosen(selected ? [...chosen, contact.id] : chosen.filter((id) => id !== contact.id))}
              />
              <Face name={nameOf(contact)} />
              <Link className="clip" to={`/people/${contact.id}${query}`} aria-current={contact.id === open ? 'true' : undefined}>
                <Foreign className="strong">{nameOf(contact)}</Foreign>
                <Foreign className="block clip small soft">{contact.identities.map(({ address }) => address).join(', ')}</Foreign>
              </Link>
              <span className="small soft">
                <Moment at={contact.lastAt} ago />
              </span>
            </li>
          ))}
        </ul>
        {hasMore && (
          <p className="timeline-more">
            <Button small onPress={more} isPending={isLoading}>
              Show more
            </Button>
          </p>
        )}
      </div>
    </>
  );
}

/** What can be done with those who are chosen. */
function Selection({ chosen, onDone, onClear }: { chosen: string[]; onDone: () => void; onClear: () => void }) {
  const [{ data, error, fetching }, merge] = useMutation(Merge);
  const notify = useNotify();
  const submit = async () => {
    const answer = await merge({ input: { contactIds: chosen } });
    const { contact, userErrors } = answer.data?.mergeContacts ?? {};
    if (!contact || userErrors?.length) return;
    notify(`They are one: ${nameOf(contact)}.`);
    onDone();
  };
  return (
    <div className="selection">
      <span className="strong">{many(chosen.length, 'contact')} chosen</span>
      <Button small onPress={() => void submit()} isDisabled={chosen.length < 2} isPending={fetching}>
        They are one person
      </Button>
      <Button small look="quiet" onPress={onClear}>
        Choose none
      </Button>
      {error && <Failure error={error} />}
      <Refusals errors={data?.mergeContacts.userErrors ?? []} />
    </div>
  );
}

/** Initials in a circle; decoration. */
export function Face({ name, large }: { name: string; large?: boolean }) {
  const letters = name
    .split(/[\s.@]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => word.slice(0, word.codePointAt(0) === word.charCodeAt(0) ? 1 : 2).toUpperCase());
  return (
    <span className={`face${large ? ' large' : ''}`} aria-hidden>
      {letters.join('')}
    </span>
  );
}
