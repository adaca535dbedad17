import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownLeft, ArrowUpRight, CalendarDays, Paperclip } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import { Link } from 'react-router';

import type { TimelineRowFragment } from '../gql/graphql';
import { Foreign } from '../ui/parts';
import { formatDate, formatDay, formatExact, formatPlainDate, formatTime } from '../words';
import type { Edge } from './timeline';

type Line = { kind: 'day'; day: string; title: string } | { kind: 'row'; edge: Edge } | { kind: 'end' };

/** The day a row stands under: of an all-day meeting its own, else the viewer's. */
function dayOf(row: TimelineRowFragment): { day: string; title: string } {
  if (row.allDay) {
    const [year = 0, month = 1, date = 1] = row.allDay.first.split('-').map(Number);
    const at = new Date(year, month - 1, date);
    return { day: at.toDateString(), title: formatDay(at) };
  }
  const at = new Date(row.occurredAt);
  return { day: at.toDateString(), title: formatDay(at) };
}

function linesOf(edges: Edge[], byDay: boolean, hasMore: boolean): Line[] {
  const lines: Line[] = [];
  let current = '';
  for (const edge of edges) {
    const { day, title } = dayOf(edge.node);
    if (byDay && day !== current) {
      lines.push({ kind: 'day', day, title });
      current = day;
    }
    lines.push({ kind: 'row', edge });
  }
  if (hasMore) lines.push({ kind: 'end' });
  return lines;
}

interface Props {
  edges: Edge[];
  byDay: boolean;
  hasMore: boolean;
  isLoading: boolean;
  onMore: () => void;
  /** The id of what is open. */
  open: string | undefined;
  /** The filters in the address, which stay when a row is opened. */
  query: string;
}

/** The rows in sight and a few around them, however many there are. */
export function TimelineList({ edges, byDay, hasMore, isLoading, onMore, open, query }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => linesOf(edges, byDay, hasMore), [edges, byDay, hasMore]);
  // The virtualizer hands out functions that change what they answer; the compiler's lint knows that.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: (index) => (lines[index]?.kind === 'row' ? 66 : 40),
    getItemKey: (index) => {
      const line = lines[index];
      return line?.kind === 'row' ? line.edge.node.id : line?.kind === 'day' ? line.day : 'end';
    },
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoading && last >= lines.length - 20) onMore();
  });
  return (
    <div className="timeline-list" ref={place} role="region" aria-label="Mail and meetings" aria-busy={isLoading} tabIndex={-1}>
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
            >
              {line.kind === 'day' && <h2 className="day">{line.title}</h2>}
              {line.kind === 'row' && <Row edge={line.edge} isOpen={line.edge.node.id === open} query={query} showsDate={!byDay} />}
              {line.kind === 'end' && <p className="soft small timeline-more">Loading older ones …</p>}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  edge: Edge;
  isOpen: boolean;
  query: string;
  showsDate: boolean;
}

function Row({ edge: { node, highlights }, isOpen, query, showsDate }: RowProps) {
  const isMeeting = node.kind === 'MEETING';
  const Icon = isMeeting ? CalendarDays : node.direction === 'SENT' ? ArrowUpRight : ArrowDownLeft;
  const label = isMeeting ? 'Meeting' : node.direction === 'SENT' ? 'Sent' : 'Received';
  return (
    <article className="timeline-row" aria-label={`${label}: ${node.subject || 'no subject'}`}>
      <Link to={`/timeline/${node.id}${query}`} aria-current={isOpen ? 'true' : undefined}>
        <span className={`glyph ${isMeeting ? 'meeting' : 'mail'}`} title={label}>
          <Icon size={15} aria-hidden />
        </span>
        <span className="clip">
          <span className="row-head">
            <span className="clip who">
              {who(node).map((name, index) => (
                <span key={name}>
                  {index > 0 && ', '}
                  <Foreign>{name}</Foreign>
                </span>
              ))}
            </span>
            <time className="soft small numbers" dateTime={node.occurredAt} title={node.allDay ? undefined : `${formatExact(node.occurredAt)}\n${node.occurredAt}`}>
              {when(node, showsDate)}
            </time>
          </span>
          <span className="block clip">
            <bdi dir="auto" className="subject">
              {highlights ? <Pieces pieces={highlights.subject} /> : node.subject}
              {!node.subject && <span className="soft">(no subject)</span>}
            </bdi>
            {node.attachments.length > 0 && <Paperclip className="clip-icon" size={12} aria-label="with files" />}
            <bdi dir="auto" className="soft snippet">
              {highlights ? <Pieces pieces={highlights.text} /> : node.snippet}
            </bdi>
          </span>
        </span>
      </Link>
    </article>
  );
}

export function Pieces({ pieces }: { pieces: { text: string; isMatch: boolean }[] }) {
  return pieces.map((piece, index) => (piece.isMatch ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>));
}

/** The others: who wrote, whom one wrote to, whom one meets. */
function who(node: TimelineRowFragment): string[] {
  const wanted = node.kind === 'MEETING' ? ['ORGANIZER', 'ATTENDEE'] : node.direction === 'SENT' ? ['TO', 'CC', 'BCC'] : ['FROM'];
  const others = node.participants.filter(({ role, isSelf }) => wanted.includes(role) && !isSelf);
  const names = [...new Set(others.map(({ name, address }) => name ?? address))];
  if (names.length === 0) return [node.kind === 'MEETING' ? 'By yourself' : 'To yourself'];
  return names.length > 3 ? [...names.slice(0, 3), `+${names.length - 3}`] : names;
}

function when(node: TimelineRowFragment, showsDate: boolean): string {
  if (node.allDay) return showsDate ? formatPlainDate(node.allDay.first) : 'all day';
  if (showsDate) return formatDate(node.occurredAt);
  return node.endsAt ? `${formatTime(node.occurredAt)}–${formatTime(node.endsAt)}` : formatTime(node.occurredAt);
}
