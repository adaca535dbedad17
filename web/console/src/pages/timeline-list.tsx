import { defaultRangeExtractor, measureElement, type Range, useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownLeft, ArrowUpRight, CalendarDays, ChevronRight, Paperclip } from 'lucide-react';
import { type KeyboardEvent, memo, useCallback, useEffect, useEffectEvent, useMemo, useRef, useState } from 'react';
import { Link } from 'react-router';
import { useClient } from 'urql';

import { type Row, rowOf } from '../api/timeline';
import { graphql } from '../gql';
import { useNotify } from '../ui/notices';
import { Foreign } from '../ui/parts';
import { formatDate, formatExact, formatPlainDate, formatTime, many } from '../words';
import { type Line, linesOf } from './timeline-lines';

const ThreadRows = graphql(/* GraphQL */ `
  query ThreadRows($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Thread {
        timeline(first: 100) {
          nodes {
            ...TimelineRow
          }
        }
      }
    }
  }
`);

interface Props {
  rows: Row[];
  byDay: boolean;
  /** Whether of a conversation only the newest mail is shown. */
  isFolded: boolean;
  hasMore: boolean;
  isLoading: boolean;
  onMore: () => void;
  /** The id of what is open. */
  open: string | undefined;
  /** The ids of what is no longer on the timeline. */
  gone: ReadonlySet<string>;
  /** The filters in the address, which stay when a row is opened. */
  query: string;
  /** Raised when the list should begin at its top again. */
  showings: number;
}

/** So many lines before the last one, the next page is asked for. */
const AHEAD = 40;

/** How high the last line of each kind was. Where a line is as high as expected, the places of a hundred thousand others stay as they are. */
const heights = { day: 35, row: 61, end: 40 };

