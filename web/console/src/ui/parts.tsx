import { Check, LoaderCircle, X } from 'lucide-react';
import { type ReactNode, useId } from 'react';
import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
  CheckboxButton,
  CheckboxField,
  type CheckboxFieldProps,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  ProgressBar,
  RadioButton,
  RadioField,
  type RadioFieldProps,
  Select as AriaSelect,
  SelectValue,
  ToggleButton,
  ToggleButtonGroup,
} from 'react-aria-components';
import { Link, type LinkProps } from 'react-router';
import type { CombinedError } from 'urql';

import { codeOf, requestIdOf } from '../api/client';
import { count, formatAgo, formatExact, formatMoment, percent, type Tone } from '../words';
import { useNow } from './now';

export type Look = 'main' | 'danger' | 'danger main' | 'quiet' | 'plain';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children' | 'isPending'> {
  look?: Look;
  small?: boolean;
  /** Whether what it began is under way: it keeps the focus and does nothing. */
  isPending?: boolean;
  children: ReactNode;
}

export function Button({ look = 'plain', small, isPending, onPress, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} {...(onPress && !isPending && { onPress })} className={`button ${look}${small ? ' small' : ''}${isPending ? ' pending' : ''}`}>
      {isPending && <LoaderCircle size={16} className="spin" role="img" aria-label="Working" />}
      {children}
    </AriaButton>
  );
}

export function ButtonLink({ look = 'plain', small, ...rest }: LinkProps & { look?: Look; small?: boolean }) {
  return <Link {...rest} className={`button ${look}${small ? ' small' : ''}`} />;
}

export function Chip({ tone, children }: { tone: Tone; children: ReactNode }) {
  return <span className={`chip tone-${tone}`}>{children}</span>;
}

/** A moment in the viewer's zone; the original is told on hover. */
export function Moment({ at, ago }: { at: string; ago?: boolean }) {
  const now = useNow(ago === true);
  return (
    <time dateTime={at} title={`${formatExact(at)}\n${at}`}>
      {ago ? formatAgo(at, now) : formatMoment(at)}
    </time>
  );
}

/** Text of strangers: whatever its script, it runs in its own direction and keeps to itself. */
export function Foreign({ children, className }: { children: string; className?: string }) {
  return (
    <bdi dir="auto" className={className}>
      {children}
    </bdi>
  );
}

