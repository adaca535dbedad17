import { useCallback, useEffect, useEffectEvent, useReducer, useRef } from 'react';
import { type CombinedError, useClient } from 'urql';

import { graphql } from '../gql';
import type { TimelineChangesSubscription, TimelineFilter, TimelineOrder, TimelineQuery, TimelineRowFragment } from '../gql/graphql';
import { UNKEPT } from './client';

export const TimelineRow = graphql(/* GraphQL */ `
  fragment TimelineRow on Interaction {
    id
    kind
    direction
    occurredAt
    endsAt
    allDay {
      first
      last
    }
    subject
    snippet
    conversation {
      id
      nInteractions
    }
    deletedAt
    participants {
      role
      name
      address
      isSelf
    }
    attachments {
      id
    }
  }
`);

const Timeline = graphql(/* GraphQL */ `
  query Timeline($filter: TimelineFilter, $search: String, $order: TimelineOrder!, $after: String) {
    timeline(first: 50, filter: $filter, search: $search, order: $order, after: $after) {
      changesCursor
      edges {
        highlights {
          subject {
            text
            isMatch
          }
          text {
            text
            isMatch
          }
        }
        node {
          ...TimelineRow
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

const TimelineChanges = graphql(/* GraphQL */ `
  subscription TimelineChanges($filter: TimelineFilter, $after: String!) {
    timelineChanges(filter: $filter, after: $after, first: 25) {
      added {
        ...TimelineRow
      }
      changed {
        ...TimelineRow
      }
      removed
      reset
    }
  }
`);

type Edge = TimelineQuery['timeline']['edges'][number];

/** What a list shows of an interaction, and no more: a hundred thousand of them are held, and whatever is held is looked through again and again. */
export interface Row extends Pick<TimelineRowFragment, 'id' | 'kind' | 'direction' | 'occurredAt' | 'endsAt' | 'allDay' | 'subject' | 'snippet'> {
  /** The beginning of the day it stands under, of the viewer's time; of an all-day meeting its own. */
  day: number;
  /** The others, three at most and how many more: who wrote, whom one wrote to, whom one meets. */
  who: string[];
  /** The conversation of a mail that is not alone in it. */
  thread: string | null;
  nInThread: number;
  hasFiles: boolean;
  highlights: Edge['highlights'];
}

export function rowOf(node: TimelineRowFragment, highlights: Edge['highlights'] = null): Row {
  const { id, kind, direction, occurredAt, endsAt, allDay, subject, snippet, conversation, attachments } = node;
  const isInThread = kind === 'EMAIL' && conversation != null && conversation.nInteractions > 1;
  return {
    id,
    kind,
    direction,
    occurredAt,
    endsAt,
    allDay,
    subject,
    snippet,
    day: dayOf(node),
    who: whoOf(node),
    thread: isInThread ? conversation.id : null,
    nInThread: isInThread ? conversation.nInteractions : 0,
    hasFiles: attachments.length > 0,
    highlights,
  };
}

function dayOf({ occurredAt, allDay }: TimelineRowFragment): number {
  if (allDay) {
    const [year = 0, month = 1, date = 1] = allDay.first.split('-').map(Number);
    return new Date(year, month - 1, date).getTime();
  }
  return new Date(occurredAt).setHours(0, 0, 0, 0);
}

function whoOf({ kind, direction, participants }: TimelineRowFragment): string[] {
  const wanted = kind === 'MEETING' ? ['ORGANIZER', 'ATTENDEE'] : direction === 'SENT' ? ['TO', 'CC', 'BCC'] : ['FROM'];
  const others = participants.filter(({ role, isSelf }) => wanted.includes(role) && !isSelf);
  const names = [...new Set(others.map(({ name, address }) => name ?? address))];
  return names.length > 3 ? [...names.slice(0, 3), `+${names.length - 3}`] : names;
}

type Change = TimelineChangesSubscription['timelineChanges'];

/** How often what has changed is put together and told, in milliseconds: a sync brings hundreds a second. */
const BEAT = 1_000;
/** More arrivals than this are read anew instead of being put between the rows. */
const MOST_ARRIVED = 100;

interface State {
  /** What the rows belong to; rows of other variables are dropped. */
  key: string;
  rows: Row[] | null;
  info: TimelineQuery['timeline']['pageInfo'] | null;
  /** Where changes begin that the first page does not show. */
  changesCursor: string | null;
  error: CombinedError | undefined;
  isLoading: boolean;
  /** What has come in since, by id, and is not among the rows yet: nothing moves under the reader. */
  arrived: ReadonlyMap<string, Row>;
  /** What among the rows is no longer on the timeline. */
  gone: ReadonlySet<string>;
  /** Whether too much has changed to be told one by one. */
  isStale: boolean;
}

type Event =
  | { kind: 'asked' }
  | { kind: 'failed'; key: string; error: CombinedError | undefined }
  | { kind: 'came'; key: string; page: TimelineQuery['timeline']; isFirst: boolean; error: CombinedError | undefined }
  | { kind: 'changed'; key: string; changes: Change[] }
  | { kind: 'shown' };

const NOTHING = { arrived: new Map<string, Row>(), gone: new Set<string>(), isStale: false };

const nothing = (key: string): State => ({ key, rows: null, info: null, changesCursor: null, error: undefined, isLoading: true, ...NOTHING });

function next(before: State, event: Event): State {
  switch (event.kind) {
    case 'asked':
      return { ...before, isLoading: true, error: undefined };
    case 'failed':
      return { ...(event.key === before.key ? before : nothing(event.key)), error: event.error, isLoading: false };
    case 'came': {
      const { key, page, isFirst, error } = event;
      const came = page.edges.map(({ node, highlights }) => rowOf(node, highlights));
      const rows = isFirst ? came : [...(before.rows ?? []), ...came];
      const kept = isFirst ? { changesCursor: page.changesCursor ?? null, ...NOTHING } : {};
      return { ...before, ...kept, key, rows, info: page.pageInfo, error, isLoading: false };
    }
    case 'changed':
      return event.key === before.key ? event.changes.reduce(withChange, before) : before;
    case 'shown':
      return { ...before, ...NOTHING, rows: merged(before) };
  }
}

/** A row as it has become; what was searched for stays marked as it was. */
const anew = (row: Row, fresh: Row | undefined): Row => (fresh ? { ...fresh, highlights: row.highlights } : row);

function withChange(before: State, { added, changed, removed, reset }: Change): State {
  if (reset) return { ...before, isStale: true };
  const rows = before.rows ?? [];
  const fresh = new Map([...added, ...changed].map((node) => [node.id, rowOf(node)]));
  const known = new Set<string>();
  const lost = new Set(removed);
  const gone = new Set(before.gone);
  for (const { id } of rows) {
    if (fresh.has(id)) known.add(id);
    if (lost.has(id)) gone.add(id);
  }
  const end = before.info?.hasNextPage ? (rows.at(-1)?.occurredAt ?? '') : '';
  const arrived = new Map(before.arrived);
  for (const id of lost) arrived.delete(id);
  for (const [id, row] of fresh) {
    gone.delete(id);
    // What lies below the last page comes with the pages.
    if (!known.has(id) && Date.parse(row.occurredAt) >= (Date.parse(end) || -Infinity)) arrived.set(id, row);
  }
  return {
    ...before,
    rows: known.size ? rows.map((row) => anew(row, fresh.get(row.id))) : before.rows,
    arrived,
    gone,
    isStale: before.isStale || arrived.size > MOST_ARRIVED,
  };
}

/** The rows with what has arrived in its places, and without what is gone. */
function merged({ rows, arrived, gone }: State): Row[] {
  const all = (rows ?? []).filter(({ id }) => !gone.has(id));
  // Stable, and nearly in order already.
  return [...arrived.values(), ...all].sort((a, b) => Date.parse(b.occurredAt) - Date.parse(a.occurredAt));
}

export interface TimelineAsked {
  filter: TimelineFilter;
  search: string | null;
  order: TimelineOrder;
}

/**
 * The timeline by keyset pages, the next ones with `more`, kept in step: what changes is changed where it stands, and what comes or
 * goes is told and put into its place with `show`.
 */
export function useTimeline(asked: TimelineAsked) {
  const client = useClient();
  const key = JSON.stringify(asked);
  const [state, tell] = useReducer(next, key, nothing);
  const current = useRef(0);

  const load = useCallback(
    async (after: string | null) => {
      const number = ++current.current;
      tell({ kind: 'asked' });
      const variables = { ...(JSON.parse(key) as TimelineAsked), after };
      const { data, error } = await client.query(Timeline, variables, UNKEPT);
      // Another question was asked meanwhile.
      if (number !== current.current) return;
      if (data) tell({ kind: 'came', key, page: data.timeline, isFirst: after === null, error });
      else tell({ kind: 'failed', key, error });
    },
    [client, key],
  );
  useEffect(() => {
    void load(null);
  }, [load]);

  const shown = state.key === key ? state : nothing(key);
  const { rows, info, isLoading, changesCursor, isStale } = shown;
  // An empty timeline fills by itself: there is nothing that could jump.
  const isEmpty = rows?.length === 0;
  const heard = useEffectEvent((changes: Change[]) => {
    if (isEmpty && changes.some(({ added, changed, reset }) => reset || added.length + changed.length > 0)) void load(null);
    else tell({ kind: 'changed', key, changes });
  });
  useEffect(() => {
    if (changesCursor === null) return;
    const { filter } = JSON.parse(key) as TimelineAsked;
    let waiting: Change[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pass = () => {
      timer = undefined;
      heard(waiting);
      waiting = [];
    };
    const listening = client.subscription(TimelineChanges, { filter, after: changesCursor }).subscribe(({ data }) => {
      if (!data) return;
      waiting.push(data.timelineChanges);
      timer ??= setTimeout(pass, BEAT);
    });
    return () => {
      clearTimeout(timer);
      listening.unsubscribe();
    };
  }, [client, key, changesCursor]);

  return {
    rows,
    error: shown.error,
    isLoading,
    hasMore: info?.hasNextPage === true,
    more: () => {
      if (!isLoading && info?.hasNextPage) void load(info.endCursor ?? null);
    },
    /** The first page anew. */
    reload: () => void load(null),
    nArrived: shown.arrived.size,
    gone: shown.gone,
    isStale,
    /** Puts what has arrived between the rows, and takes out what is gone. */
    show: () => {
      if (isStale) void load(null);
      else tell({ kind: 'shown' });
    },
  };
}
