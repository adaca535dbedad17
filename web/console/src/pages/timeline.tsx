import { ArrowUp, CalendarClock, SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { Outlet, useLocation, useParams } from 'react-router';

import { dayStart, useWords } from '../api/addresses';
import { useTimeline } from '../api/timeline';
import type { Direction, InteractionKind, MailCategory, TimelineFilter, TimelineOrder } from '../gql/graphql';
import { Button, ButtonLink, Checkbox, Empty, Failure, Loading, Segments } from '../ui/parts';
import { count } from '../words';
import { SearchForm } from '../ui/search';
import { TimelineFilters } from './timeline-filters';
import { TimelineList } from './timeline-list';

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
  const { rows, error, isLoading, hasMore, more, reload, nArrived, gone, isStale, show } = useTimeline({ filter, search, order });
  const [showings, setShowings] = useState(0);
  // Every hit of a search is one to see, and a conversation that was asked for is asked for as a whole.
  const canFold = !search && !words.has('thread');
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
          <div className="row apart">
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
            {canFold && (
              <Checkbox isSelected={words.get('fold') !== 'no'} onChange={(isFolded) => change({ fold: isFolded ? null : 'no' })}>
                Fold conversations
              </Checkbox>
            )}
          </div>
          <TimelineFilters words={words} change={change} isOpen={showsFilters} />
        </header>
        <div className="timeline-body">
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
              rows={rows}
              byDay={order === 'NEWEST'}
              hasMore={hasMore}
              isFolded={canFold && words.get('fold') !== 'no'}
              isLoading={isLoading}
              onMore={more}
              open={open}
              gone={gone}
              query={query}
              showings={showings}
            />
          )}
          <Arrivals
            nArrived={nArrived}
            nGone={gone.size}
            isStale={isStale}
            onShow={() => {
              show();
              setShowings(showings + 1);
            }}
          />
        </div>
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

/** Says what has come and gone meanwhile; nothing moves before one wants it to. */
function Arrivals({ nArrived, nGone, isStale, onShow }: { nArrived: number; nGone: number; isStale: boolean; onShow: () => void }) {
  const parts = [nArrived > 0 && `${count(nArrived)} new`, nGone > 0 && `${count(nGone)} gone`].filter((part) => part !== false);
  const words = isStale ? 'Much has changed' : parts.join(', ');
  return (
    <div className="arrivals" role="status" aria-live="polite">
      {words && (
        <Button look="main" small onPress={onShow}>
          <ArrowUp size={14} aria-hidden /> {words} – {nArrived || isStale ? 'show' : 'take out'}
        </Button>
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
