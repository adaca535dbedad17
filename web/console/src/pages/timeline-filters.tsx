import { X } from 'lucide-react';
import { useId } from 'react';

import { Button, Foreign, Segments, Select } from '../ui/parts';
import { CATEGORY } from '../words';

interface Props {
  words: URLSearchParams;
  change: (changed: Record<string, string | null>) => void;
  isOpen: boolean;
}

const ANY = 'ANY';

/** What of the filter is in the address, each with a way to take it off. */
const NAMED: [string, string][] = [
  ['account', 'One account'],
  ['batch', 'One sync'],
  ['contact', 'One contact'],
  ['thread', 'One conversation'],
  ['with', 'With'],
];

export function TimelineFilters({ words, change, isOpen }: Props) {
  const id = useId();
  const named = NAMED.filter(([name]) => words.has(name));
  return (
    <>
      {named.length > 0 && (
        <ul className="tags" aria-label="Filters in force">
          {named.map(([name, title]) => (
            <li className="tag" key={name}>
              {name === 'with' ? (
                <>
                  With <Foreign className="clip">{words.get('with') ?? ''}</Foreign>
                </>
              ) : (
                title
              )}
              <button type="button" aria-label={`Take off: ${title}`} onClick={() => change({ [name]: null })}>
                <X size={12} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      {words.has('q') && (
        <Segments
          label="Order"
          value={words.get('order') ?? 'NEWEST'}
          onChange={(order) => change({ order: order === 'NEWEST' ? null : order })}
          options={[
            { value: 'NEWEST', name: 'Newest first' },
            { value: 'RELEVANCE', name: 'Best first' },
          ]}
        />
      )}
      {isOpen && (
        <div className="filters">
          <Segments
            label="Kind"
            value={words.get('kind') ?? ANY}
            onChange={(kind) => change({ kind: kind === ANY ? null : kind })}
            options={[
              { value: ANY, name: 'All' },
              { value: 'EMAIL', name: 'Mail' },
              { value: 'MEETING', name: 'Meetings' },
            ]}
          />
          <Select
            label="Direction"
            value={words.get('direction') ?? ANY}
            onChange={(direction) => change({ direction: direction === ANY ? null : direction })}
            options={[
              { value: ANY, name: 'Either way' },
              { value: 'SENT', name: 'Sent' },
              { value: 'RECEIVED', name: 'Received' },
            ]}
          />
          <Select
            label="Sort of mail"
            value={words.get('category') ?? ANY}
            onChange={(category) => change({ category: category === ANY ? null : category })}
            options={[{ value: ANY, name: 'Any' }, ...Object.entries(CATEGORY).map(([value, name]) => ({ value, name }))]}
          />
          <Select
            label="Files"
            value={words.get('files') ?? ANY}
            onChange={(files) => change({ files: files === ANY ? null : files })}
            options={[
              { value: ANY, name: 'With or without' },
              { value: 'yes', name: 'With files' },
            ]}
          />
          {(['from', 'to'] as const).map((name) => (
            <div className="field" key={name}>
              <label htmlFor={id + name}>{name === 'from' ? 'From' : 'To'}</label>
              <input id={id + name} type="date" value={words.get(name) ?? ''} onChange={(event) => change({ [name]: event.currentTarget.value })} />
            </div>
          ))}
          <Button
            look="quiet"
            onPress={() => change({ kind: null, direction: null, category: null, files: null, from: null, to: null })}
          >
            Take all off
          </Button>
        </div>
      )}
    </>
  );
}
