import { lazy, Suspense } from 'react';

import type { Point } from '../api/batch';
import { count, formatSecond } from '../words';

const Plot = lazy(() => import('../ui/plot'));

/** Items a minute since the page watches, with the numbers behind. */
export function Throughput({ points }: { points: Point[] }) {
  const rates = points.slice(1).map(([at, settled], index): Point => {
    const [before, had] = points[index] ?? [at, settled];
    return [at, at > before ? Math.max(0, ((settled - had) / (at - before)) * 60) : 0];
  });
  const rows = rates.slice(-30).toReversed();
  return (
    <section className="card" aria-labelledby="throughput">
      <div className="inside stack">
        <h2 id="throughput">Items a minute</h2>
        <Suspense fallback={<div className="plot-place" />}>
          <Plot
            label={`Items a minute; the last value is ${count(Math.round(rates.at(-1)?.[1] ?? 0))}`}
            times={rates.map(([at]) => at)}
            lines={[{ label: 'Items a minute', color: '--accent', values: rates.map(([, rate]) => rate) }]}
            formatTime={formatSecond}
            format={(value) => count(Math.round(value))}
          />
        </Suspense>
        <details>
          <summary>As a table</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">At</th>
                <th scope="col" className="number">
                  Items a minute
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([at, rate]) => (
                <tr key={at}>
                  <td>{formatSecond(at)}</td>
                  <td className="number">{count(Math.round(rate))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </div>
    </section>
  );
}
