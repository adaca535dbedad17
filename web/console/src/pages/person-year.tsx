import { useQuery } from 'urql';

import { spanOf } from '../api/addresses';
import { graphql } from '../gql';
import type { ContactDaysQuery } from '../gql/graphql';
import { CountsTable } from '../ui/counts';
import { count, formatDayAt, many } from '../words';

const ContactDays = graphql(/* GraphQL */ `
  query ContactDays($id: ID!, $from: DateTime!, $to: DateTime!, $timeZone: String!) {
    node(id: $id) {
      __typename
      id
      ... on Contact {
        days(from: $from, to: $to, timeZone: $timeZone) {
          day
          kind
          count
        }
      }
    }
  }
`);

type DayCount = Extract<NonNullable<ContactDaysQuery['node']>, { __typename: 'Contact' }>['days'][number];

const DAY = 86_400_000;
/** Weeks of a year, the one that has begun included. */
const WEEKS = 53;
const month = new Intl.DateTimeFormat(undefined, { month: 'short', timeZone: 'UTC' });
const monthAndYear = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' });

interface Cell {
  /** The day, as it is called where nobody has a time zone. */
  at: number;
  mails: number;
  meetings: number;
  /** Whether it lies in the year; the first week begins before it. */
  isAsked: boolean;
}

/** How many days a year has here. */
const DAYS = 365;

/** Each day of the last year with a contact: the darker, the more. */
export function YearMap({ id }: { id: string }) {
  const [{ data }] = useQuery({ query: ContactDays, variables: { id, ...spanOf(DAYS) } });
  const days = data?.node?.__typename === 'Contact' ? data.node.days : null;
  const weeks = weeksOf(days ?? []);
  const cells = weeks.flat();
  const total = cells.reduce((sum, { mails, meetings }) => sum + mails + meetings, 0);
  const most = Math.max(1, ...cells.map(({ mails, meetings }) => mails + meetings));
  return (
    <section className="stack" aria-labelledby="year" aria-busy={!days}>
      <div className="row apart">
        <h2 id="year">The last year</h2>
        {days && <span className="small soft numbers">{total ? `${count(total)} on ${many(cells.filter((cell) => cell.mails + cell.meetings > 0).length, 'day')}` : 'Nothing'}</span>}
      </div>
      <div className="year" role="img" aria-label={`Mails and meetings on each day of the last year: ${count(total)} in all, ${count(most)} on the fullest day`}>
        {weeks.map(([first, ...others], index) => {
          if (!first) return null;
          const before = weeks[index - 1]?.[0];
          const isNew = before && month.format(before.at) !== month.format(first.at);
          return (
            <div key={first.at} className="week">
              <span className="month">{isNew ? month.format(first.at) : ''}</span>
              {[first, ...others].map((cell) => (cell.isAsked ? <YearDay key={cell.at} cell={cell} most={most} /> : <i key={cell.at} className="none" />))}
            </div>
          );
        })}
      </div>
      {total > 0 && <Months cells={cells} />}
    </section>
  );
}

function YearDay({ cell: { at, mails, meetings }, most }: { cell: Cell; most: number }) {
  const n = mails + meetings;
  const words = [mails && many(mails, 'mail'), meetings && many(meetings, 'meeting')].filter(Boolean).join(', ');
  // What there was more of gives the colour.
  const color = meetings > mails ? 'meeting' : 'mail';
  return (
    <i
      title={`${formatDayAt(at)}: ${words || 'nothing'}`}
      style={n ? { backgroundColor: `color-mix(in oklab, var(--${color}) ${20 + (80 * n) / most}%, var(--surface))` } : undefined}
    />
  );
}

function Months({ cells }: { cells: Cell[] }) {
  const months = new Map<string, { mails: number; meetings: number }>();
  for (const { at, mails, meetings } of cells) {
    const name = monthAndYear.format(at);
    const sum = months.get(name) ?? { mails: 0, meetings: 0 };
    months.set(name, { mails: sum.mails + mails, meetings: sum.meetings + meetings });
  }
  return <CountsTable head="Month" rows={[...months].toReversed().map(([name, sum]) => ({ name, ...sum }))} />;
}

/** The weeks of the last year, each from its Monday, with what there was on each day until today. */
function weeksOf(days: DayCount[]): Cell[][] {
  const now = new Date();
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
  const monday = today - ((now.getDay() + 6) % 7) * DAY;
  const known = new Map<number, Cell>();
  const nothing = (at: number): Cell => ({ at, mails: 0, meetings: 0, isAsked: at > today - DAYS * DAY });
  for (const { day, kind, count: n } of days) {
    const at = Date.parse(`${day}T00:00:00Z`);
    const cell = known.get(at) ?? nothing(at);
    known.set(at, kind === 'EMAIL' ? { ...cell, mails: n } : { ...cell, meetings: n });
  }
  return Array.from({ length: WEEKS }, (_, week) => {
    const first = monday - (WEEKS - 1 - week) * 7 * DAY;
    const length = Math.min(7, (today - first) / DAY + 1);
    return Array.from({ length }, (__, day) => known.get(first + day * DAY) ?? nothing(first + day * DAY));
  });
}
