import 'uplot/dist/uPlot.min.css';

import { useEffect, useRef, useSyncExternalStore } from 'react';
import UPlot from 'uplot';

export interface Line {
  label: string;
  /** A token of the design, such as `--accent`. */
  color: string;
  values: (number | null)[];
  /** Drawn as bars instead of a filled line. */
  bars?: boolean;
}

interface Props {
  /** Read to those who do not see the plot. */
  label: string;
  /** Seconds since 1970, rising. */
  times: number[];
  /** From one time to the next, in seconds; a bar is as wide, and begins at its time. */
  step: number;
  lines: Line[];
  /** In pixels. */
  height?: number;
  format?: (value: number) => string;
  formatTime: (seconds: number) => string;
}

/** Steps of the scale: 1, 2, 5, 10, 20 ... */
const STEPS = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** The width of a bar at most, in pixels, however few there are. */
const MOST_BAR = 120;

const dark = matchMedia('(prefers-color-scheme: dark)');

function useIsDark(): boolean {
  return useSyncExternalStore(
    (listener) => {
      dark.addEventListener('change', listener);
      return () => dark.removeEventListener('change', listener);
    },
    () => dark.matches,
  );
}

/** A token's colour as the canvas takes it. */
function resolve(within: HTMLElement, token: string): string {
  const probe = within.appendChild(document.createElement('i'));
  probe.style.color = `var(${token})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** From the first time to the end of what begins at the last. */
function spanOf({ data: [times], step }: { data: UPlot.AlignedData; step: number }): [number, number] {
  const first = times[0] ?? 0;
  return [first, (times[times.length - 1] ?? first) + step];
}

/** A plot over time. The numbers behind it belong into a table beside it. */
export function Plot({ label, times, step, lines, height = 190, format, formatTime }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const isDark = useIsDark();
  const shape = lines.map((line) => line.label + line.color).join();
  const data: UPlot.AlignedData = [times, ...lines.map((line) => line.values)];
  const latest = useRef({ data, step, lines, format, formatTime });
  useEffect(() => {
    latest.current = { data, step, lines, format, formatTime };
    plot.current?.setData(data);
  });
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const ink = resolve(element, '--ink-2');
    const rule = resolve(element, '--line');
    const axis: UPlot.Axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 }, font: '12px Instrument Sans Variable' };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          // The last bar has its place, too; of one time alone, uPlot would show days.
          x: { range: () => spanOf(latest.current) },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
        },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => latest.current.formatTime(tick)), space: 80, size: 30 },
          // What is counted has no halves.
          { ...axis, size: 56, incrs: STEPS, values: (_, ticks) => ticks.map((tick) => latest.current.format?.(tick) ?? String(tick)) },
        ],
        series: [
          {},
          ...latest.current.lines.map((line): UPlot.Series => {
            const stroke = resolve(element, line.color);
            const fill = stroke.replace('rgb(', 'rgba(').replace(')', line.bars ? ', 0.75)' : ', 0.15)');
            const paths = line.bars ? UPlot.paths.bars?.({ size: [0.85, MOST_BAR], align: 1 }) : undefined;
            return { label: line.label, stroke, fill, width: line.bars ? 0 : 2, points: { show: false }, ...(paths && { paths }) };
          }),
        ],
      },
      latest.current.data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [isDark, shape, height]);
  return <div className="plot" ref={place} role="img" aria-label={label} />;
}
