import { ArrowLeft, Download, Video, X } from 'lucide-react';
import { Fragment, useState } from 'react';
import { Link, useLocation, useParams } from 'react-router';
import { useQuery } from 'urql';

import { graphql } from '../gql';
import type { InteractionPageQuery } from '../gql/graphql';
import { ButtonLink, Chip, Failure, Foreign, Loading, Moment, Note, Segments } from '../ui/parts';
import { CATEGORY, formatBytes, formatPlainDate, formatTime, many, SERVICE } from '../words';
import { FormattedMail } from './reader-html';
import { RawPayload } from './reader-raw';

const InteractionPage = graphql(/* GraphQL */ `
  query InteractionPage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Interaction {
        ...TimelineRow
        replyText
        bodyText
        category
        language
        listId
        protection
        notes
        labels
        location
        status
        sourceId
        universalId
        attachments {
          id
          name
          mediaType
          sizeBytes
          inline
          contentId
          url
        }
        participants {
          role
          name
          address
          isSelf
          response
          contact {
            id
          }
        }
        meeting {
          conferenceUrl
          timesOnly
          free
          visibility
          invitations {
            id
            subject
          }
        }
        invitation {
          method
          meeting {
            id
            subject
          }
        }
        sources {
          interactionId
          service
          sourceId
          batchId
          account {
            email
          }
        }
      }
    }
  }
`);

export type Loaded = Extract<NonNullable<InteractionPageQuery['node']>, { __typename: 'Interaction' }>;

/** One mail or meeting. */
export function Component() {
  const { id = '' } = useParams();
  const { search } = useLocation();
  const [{ data, error, fetching }, load] = useQuery({ query: InteractionPage, variables: { id } });
  const node = data?.node?.__typename === 'Interaction' ? data.node : null;
  return (
    <section className="reader" aria-label="What is open" data-reads={node?.id}>
      <div className="reader-bar">
        <ButtonLink look="quiet" small to={`/timeline${search}`}>
          <ArrowLeft size={15} aria-hidden className="phone-only flip" />
          <X size={15} aria-hidden className="wide-only" /> Close
        </ButtonLink>
      </div>
      {error && !node && <Failure error={error} onRetry={() => load({ requestPolicy: 'network-only' })} />}
      {!data && fetching && <Loading what="it" />}
      {data && !node && <Note tone="calm">It is no longer on the timeline: it was taken back, or deleted at Google.</Note>}
      {node && <Read key={node.id} node={node} />}
    </section>
  );
}

function Read({ node }: { node: Loaded }) {
  const isMail = node.kind === 'EMAIL';
  const [view, setView] = useState('reply');
  const hasMore = node.bodyText.trim() !== node.replyText.trim();
  const files = node.attachments.filter((file) => !file.inline);
  return (
    <>
      <title>{`${node.subject || '(no subject)'} · omnisync`}</title>
      <header className="stack">
        <h1 className="reader-title">
          <Foreign>{node.subject || '(no subject)'}</Foreign>
        </h1>
        <div className="row">
          <When node={node} />
          {node.category && <Chip tone="calm">{CATEGORY[node.category]}</Chip>}
          {node.protection && <Chip tone="calm">{node.protection === 'SIGNED' ? 'Signed' : 'Encrypted'}</Chip>}
          {node.deletedAt && (
            <Chip tone="wait">
              Deleted at Google <Moment at={node.deletedAt} ago />
            </Chip>
          )}
          {node.status?.toLowerCase() === 'tentative' && <Chip tone="wait">Tentative</Chip>}
        </div>
        <People node={node} />
        {node.location && (
          <p>
            <span className="soft">Where</span> <Foreign>{node.location}</Foreign>
          </p>
        )}
        <Leads node={node} />
      </header>
      {node.notes.length > 0 && <Note tone="wait">Not everything of it could be read or kept. What is shown is right even so.</Note>}
      {isMail && (
        <Segments
          label="How to show it"
          value={view}
          onChange={setView}
          options={[
            { value: 'reply', name: hasMore ? 'New words' : 'Text' },
            ...(hasMore ? [{ value: 'text', name: 'Whole text' }] : []),
            { value: 'html', name: 'As it was meant' },
          ]}
        />
      )}
      {view === 'html' ? (
        <FormattedMail node={node} />
      ) : (
        <div className="body-text" dir="auto">
          {(view === 'reply' ? node.replyText : node.bodyText) || <span className="soft">There is no text in it.</span>}
        </div>
      )}
      {files.length > 0 && <Files files={files} />}
      <Why node={node} />
      <Original id={node.id} />
    </>
  );
}