/** The rows in sight and a few around them, however many there are. */
export function TimelineList({ rows, byDay, isFolded, hasMore, isLoading, onMore, open, gone, query, showings }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const { unfolded, toggle } = useUnfolded();
  const lines = useMemo(() => linesOf(rows, { byDay, isFolded, unfolded, hasMore, open }), [rows, byDay, isFolded, unfolded, hasMore, open]);
  // What has the focus stays, wherever the list is scrolled to.
  const [focused, setFocused] = useState<string | null>(null);
  const focusedAt = useMemo(() => (focused === null ? -1 : lines.findIndex(({ key }) => key === focused)), [lines, focused]);
  // The same one as long as the lines are: with another, the virtualizer puts all of a hundred thousand in their places anew.
  const keyOf = useCallback((index: number) => lines[index]?.key ?? index, [lines]);
  // The virtualizer hands out functions that change what they answer; the compiler's lint knows that.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: (index) => heights[lines[index]?.kind ?? 'row'],
    getItemKey: keyOf,
    // On a phone the list is away while one reads, and nothing in it has a size: it keeps the ones it had, and so its place.
    measureElement: (element, entry, instance) => {
      const index = instance.indexFromElement(element);
      const size = measureElement(element, entry, instance);
      if (!size) return instance.measurementsCache[index]?.size ?? 0;
      heights[lines[index]?.kind ?? 'row'] = size;
      return size;
    },
    overscan: 12,
    rangeExtractor: (range: Range) => {
      const seen = defaultRangeExtractor(range);
      return focusedAt < 0 || focusedAt >= range.count || seen.includes(focusedAt) ? seen : [...seen, focusedAt].sort((a, b) => a - b);
    },
  });
  const items = virtual.getVirtualItems();
  const last = virtual.range?.endIndex ?? 0;
  // Tab stops at one row, and leads on to what is read; else nobody would come to the end of an endless list.
  const seen = items.find(({ index }) => index >= (virtual.range?.startIndex ?? 0) && lines[index]?.kind === 'row');
  const stop = focused ?? (seen && lines[seen.index]?.key);
  useEffect(() => {
    if (hasMore && !isLoading && last >= lines.length - AHEAD) onMore();
  });
  const toTop = useEffectEvent(() => virtual.scrollToOffset(0));
  useEffect(() => {
    if (showings > 0) toTop();
  }, [showings]);

  /** The arrows lead from row to row. */
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const from = Number((event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index'] ?? NaN);
    if (step === 0 || Number.isNaN(from)) return;
    event.preventDefault();
    let to = from + step;
    while (lines[to]?.kind === 'day') to += step;
    if (lines[to]?.kind !== 'row') return;
    virtual.scrollToIndex(to, { align: 'auto' });
    place.current?.querySelector<HTMLElement>(`[data-index="${to}"] a`)?.focus({ preventScroll: true });
  };
  return (
    // The region takes the keys of the rows in it, which are links and work by themselves.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div className="timeline-list" ref={place} role="region" aria-label="Mail and meetings" aria-busy={isLoading} tabIndex={-1} onKeyDown={move}>
      <div className="timeline-all" style={{ blockSize: virtual.getTotalSize() }}>
        {items.map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              className="timeline-line"
              data-index={item.index}
              ref={virtual.measureElement}
              style={{ transform: `translateY(${item.start}px)` }}
              onFocus={() => setFocused(line.key)}
              onBlur={() => setFocused(null)}
            >
              {line.kind === 'day' && <h2 className="day">{line.title}</h2>}
              {line.kind === 'row' && <TimelineRow line={line} isStop={line.key === stop} isGone={gone.has(line.row.id)} query={query} showsDate={!byDay} onFold={toggle} />}
              {line.kind === 'end' && <p className="soft small timeline-more">Loading older ones …</p>}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The conversations that are open in the list, with what is in them. */
function useUnfolded() {
  const client = useClient();
  const notify = useNotify();
  const [unfolded, setUnfolded] = useState<ReadonlyMap<string, Row[]>>(new Map());
  const toggle = useCallback(
    async (thread: string) => {
      if (unfolded.has(thread)) {
        setUnfolded((all) => new Map([...all].filter(([id]) => id !== thread)));
        return;
      }
      const { data } = await client.query(ThreadRows, { id: thread }, { requestPolicy: 'network-only' });
      if (data?.node?.__typename !== 'Thread') {
        notify('The conversation could not be loaded.');
        return;
      }
      const rows = data.node.timeline.nodes.map((node) => rowOf(node));
      setUnfolded((all) => new Map(all).set(thread, rows));
    },
    [client, notify, unfolded],
  );
  return { unfolded, toggle };
}

interface RowProps {
  line: Extract<Line, { kind: 'row' }>;
  /** Whether Tab comes to it; the arrows come to all. */
  isStop: boolean;
  isGone: boolean;
  query: string;
  showsDate: boolean;
  /** Opens or closes a conversation, by its id. */
  onFold: (thread: string) => Promise<void>;
}

/** Remembered, for most rows stay as they are while one scrolls. */
const TimelineRow = memo(function TimelineRow({ line, isStop, isGone, query, showsDate, onFold }: RowProps) {
  const { row } = line;
  const { thread, highlights } = row;
  const isMeeting = row.kind === 'MEETING';
  const Icon = isMeeting ? CalendarDays : row.direction === 'SENT' ? ArrowUpRight : ArrowDownLeft;
  const label = isMeeting ? 'Meeting' : row.direction === 'SENT' ? 'Sent' : 'Received';
  const who = row.who.length > 0 ? row.who : [isMeeting ? 'By yourself' : 'To yourself'];
  return (
    <article
      className={`timeline-row${line.isWithin ? ' within' : ''}${isGone ? ' gone' : ''}${line.nFolded ? ' folds' : ''}`}
      aria-label={`${label}: ${row.subject || 'no subject'}${isGone ? ', no longer here' : ''}`}
    >
      <Link to={`/timeline/${row.id}${query}`} tabIndex={isStop ? 0 : -1} aria-current={line.isOpen ? 'true' : undefined}>
        <span className={`glyph ${isMeeting ? 'meeting' : 'mail'}`} title={label}>
          <Icon size={15} aria-hidden />
        </span>
        <span className="clip">
          <span className="row-head">
            <span className="clip who">
              {who.map((name, index) => (
                <span key={name}>
                  {index > 0 && ', '}
                  <Foreign>{name}</Foreign>
                </span>
              ))}
            </span>
            <time className="soft small numbers" dateTime={row.occurredAt} title={row.allDay ? undefined : `${formatExact(row.occurredAt)}\n${row.occurredAt}`}>
              {when(row, showsDate || line.isWithin)}
            </time>
          </span>
          <span className="block clip words-line">
            <bdi dir="auto" className="subject">
              {highlights ? <Pieces pieces={highlights.subject} /> : row.subject}
              {!row.subject && <span className="soft">(no subject)</span>}
            </bdi>
            <span className="gap" />
            {row.hasFiles && <Paperclip className="clip-icon" size={12} aria-label="with files" />}
            <bdi dir="auto" className="soft snippet">
              {highlights ? <Pieces pieces={highlights.text} /> : row.snippet}
            </bdi>
          </span>
        </span>
      </Link>
      {line.nFolded > 0 && thread && (
        <button
          type="button"
          className="fold"
          tabIndex={isStop ? 0 : -1}
          aria-expanded={line.isFoldOpen}
          aria-label={`${many(line.nFolded + 1, 'mail')} in this conversation`}
          onClick={() => void onFold(thread)}
        >
          <ChevronRight size={13} aria-hidden className="flip" />
          {line.nFolded + 1}
        </button>
      )}
    </article>
  );
});

export function Pieces({ pieces }: { pieces: { text: string; isMatch: boolean }[] }) {
  return pieces.map((piece, index) => (piece.isMatch ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>));
}

function when(row: Row, showsDate: boolean): string {
  if (row.allDay) return showsDate ? formatPlainDate(row.allDay.first) : 'all day';
  if (showsDate) return formatDate(row.occurredAt);
  return row.endsAt ? `${formatTime(row.occurredAt)}–${formatTime(row.endsAt)}` : formatTime(row.occurredAt);
}
