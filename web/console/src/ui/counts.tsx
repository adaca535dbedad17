import { count } from '../words';

interface Props {
  /** What a row is about. */
  head: string;
  rows: { name: string; mails: number; meetings: number }[];
}

/** The numbers behind a picture of mails and meetings. */
export function CountsTable({ head, rows }: Props) {
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col" className="number">
              Mails
            </th>
            <th scope="col" className="number">
              Meetings
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, mails, meetings }) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="number">{count(mails)}</td>
              <td className="number">{count(meetings)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