function When({ node }: { node: Loaded }) {
  if (node.allDay) {
    const { first, last } = node.allDay;
    return (
      <span>
        {formatPlainDate(first)}
        {last !== first && ` to ${formatPlainDate(last)}`}, all day
      </span>
    );
  }
  return (
    <span>
      <Moment at={node.occurredAt} />
      {node.endsAt && ` – ${formatTime(node.endsAt)}`}
    </span>
  );
}

const ROLES: Record<string, string> = {
  FROM: 'From',
  REPLY_TO: 'Answers to',
  TO: 'To',
  CC: 'Copy',
  BCC: 'Blind copy',
  ORGANIZER: 'Organizer',
  ATTENDEE: 'Invited',
  RESOURCE: 'Room',
};

const RESPONSES: Record<string, string> = { declined: 'declined', tentative: 'maybe', accepted: 'accepted' };

function People({ node }: { node: Loaded }) {
  return (
    <dl className="people">
      {Object.entries(ROLES).map(([role, title]) => {
        const people = node.participants.filter((person) => person.role === role);
        if (people.length === 0) return null;
        return (
          <Fragment key={role}>
            <dt>{title}</dt>
            <dd>
              {people.map((person, index) => {
                const name = person.name ?? person.address;
                const response = person.response && RESPONSES[person.response.toLowerCase()];
                return (
                  <span key={index} className="participant" title={person.address}>
                    {person.contact ? (
                      <Link to={`/people/${person.contact.id}`}>
                        <Foreign>{name}</Foreign>
                      </Link>
                    ) : (
                      <Foreign>{name}</Foreign>
                    )}
                    {response && <span className="soft"> ({response})</span>}
                    {index < people.length - 1 && ', '}
                  </span>
                );
              })}
            </dd>
          </Fragment>
        );
      })}
    </dl>
  );
}

/** Ways on from here: the call, the conversation, the meeting that a mail is about, the mails about a meeting. */
function Leads({ node }: { node: Loaded }) {
  const { search } = useLocation();
  return (
    <div className="row small">
      {node.meeting?.conferenceUrl && (
        <a className="button small" href={node.meeting.conferenceUrl} target="_blank" rel="noopener noreferrer">
          <Video size={14} aria-hidden /> Join the call
        </a>
      )}
      {node.conversation && node.conversation.nInteractions > 1 && <Link to={`/timeline?thread=${encodeURIComponent(node.conversation.id)}`}>{node.kind === 'EMAIL' ? 'The whole conversation' : 'The whole series'}</Link>}
      {node.invitation?.meeting && (
        <Link to={`/timeline/${node.invitation.meeting.id}${search}`}>
          About the meeting <Foreign>{node.invitation.meeting.subject}</Foreign>
        </Link>
      )}
      {node.meeting && node.meeting.invitations.length > 0 && (
        <details>
          <summary>{many(node.meeting.invitations.length, 'mail')} about it</summary>
          <ul>
            {node.meeting.invitations.map((mail) => (
              <li key={mail.id}>
                <Link to={`/timeline/${mail.id}${search}`}>
                  <Foreign>{mail.subject || '(no subject)'}</Foreign>
                </Link>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Files({ files }: { files: Loaded['attachments'] }) {
  return (
    <ul className="files" aria-label="Files">
      {files.map((file) => (
        <li key={file.id}>
          <a className="button small" href={file.url} download>
            <Download size={14} aria-hidden />
            <Foreign className="clip">{file.name || 'a file without a name'}</Foreign>
            <span className="soft">{formatBytes(file.sizeBytes)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** How it came here, by every way. */
function Why({ node }: { node: Loaded }) {
  return (
    <details className="why">
      <summary>Why is it here?</summary>
      <ul className="stack small">
        {node.sources.map((source) => (
          <li key={source.interactionId}>
            {SERVICE[source.service].name} of {source.account?.email ?? 'an account that is gone'} named it <code>{source.sourceId}</code>, and{' '}
            <Link to={`/syncs/${source.batchId}`}>this sync</Link> brought it in.
          </li>
        ))}
        {node.universalId && (
          <li>
            {node.kind === 'EMAIL' ? 'Message-ID' : 'iCalUID'} <code>{node.universalId}</code>
          </li>
        )}
        {node.labels.length > 0 && <li>Labels {node.labels.join(', ')}</li>}
        {node.listId && (
          <li>
            Mailing list <code>{node.listId}</code>
          </li>
        )}
      </ul>
    </details>
  );
}

function Original({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="why" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As it came from Google</summary>
      {isOpen && <RawPayload id={id} />}
    </details>
  );
}
