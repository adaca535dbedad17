import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useMutation } from 'urql';

import { useWords } from '../api/addresses';
import { graphql } from '../gql';
import type { PreviewFactsFragment, PreviewInput, Service } from '../gql/graphql';
import { Failure, Loading, Note, Refusals } from '../ui/parts';
import { rulesOf, wordsOf } from './new-sync-address';
import { Approval } from './new-sync-approval';
import { Findings } from './new-sync-findings';
import { RulesForm } from './new-sync-rules';

export const PreviewFacts = graphql(/* GraphQL */ `
  fragment PreviewFacts on Preview {
    id
    hash
    expiresAt
    mail {
      atLeast
      atMost
    }
    meetings {
      atLeast
      atMost
    }
    mailQuery
    mailWindow {
      from
      to
    }
    calendarWindow {
      from
      to
    }
    perLabel {
      key
      name
      count
    }
    perCalendar {
      key
      name
      count
    }
    topSenders {
      key
      name
      count
    }
    excludedByRule {
      key
      name
      count
    }
    samples {
      service
      at
      who
      title
      snippet
    }
    sampledMails
    gmailUnits
    calendarRequests
    estimatedSeconds
  }
`);

const MakePreview = graphql(/* GraphQL */ `
  mutation MakePreview($input: PreviewInput!) {
    preview(input: $input) {
      preview {
        ...PreviewFacts
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export interface Account {
  id: string;
  email: string;
  services: { service: Service; granted: boolean }[];
  labels: { sourceId: string; name: string }[];
  calendars: { sourceId: string; name: string; primary: boolean }[];
}

/** What a person can say about what comes in. */
export interface Rules {
  services: Service[];
  mailDaysBack: number;
  gmailQuery: string;
  includeLabels: string[];
  excludeLabels: string[];
  excludedSenders: string[];
  excludedDomains: string[];
  calendars: string[];
  calendarDaysBack: number;
  calendarDaysAhead: number;
  privateEvents: boolean;
  includeUndone: boolean;
}

interface Props {
  account: Account;
  preferences: Omit<Rules, 'services' | 'includeLabels' | 'excludeLabels' | 'calendars' | 'includeUndone'>;
}

/** How long the rules must be left alone before they are looked at, in milliseconds. */
const PAUSE = 500;

function inputOf(account: Account, rules: Rules): PreviewInput {
  const { includeLabels, excludeLabels, calendars, ...rest } = rules;
  return {
    ...rest,
    accountId: account.id,
    includeLabels: includeLabels.length ? includeLabels : null,
    excludeLabels: excludeLabels.length ? excludeLabels : null,
    calendars: calendars.length ? calendars : null,
  };
}

/** The rules beside what they let in. */
export function Draft({ account, preferences }: Props) {
  const granted = account.services.filter((access) => access.granted).map((access) => access.service);
  const primary = account.calendars.find((calendar) => calendar.primary);
  const [words, setWords] = useWords();
  // Named one by one: what the server answers has more in it, which an input has no place for.
  const [usual] = useState<Rules>(() => ({
    mailDaysBack: preferences.mailDaysBack,
    gmailQuery: preferences.gmailQuery,
    excludedSenders: preferences.excludedSenders,
    excludedDomains: preferences.excludedDomains,
    calendarDaysBack: preferences.calendarDaysBack,
    calendarDaysAhead: preferences.calendarDaysAhead,
    privateEvents: preferences.privateEvents,
    services: granted,
    includeLabels: [],
    excludeLabels: [],
    calendars: primary ? [primary.sourceId] : [],
    includeUndone: false,
  }));
  const [rules, setRules] = useState(() => rulesOf(words, usual));
  const { preview, isStale, error, refusals, isLooking, look } = usePreview(account, rules);
  // The address keeps up with the rules, so that a reload or another person's browser begins with them.
  const change = (changed: Partial<Rules>) => {
    const next = { ...rules, ...changed };
    setRules(next);
    setWords(wordsOf(next, usual));
  };
  return (
    <div className="draft">
      <RulesForm account={account} granted={granted} rules={rules} onChange={change} />
      <div className="stack wide" aria-busy={isLooking}>
        {error && <Failure error={error} onRetry={look} />}
        <Refusals errors={refusals} />
        {rules.services.length === 0 && <Note tone="wait">Choose mail, meetings, or both.</Note>}
        {!preview && isLooking && <Loading what="a look at what would come in" />}
        {preview && (
          <>
            <Findings
              preview={preview}
              isStale={isStale}
              onLeaveOut={(address) => change({ excludedSenders: [...rules.excludedSenders, address] })}
            />
            <Approval account={account} preview={preview} rules={rules} isStale={isStale} onLookAgain={look} />
          </>
        )}
      </div>
    </div>
  );
}

/** The newest preview. An older one stays in sight until the next has come, and is `isStale` from the moment a rule changes. */
function usePreview(account: Account, rules: Rules) {
  const [{ data, error }, make] = useMutation(MakePreview);
  const [last, setLast] = useState<{ preview: PreviewFactsFragment; rules: Rules } | null>(null);
  const [isLooking, setLooking] = useState(true);
  const asked = useRef(0);
  const look = async () => {
    const number = ++asked.current;
    setLooking(true);
    const answer = await make({ input: inputOf(account, rules) });
    // The rules have changed meanwhile, and are looked at by another call.
    if (number !== asked.current) return;
    setLooking(false);
    const preview = answer.data?.preview.preview;
    if (preview) setLast({ preview, rules });
  };
  const lookNow = useEffectEvent(look);
  const isFirst = useRef(true);
  useEffect(() => {
    if (rules.services.length === 0) return;
    const timer = setTimeout(() => void lookNow(), isFirst.current ? 0 : PAUSE);
    isFirst.current = false;
    return () => clearTimeout(timer);
  }, [rules]);
  return {
    preview: last?.preview,
    isStale: last?.rules !== rules,
    isLooking,
    error,
    refusals: data?.preview.userErrors ?? [],
    look: () => void look(),
  };
}
