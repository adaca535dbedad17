import { CalendarClock, SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { Outlet, useLocation, useParams } from 'react-router';

import { useWords } from '../api/addresses';
import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { Direction, InteractionKind, MailCategory, TimelineFilter, TimelineOrder, TimelineQuery } from '../gql/graphql';
import { Button, ButtonLink, Empty, Failure, Loading, Segments } from '../ui/parts';
import { SearchForm } from '../ui/search';
import { TimelineFilters } from './timeline-filters';
import { TimelineList } from './timeline-list';

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

export type Edge = TimelineQuery['timeline']['edges'][number];

const page = (data: TimelineQuery) => ({ rows: data.timeline.edges, info: data.timeline.pageInfo });

/** A day in the viewer's zone as a moment: its beginning, or with `days` that of a later one. */
function dayStart(day: string | null, days = 0): string | null {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  if (!year || !month || !date) return null;
  return new Date(year, month - 1, date + days).toISOString();
}

/** Whether the address asks for what is to come as well: meetings of the weeks ahead, which would otherwise stand before today. */
export function showsAhead(words: URLSearchParams): boolean {
  return words.get('ahead') === 'yes' || ['q', 'contact', 'thread', 'batch', 'from', 'to'].some((name) => words.has(name));
}

/** What the address asks for. */
function filterOf(words: URLSearchParams): TimelineFilter {
  const now = new Date();
  const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).toISOString();
  const category = words.getAll('category');
  return {
    accountId: words.get('account'),
    batchId: words.get('batch'),
    category: category.length ? (category as MailCategory[]) : null,
    contactId: words.get('contact'),
    direction: words.get('direction') as Direction | null,
    from: dayStart(words.get('from')),
    to: showsAhead(words) ? dayStart(words.get('to'), 1) : tomorrow,
    hasAttachment: words.get('files') === 'yes' ? true : null,
    kind: words.get('kind') as InteractionKind | null,
    participant: words.get('with'),
    threadId: words.get('thread'),
  };
}

/** Mail and meetings by day, with what is open beside them. */
export function Component() {
  const [words, change] = useWords();
  const { id: open } = useParams();
  const { search: query } = useLocation();
  const [showsFilters, setShowsFilters] = useState(false);
  const search = words.get('q');
  const order: TimelineOrder = search && words.get('order') === 'RELEVANCE' ? 'RELEVANCE' : 'NEWEST';
  const filter = filterOf(words);
  const { rows, error, isLoading, hasMore, more, reload } = usePages(Timeline, { filter, search, order }, page);
  const isFiltered = query.length > 1;
  return (
    <div className={`timeline${open ? ' has-open' : ''}`}>
      <title>Timeline · omnisync</title>
      <div className="timeline-side">
        <header className="timeline-head">
          <h1>Timeline</h1>
          <div className="row">
            <SearchForm
              key={search}
              search={search ?? ''}
              onSearch={(q) => change({ q, order: q ? words.get('order') : null })}
              label="Search the timeline"
              placeholder={'Search: words, "a phrase", -not'}
              maxLength={256}
            />
            <Button aria-expanded={showsFilters} onPress={() => setShowsFilters(!showsFilters)}>
              <SlidersHorizontal size={15} aria-hidden /> Filters
            </Button>
          </div>
          {(!showsAhead(words) || words.has('ahead')) && (
            <Segments
              label="How far it reaches"
              value={words.get('ahead') ?? 'no'}
              onChange={(ahead) => change({ ahead: ahead === 'yes' ? ahead : null })}
              options={[
                { value: 'no', name: 'Until today' },
                { value: 'yes', name: 'With what is to come' },
              ]}
            />
          )}
          <TimelineFilters words={words} change={change} isOpen={showsFilters} />
        </header>
        {error && (
          <div className="timeline-note">
            <Failure error={error} onRetry={rows ? more : reload} />
          </div>
        )}
        {!rows && isLoading && (
          <div className="timeline-note">
            <Loading what="the timeline" />
          </div>
        )}
        {rows?.length === 0 && (isFiltered ? <NothingFound onClear={() => change(Object.fromEntries([...words.keys()].map((key) => [key, null])))} /> : <NothingYet />)}
        {rows && rows.length > 0 && (
          <TimelineList
            key={JSON.stringify([filter, search, order])}
            edges={rows}
            byDay={order === 'NEWEST'}
            hasMore={hasMore}
            isLoading={isLoading}
            onMore={more}
            open={open}
            query={query}
          />
        )}
      </div>
      <Outlet />
      {!open && (
        <div className="reader-none">
          <p className="soft">Choose a mail or a meeting to read it here.</p>
        </div>
      )}
    </div>
  );
}

function NothingYet() {
  return (
    <Empty
      icon={<CalendarClock size={36} strokeWidth={1.4} aria-hidden />}
      title="The timeline is empty"
      action={<ButtonLink look="main" to="/syncs/new">New sync</ButtonLink>}
    >
      Mail and meetings appear here as a sync brings them in.
    </Empty>
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="Nothing matches" action={<Button onPress={onClear}>Show everything</Button>}>
      Every filter and every word must hold. Words are found in subjects, in what people wrote themselves, and in their names and addresses.
    </Empty>
  );
}
