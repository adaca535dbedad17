import type { Edge } from '../api/timeline';
import type { TimelineRowFragment } from '../gql/graphql';
import { formatDay } from '../words';

/** A line of the list. */
export type Line =
  | { kind: 'day'; key: string; title: string }
  | { kind: 'row'; key: string; edge: Edge; nFolded: number; isFoldOpen: boolean; isWithin: boolean; isOpen: boolean }
  | { kind: 'end'; key: string };

/** The day of each row that was looked at: a list of a hundred thousand is put together anew with every page. */
const known = new WeakMap<TimelineRowFragment, Date>();

/** The day a row stands under: of an all-day meeting its own, else the viewer's. */
function dayOf(row: TimelineRowFragment): Date {
  const found = known.get(row);
  if (found) return found;
  const at = new Date(row.occurredAt);
  let day = new Date(at.getFullYear(), at.getMonth(), at.getDate());
  if (row.allDay) {
    const [year = 0, month = 1, date = 1] = row.allDay.first.split('-').map(Number);
    day = new Date(year, month - 1, date);
  }
  known.set(row, day);
  return day;
}

interface Shape {
  byDay: boolean;
  /** Whether of a conversation only the newest mail stands for all. */
  isFolded: boolean;
  /** The conversations that are open all the same, with what is in them once it is known. */
  unfolded: ReadonlyMap<string, Edge[]>;
  hasMore: boolean;
  /** The id of what is read beside the list. */
  open: string | undefined;
}

/** What the list shows, from top to bottom. */
export function linesOf(edges: Edge[], { byDay, isFolded, unfolded, hasMore, open }: Shape): Line[] {
  const lines: Line[] = [];
  const heads = new Map<string, Extract<Line, { kind: 'row' }>>();
  let current: number | null = null;
  for (const edge of edges) {
    const { node } = edge;
    const thread = isFolded && node.kind === 'EMAIL' && node.conversation && node.conversation.nInteractions > 1 ? node.conversation : null;
    const head = thread && heads.get(thread.id);
    if (head) {
      // It stands for what is read, as long as that has no line of its own.
      if (node.id === open && !head.isFoldOpen) head.isOpen = true;
      continue;
    }
    const day = dayOf(node);
    if (byDay && day.getTime() !== current) {
      lines.push({ kind: 'day', key: `day ${node.id}`, title: formatDay(day) });
      current = day.getTime();
    }
    const others = thread ? unfolded.get(thread.id) : undefined;
    const line: Line = {
      kind: 'row',
      key: node.id,
      edge,
      nFolded: thread ? thread.nInteractions - 1 : 0,
      isFoldOpen: others !== undefined,
      isWithin: false,
      isOpen: node.id === open,
    };
    lines.push(line);
    if (thread) heads.set(thread.id, line);
    for (const other of others ?? []) {
      if (other.node.id === node.id) continue;
      lines.push({ kind: 'row', key: `in ${other.node.id}`, edge: other, nFolded: 0, isFoldOpen: false, isWithin: true, isOpen: other.node.id === open });
    }
  }
  if (hasMore) lines.push({ kind: 'end', key: 'end' });
  return lines;
}
