import { useNavigate } from 'react-router';
import { useMutation } from 'urql';

import { graphql } from '../gql';
import type { PreviewFactsFragment } from '../gql/graphql';
import { useNow } from '../ui/now';
import { Button, Failure, Foreign, Refusals } from '../ui/parts';
import { formatDate, formatRange, formatTime, many } from '../words';
import type { Account, Rules } from './new-sync-draft';

const Approve = graphql(/* GraphQL */ `
  mutation Approve($input: ApproveInput!) {
    approve(input: $input) {
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

interface Props {
  account: Account;
  preview: PreviewFactsFragment;
  rules: Rules;
  /** Whether the rules say something else than the preview by now. */
  isStale: boolean;
  onLookAgain: () => void;
}

/** The consent in one sentence, and the button that makes it binding. */
export function Approval({ account, preview, rules, isStale, onLookAgain }: Props) {
  const [{ data, error, fetching }, approve] = useMutation(Approve);
  const navigate = useNavigate();
  const isExpired = useNow(true) > Date.parse(preview.expiresAt);
  const submit = async () => {
    // A preview is approved once, however often the button is pressed.
    const input = { previewId: preview.id, idempotencyKey: `console-${preview.id}`, excludedSenders: [], excludedDomains: [] };
    const id = (await approve({ input })).data?.approve.batch?.id;
    if (id) void navigate(`/syncs/${id}`);
  };
  return (
    <section className="card consent" aria-labelledby="consent">
      <div className="inside stack">
        <h2 id="consent">What you approve</h2>
        <p className="sentence">
          <Sentence account={account} preview={preview} rules={rules} />
        </p>
        {error && <Failure error={error} />}
        <Refusals errors={data?.approve.userErrors ?? []} />
        <div className="row apart">
          <span className="small soft">
            {isExpired ? 'This look is too old to be approved.' : `Good until ${formatTime(preview.expiresAt)}.`} Consent <code>{preview.hash.slice(0, 12)}</code>
          </span>
          {isExpired ? (
            <Button look="main" onPress={onLookAgain}>
              Look again
            </Button>
          ) : (
            <Button look="main" onPress={() => void submit()} isPending={fetching} isDisabled={isStale}>
              Approve and bring it in
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

/** Everything of the consent that a person decides about, as one sentence. */
function Sentence({ account, preview, rules }: Pick<Props, 'account' | 'preview' | 'rules'>) {
  const { mailWindow, calendarWindow } = preview;
  const names = rules.calendars.map((id) => account.calendars.find((calendar) => calendar.sourceId === id)?.name ?? id);
  const without = [
    rules.excludedSenders.length && many(rules.excludedSenders.length, 'address', 'addresses'),
    rules.excludedDomains.length && many(rules.excludedDomains.length, 'domain'),
    calendarWindow && !rules.privateEvents && 'private events',
    !rules.includeUndone && 'whatever an undo took away',
  ].filter((part) => typeof part === 'string');
  return (
    <>
      I let omnisync bring in{' '}
      {mailWindow && (
        <>
          the <b>{formatRange(preview.mail)} mails</b> received since {formatDate(mailWindow.from)}
          {rules.gmailQuery && (
            <>
              {' '}
              that match “<Foreign>{rules.gmailQuery}</Foreign>”
            </>
          )}
        </>
      )}
      {mailWindow && calendarWindow && ' and '}
      {calendarWindow && (
        <>
          the <b>{formatRange(preview.meetings)} meetings</b>
          {names.length > 0 && (
            <>
              {' '}
              of {names.length === 1 ? 'the calendar' : 'the calendars'} <Foreign>{names.join(', ')}</Foreign>
            </>
          )}{' '}
          from {formatDate(calendarWindow.from)}
          {calendarWindow.to && ` to ${formatDate(calendarWindow.to)}`}
        </>
      )}{' '}
      from <b>{account.email}</b>
      {without.length > 0 && `, without ${new Intl.ListFormat('en').format(without)}`}, and keep that in step until I take it back.
    </>
  );
}
