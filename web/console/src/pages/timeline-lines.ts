import type { Row } from '../api/timeline';
import { formatDay } from '../words';

/** A line of the list. */
export type Line =
  | { kind: 'day'; key: string; title: string }
  | { kind: 'row'; key: string; row: Row; nFolded: number; isFoldOpen: boolean; isWithin: boolean; isOpen: boolean }
  | { kind: 'end'; key: string };

interface Shape {
  byDay: boolean;
  /** Whether of a conversation only the newest mail stands for all. */
  isFolded: boolean;
  /** The conversations that are open all the same, with what is in them once it is known. */
  unfolded: ReadonlyMap<string, Row[]>;
  hasMore: boolean;
  /** The id of what is read beside the list. */
  open: string | undefined;
}

/** What the list shows, from top to bottom. */
export function linesOf(rows: Row[], { byDay, isFolded, unfolded, hasMore, open }: Shape): Line[] {
  const lines: Line[] = [];
  const heads = new Map<string, Extract<Line, { kind: 'row' }>>();
  let current: number | null = null;
  for (const row of rows) {
    const thread = isFolded ? row.thread : null;
    const head = thread !== null && heads.get(thread);
    if (head) {
      // It stands for what is read, as long as that has no line of its own.
      if (row.id === open && !head.isFoldOpen) head.isOpen = true;
      continue;
    }
    if (byDay && row.day !== current) {
      lines.push({ kind: 'day', key: `day ${row.id}`, title: formatDay(new Date(row.day)) });
      current = row.day;
    }
    const others = thread === null ? undefined : unfolded.get(thread);
    const line: Line = {
      kind: 'row',
      key: row.id,
      row,
      nFolded: thread === null ? 0 : row.nInThread - 1,
      isFoldOpen: others !== undefined,
      isWithin: false,
      isOpen: row.id === open,
    };
    lines.push(line);
    if (thread !== null) heads.set(thread, line);
    for (const other of others ?? []) {
      if (other.id === row.id) continue;
      lines.push({ kind: 'row', key: `in ${other.id}`, row: other, nFolded: 0, isFoldOpen: false, isWithin: true, isOpen: other.id === open });
    }
  }
  if (hasMore) lines.push({ kind: 'end', key: 'end' });
  return lines;
}
