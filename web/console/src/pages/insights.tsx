import { ChartColumn } from 'lucide-react';
import { Link } from 'react-router';
import { useQuery } from 'urql';

import { spanOf, useWords } from '../api/addresses';
import { graphql } from '../gql';
import type { InsightsQuery } from '../gql/graphql';
import { CountsTable } from '../ui/counts';
import { ButtonLink, Empty, Facts, Failure, Foreign, Loading, PageHead, Segments } from '../ui/parts';
import { Plot } from '../ui/plot';
import { count, formatDayAt, formatDuration, many } from '../words';
import { SyncHealth } from './insights-health';
import { HourTable } from './insights-hours';
import { nameOf } from './people';

const Insights = graphql(/* GraphQL */ `
  query Insights($from: DateTime!, $to: DateTime!, $timeZone: String!) {
    insights(from: $from, to: $to, timeZone: $timeZone) {
      days {
        day
        kind
        count
      }
      hours {
        weekday
        hour
        kind
        count
      }
      correspondents(first: 12) {
        contact {
          id
          name
          identities {
            address
          }
        }
        nWroteTo
        nWrote
        nMet
      }
      ownAnswers {
        count
        medianSeconds
        ninthDecileSeconds
      }
      othersAnswers {
        count
        medianSeconds
        ninthDecileSeconds
      }
    }
  }
`);

type Numbers = InsightsQuery['insights'];

const SPANS = ['30', '90', '365'];
const DAY = 86_400_000;

/** What the last weeks or months come to in numbers. */
export function Component() {
  const [words, change] = useWords();
  const days = words.get('days') ?? '90';
  const [{ data, error }, load] = useQuery({ query: Insights, variables: spanOf(Number(days) || 90) });
  const numbers = data?.insights;
  return (
    <div className="page">
      <title>Insights · omnisync</title>
      <PageHead
        title="Insights"
        actions={
          <Segments
            label="How far back"
            value={days}
            onChange={(chosen) => change({ days: chosen === '90' ? null : chosen })}
            options={SPANS.map((value) => ({ value, name: `${value} days` }))}
          />
        }
      >
        Counted from your timeline as it stands now. Nobody else sees this.
      </PageHead>
      {error && <Failure error={error} onRetry={() => load({ requestPolicy: 'network-only' })} />}
      {!data && !error && <Loading what="the numbers" />}
      {numbers?.days.length === 0 && (
        <div className="card">
          <Empty
            icon={<ChartColumn size={36} strokeWidth={1.4} aria-hidden />}
            title="There is nothing to count"
            action={<ButtonLink look="main" to="/syncs/new">New sync</ButtonLink>}
          >
            Nothing on the timeline lies in these days. Take a longer span, or bring something in.
          </Empty>
        </div>
      )}
      {numbers && numbers.days.length > 0 && (
        <>
          <Days days={numbers.days} />
          <Answers numbers={numbers} />
          <div className="columns">
            <HourTable title="Mail by hour of the week" hours={numbers.hours.filter(({ kind }) => kind === 'EMAIL')} tone="mail" />
            <HourTable title="Meetings by hour of the week" hours={numbers.hours.filter(({ kind }) => kind === 'MEETING')} tone="meeting" />
          </div>
          <Correspondents numbers={numbers} />
        </>
      )}
      <SyncHealth />
    </div>
  );
}

/** Every day from the first to the last, with what there was on it. */
function fill(days: Numbers['days']) {
  const at = (day: string) => Date.parse(`${day}T00:00:00Z`);
  const first = Math.min(...days.map(({ day }) => at(day)));
  const last = Math.max(...days.map(({ day }) => at(day)));
  const rows = Array.from({ length: Math.round((last - first) / DAY) + 1 }, (_, index) => ({ at: first + index * DAY, mails: 0, meetings: 0 }));
  for (const { day, kind, count: n } of days) {
    const row = rows[Math.round((at(day) - first) / DAY)];
    if (row) row[kind === 'EMAIL' ? 'mails' : 'meetings'] += n;
  }
  return rows;
}

const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

function Days({ days }: { days: Numbers['days'] }) {
  const rows = fill(days);
  const mails = rows.reduce((sum, row) => sum + row.mails, 0);
  const meetings = rows.reduce((sum, row) => sum + row.meetings, 0);
  return (
    <section className="card" aria-labelledby="days">
      <div className="inside stack">
        <div className="row apart">
          <h2 id="days">Each day</h2>
          <span className="row small">
            <span className="dot mail" aria-hidden /> {many(mails, 'mail')} <span className="dot meeting" aria-hidden /> {many(meetings, 'meeting')}
          </span>
        </div>
        <Plot
          label={`Mails and meetings of each day: ${count(mails)} and ${count(meetings)} in all`}
          times={rows.map((row) => row.at / 1000)}
          step={DAY / 1000}
          lines={[
            { label: 'Mails', color: '--mail', values: rows.map((row) => row.mails), bars: true },
            { label: 'Meetings', color: '--meeting', values: rows.map((row) => row.meetings) },
          ]}
          format={count}
          formatTime={(seconds) => shortDay.format(seconds * 1000)}
        />
        <CountsTable head="Day" rows={rows.toReversed().map((row) => ({ ...row, name: formatDayAt(row.at) }))} />
      </div>
    </section>
  );
}

function Answers({ numbers: { ownAnswers: own, othersAnswers: others } }: { numbers: Numbers }) {
  if (!own && !others) return null;
  const of = (times: Numbers['ownAnswers']): React.ReactNode => (times ? formatDuration(times.medianSeconds) : '–');
  return (
    <section className="card" aria-labelledby="answers">
      <div className="inside stack">
        <h2 id="answers">How long answers take</h2>
        <Facts
          large
          facts={[
            ['You, half of them within', of(own)],
            ['You, nine of ten within', own ? formatDuration(own.ninthDecileSeconds) : '–'],
            ['Others, half of them within', of(others)],
            ['Others, nine of ten within', others ? formatDuration(others.ninthDecileSeconds) : '–'],
          ]}
        />
        <p className="small soft">
          From a mail to the next one of the other side in the same conversation, where people write to people: {many(own?.count ?? 0, 'answer')} of
          yours, {count(others?.count ?? 0)} of others.
        </p>
      </div>
    </section>
  );
}

function Correspondents({ numbers: { correspondents } }: { numbers: Numbers }) {
  if (correspondents.length === 0) return null;
  return (
    <section className="card" aria-labelledby="correspondents">
      <div className="inside">
        <h2 id="correspondents">With whom</h2>
      </div>
      <div className="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col" className="number">
                You wrote
              </th>
              <th scope="col" className="number">
                They wrote
              </th>
              <th scope="col" className="number">
                Meetings
              </th>
            </tr>
          </thead>
          <tbody>
            {correspondents.map(({ contact, nWroteTo, nWrote, nMet }) => (
              <tr key={contact.id}>
                <td>
                  <Link to={`/people/${contact.id}`}>
                    <Foreign>{nameOf(contact)}</Foreign>
                  </Link>
                </td>
                <td className="number">{count(nWroteTo)}</td>
                <td className="number">{count(nWrote)}</td>
                <td className="number">{count(nMet)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
