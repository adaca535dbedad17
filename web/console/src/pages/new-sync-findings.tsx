import type { PreviewFactsFragment } from '../gql/graphql';
import { Bars, Button, Facts, Foreign, Moment } from '../ui/parts';
import { count, formatDuration, formatRange, many, ruleName } from '../words';

interface Props {
  preview: PreviewFactsFragment;
  /** Whether the rules have changed since. */
  isStale: boolean;
  onLeaveOut: (address: string) => void;
}

/** What was found: numbers first, then examples. */
export function Findings({ preview, isStale, onLeaveOut }: Props) {
  return (
    <div className={`stack wide findings${isStale ? ' stale' : ''}`}>
      <div className="card">
        <div className="inside">
          <Facts
            large
            facts={[
              ['Mails', formatRange(preview.mail)],
              ['Meetings', formatRange(preview.meetings)],
              ['Takes about', formatDuration(preview.estimatedSeconds)],
            ]}
          />
        </div>
        <div className="inside small soft numbers">
          Costs at most {many(preview.gmailUnits, 'Gmail unit')} and {many(preview.calendarRequests, 'calendar request')}. Labels and senders are
          those of {many(preview.sampledMails, 'mail')} looked at.
        </div>
      </div>
      <div className="columns">
        <Tallies title="Top senders" rows={preview.topSenders} onLeaveOut={onLeaveOut} />
        <Tallies title="Labels" rows={preview.perLabel} />
        <Tallies title="Calendars" rows={preview.perCalendar} />
        <Tallies title="Kept out, by rule" showsSum rows={preview.excludedByRule.map((row) => ({ ...row, name: ruleName(row.key) }))} />
      </div>
      <section className="card" aria-labelledby="samples">
        <div className="inside">
          <h2 id="samples">Examples</h2>
        </div>
        <div className="inside">
          {preview.samples.length === 0 && <p className="soft">Nothing would come in under these rules.</p>}
          <ol className="samples">
            {preview.samples.map((sample, index) => (
              <li key={index} className="sample">
                <span className={`dot ${sample.service === 'GMAIL' ? 'mail' : 'meeting'}`} aria-hidden />
                <div className="clip">
                  <Foreign className="strong">{sample.title || '(no subject)'}</Foreign>
                  <Foreign className="soft small block clip">{sample.who}</Foreign>
                  <Foreign className="soft small block clip">{sample.snippet}</Foreign>
                </div>
                <span className="small soft">
                  <Moment at={sample.at} />
                </span>
              </li>
            ))}
          </ol>
        </div>
      </section>
    </div>
  );
}

interface TalliesProps {
  title: string;
  rows: { key: string; name: string; count: number }[];
  showsSum?: boolean;
  onLeaveOut?: (key: string) => void;
}

function Tallies({ title, rows, showsSum, onLeaveOut }: TalliesProps) {
  if (rows.length === 0) return null;
  const sum = rows.reduce((all, row) => all + row.count, 0);
  return (
    <section className="card inside-card">
      <div className="inside stack">
        <div className="row apart">
          <h2>{title}</h2>
          {showsSum && <span className="small soft numbers">{count(sum)}</span>}
        </div>
        <Bars
          rows={rows}
          action={
            onLeaveOut &&
            ((key) => (
              <Button look="quiet" small onPress={() => onLeaveOut(key)} aria-label={`Leave out ${key}`}>
                Leave out
              </Button>
            ))
          }
        />
      </div>
    </section>
  );
}
