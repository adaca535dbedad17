import { count, many } from '../words';

interface Props {
  title: string;
  hours: { weekday: number; hour: number; count: number }[];
  tone: 'mail' | 'meeting';
}

// 5 January 1970 was a Monday.
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' });
const DAYS = [1, 2, 3, 4, 5, 6, 7].map((number) => ({ number, name: weekday.format((3 + number) * 86_400_000) }));
/** Two hours to a column: 24 would not fit beside each other. */
const HOURS = Array.from({ length: 12 }, (_, index) => index * 2);

/** A heat map that is a table: the darker, the more. */
export function HourTable({ title, hours, tone }: Props) {
  const at = (day: number, hour: number) =>
    hours.filter((cell) => cell.weekday === day && Math.floor(cell.hour / 2) * 2 === hour).reduce((sum, cell) => sum + cell.count, 0);
  const most = Math.max(1, ...DAYS.flatMap((day) => HOURS.map((hour) => at(day.number, hour))));
  return (
    <section className="card">
      <div className="inside stack">
        <h2>{title}</h2>
        <table className="heat">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">Day</span>
              </th>
              {HOURS.map((hour) => (
                <th scope="col" key={hour}>
                  {hour}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {DAYS.map((day) => (
              <tr key={day.number}>
                <th scope="row">{day.name}</th>
                {HOURS.map((hour) => {
                  const n = at(day.number, hour);
                  const share = n ? 12 + (88 * n) / most : 0;
                  return (
                    <td
                      key={hour}
                      title={`${day.name}, ${hour} to ${hour + 2}: ${many(n, tone)}`}
                      style={{ backgroundColor: n ? `color-mix(in oklab, var(--${tone}) ${share}%, var(--surface))` : undefined }}
                    >
                      <span className="visually-hidden">{count(n)}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