export function Note({ tone, children, action }: { tone: Tone; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`note tone-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <div className="words">{children}</div>
      {action}
    </div>
  );
}

/** What went wrong, what to do, and by which id our log finds it. */
export function Failure({ error, onRetry }: { error: CombinedError; onRetry?: () => void }) {
  const id = requestIdOf(error);
  const words = error.networkError
    ? 'The server cannot be reached. It may be restarting, or this machine is offline.'
    : (error.graphQLErrors[0]?.message ?? error.message);
  const code = codeOf(error);
  return (
    <Note tone="bad" action={onRetry && <Button onPress={onRetry}>Try again</Button>}>
      {words}
      {(code ?? id) && (
        <span className="request">
          {code} {id && <>· request <code>{id}</code></>}
        </span>
      )}
    </Note>
  );
}

/** Refusals of a mutation that the person can do something about. */
export function Refusals({ errors }: { errors: { code: string; message: string }[] }) {
  return errors.map((error) => (
    <Note key={error.code + error.message} tone="bad">
      {error.message}
    </Note>
  ));
}

export function Empty({ icon, title, children, action }: { icon?: ReactNode; title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      {icon}
      <strong>{title}</strong>
      <p>{children}</p>
      {action}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p className="soft loading" role="status">
      <LoaderCircle size={16} className="spin" aria-hidden /> Loading {what} …
    </p>
  );
}

export function PageHead({ title, children, actions }: { title: ReactNode; children?: ReactNode; actions?: ReactNode }) {
  return (
    <header className="page-head">
      <div className="words">
        <h1>{title}</h1>
        {children && <p>{children}</p>}
      </div>
      {actions && <div className="row">{actions}</div>}
    </header>
  );
}

/** A progress bar; `value` is 0 to 100, or `null` while nobody knows. */
export function Progress({ value, label, detail }: { value: number | null; label: string; detail?: ReactNode }) {
  return (
    <ProgressBar
      className={`progress${value === null ? ' unknown' : ''}`}
      isIndeterminate={value === null}
      value={value ?? 0}
      valueLabel={value === null ? 'not known yet' : percent(value)}
    >
      <div className="row apart">
        <Label className="label">{label}</Label>
        <span className="numbers soft">{detail ?? (value === null ? 'counting …' : percent(value))}</span>
      </div>
      <div className="track">
        <div className="fill" style={value === null ? undefined : { inlineSize: `${value}%` }} />
      </div>
    </ProgressBar>
  );
}

/** Names with numbers, each with a bar against the largest. */
export function Bars({ rows, action }: { rows: { key: string; name: string; count: number }[]; action?: (key: string) => ReactNode }) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  return (
    <ul className="bars">
      {rows.map((row) => (
        <li className="bar" key={row.key}>
          <Foreign className="clip">{row.name}</Foreign>
          <span className="row numbers">
            {count(row.count)}
            {action?.(row.key)}
          </span>
          <div className="track" aria-hidden>
            <div className="fill" style={{ inlineSize: `${(100 * row.count) / most}%` }} />
          </div>
        </li>
      ))}
    </ul>
  );
}

export function Checkbox({ children, ...rest }: Omit<CheckboxFieldProps, 'children'> & { children?: ReactNode }) {
  return (
    <CheckboxField {...rest}>
      <CheckboxButton className="check">
        <span className="box">
          <Check size={13} strokeWidth={3.5} aria-hidden />
        </span>
        {children && <span>{children}</span>}
      </CheckboxButton>
    </CheckboxField>
  );
}

export function Radio({ children, ...rest }: Omit<RadioFieldProps, 'children'> & { children: ReactNode }) {
  return (
    <RadioField {...rest}>
      <RadioButton className="check radio">
        <span className="box">
          <Check size={13} strokeWidth={3.5} aria-hidden />
        </span>
        <span>{children}</span>
      </RadioButton>
    </RadioField>
  );
}

interface SelectProps {
  label: string;
  /** Whether the label is for screen readers only. */
  quiet?: boolean;
  value: string;
  onChange: (value: string) => void;
  options: { value: string; name: string }[];
}

export function Select({ label, quiet, value, onChange, options }: SelectProps) {
  return (
    <AriaSelect className="field" value={value} onChange={(key) => onChange(String(key))}>
      <Label className={quiet ? 'visually-hidden' : 'label'}>{label}</Label>
      <AriaButton className="button select-button">
        <SelectValue className="value" />
        <span aria-hidden>▾</span>
      </AriaButton>
      <Popover className="popover">
        <ListBox className="options">
          {options.map((option) => (
            <ListBoxItem key={option.value} id={option.value} textValue={option.name} className="option">
              {option.name}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** One of a few, all in sight. */
export function Segments({ label, value, onChange, options }: Omit<SelectProps, 'quiet'>) {
  return (
    <ToggleButtonGroup
      className="segments"
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        for (const key of keys) onChange(String(key));
      }}
    >
      {options.map((option) => (
        <ToggleButton key={option.value} id={option.value} className="segment">
          {option.name}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

interface WordsFieldProps {
  label: string;
  help?: string;
  placeholder?: string;
  words: string[];
  onChange: (words: string[]) => void;
}

/** A set of short texts, such as addresses, entered one at a time. */
export function WordsField({ label, help, placeholder, words, onChange }: WordsFieldProps) {
  const id = useId();
  const add = (field: HTMLInputElement) => {
    const added = field.value.split(/[\s,;]+/).filter((word) => word && !words.includes(word));
    if (added.length) onChange([...words, ...added]);
    field.value = '';
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        placeholder={placeholder}
        aria-describedby={help ? `${id}-help` : undefined}
        autoComplete="off"
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== ',') return;
          event.preventDefault();
          add(event.currentTarget);
        }}
        onBlur={(event) => add(event.currentTarget)}
      />
      {help && (
        <span className="help" id={`${id}-help`}>
          {help}
        </span>
      )}
      {words.length > 0 && (
        <ul className="tags" aria-label={label}>
          {words.map((word) => (
            <li className="tag" key={word}>
              <Foreign className="clip">{word}</Foreign>
              <button type="button" aria-label={`Remove ${word}`} onClick={() => onChange(words.filter((other) => other !== word))}>
                <X size={12} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Names and values side by side. */
export function Facts({ large, facts }: { large?: boolean; facts: [string, ReactNode][] }) {
  return (
    <dl className={`facts${large ? ' large' : ''}`}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
