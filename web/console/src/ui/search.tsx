import { Search } from 'lucide-react';

interface Props {
  search: string;
  onSearch: (search: string) => void;
  /** What it is to those who cannot see it. */
  label: string;
  placeholder: string;
  /** In characters. */
  maxLength: number;
}

/** A search, carried out when it is entered, not while it is written. */
export function SearchForm({ search, onSearch, label, placeholder, maxLength }: Props) {
  return (
    <form
      role="search"
      className="search"
      onSubmit={(submission) => {
        submission.preventDefault();
        const words = new FormData(submission.currentTarget).get('q');
        onSearch(typeof words === 'string' ? words.trim() : '');
      }}
    >
      <Search size={16} aria-hidden />
      <input
        className="input"
        type="search"
        name="q"
        defaultValue={search}
        maxLength={maxLength}
        dir="auto"
        aria-label={label}
        placeholder={placeholder}
        onInput={(event) => {
          // The cross in the field.
          if (event.currentTarget.value === '' && search) onSearch('');
        }}
      />
    </form>
  );
}
