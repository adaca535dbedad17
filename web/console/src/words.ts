import type { AccountState, BatchState, ItemOutcome, JobKind, JobState, MailCategory, Service } from './gql/graphql';

/** What a state is worth, which is its colour. */
export type Tone = 'good' | 'busy' | 'wait' | 'bad' | 'calm';

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const longDate = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
// Days without a zone: counted in UTC, so that no viewer's zone moves them.
const plainDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });

export const count = (n: number) => number.format(n);
export const short = (n: number) => compact.format(n);
/** A share of 0 to 100. 99.96 is not called 100. */
export const percent = (n: number) => share.format(Math.min(n === 100 ? 1 : 0.999, n / 100));
export const formatMoment = (at: string) => moment.format(new Date(at));
export const formatExact = (at: string) => exact.format(new Date(at));
export const formatTime = (at: string) => time.format(new Date(at));
/** A clock time of seconds since 1970. */
export const formatClock = (seconds: number) => toTheSecond.format(seconds * 1000);
export const formatDate = (at: string) => date.format(new Date(at));
export const formatDay = (at: Date) => longDate.format(at);
/** A day without a zone, by its midnight as UTC has it. */
export const formatDayAt = (at: number) => plainDate.format(at);
export const formatPlainDate = (day: string) => formatDayAt(Date.parse(`${day}T00:00:00Z`));

/** `3 mails`; English, as the whole console is. */
export function many(n: number, one: string, more = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : more}`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** How far `at` is from `now`, in words. */
export function formatAgo(at: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds / 10) * 10, 'second');
}

/** `2 min 5 s`: the two largest units. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s === 0) return 'a moment';
  if (s < 60) return `${count(s)} s`;
  if (s < 3_600) return `${count(Math.floor(s / 60))} min${s % 60 ? ` ${s % 60} s` : ''}`;
  const hours = Math.floor(s / 3_600);
  if (hours < 48) return `${count(hours)} h${Math.floor((s % 3_600) / 60) ? ` ${Math.floor((s % 3_600) / 60)} min` : ''}`;
  return many(Math.round(hours / 24), 'day');
}

/** Bytes as people count them. */
export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  const step = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  const unit = units[step] ?? 'byte';
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }).format(
    bytes / 1000 ** step,
  );
}

/** A count that may not be exact. */
export function formatRange({ atLeast, atMost }: { atLeast: number; atMost?: number | null }): string {
  if (atMost === atLeast) return count(atLeast);
  if (atMost == null) return `${count(atLeast)} or more`;
  return `${count(atLeast)} to ${count(atMost)}`;
}

export const SERVICE: Record<Service, { name: string; items: string; item: string }> = {
  GMAIL: { name: 'Gmail', items: 'mails', item: 'mail' },
  CALENDAR: { name: 'Calendar', items: 'meetings', item: 'meeting' },
};

export const ACCOUNT: Record<AccountState, { word: string; tone: Tone }> = {
  ACTIVE: { word: 'Complete and in step', tone: 'good' },
  BLOCKED: { word: 'Blocked', tone: 'bad' },
  DISCONNECTED: { word: 'Disconnected', tone: 'calm' },
  INCOMPLETE: { word: 'Incomplete', tone: 'wait' },
  LINKED: { word: 'Linked, nothing approved', tone: 'calm' },
  NEEDS_REAUTH: { word: 'Link has ended', tone: 'bad' },
  NEEDS_SCOPE: { word: 'A permission is missing', tone: 'wait' },
};

export const BATCH: Record<BatchState, { word: string; tone: Tone }> = {
  QUEUED: { word: 'Queued', tone: 'busy' },
  RUNNING: { word: 'Running', tone: 'busy' },
  PAUSED: { word: 'Paused', tone: 'wait' },
  SUCCEEDED: { word: 'Complete', tone: 'good' },
  PARTIAL: { word: 'Complete, some failed', tone: 'wait' },
  FAILED: { word: 'Failed', tone: 'bad' },
  CANCELLED: { word: 'Cancelled', tone: 'calm' },
  UNDOING: { word: 'Being taken back', tone: 'busy' },
  UNDONE: { word: 'Taken back', tone: 'calm' },
  REDOING: { word: 'Coming back', tone: 'busy' },
};

export const JOB: Record<JobState, { word: string; tone: Tone }> = {
  QUEUED: { word: 'Queued', tone: 'busy' },
  RUNNING: { word: 'Running', tone: 'busy' },
  WAITING: { word: 'Waiting for another', tone: 'busy' },
  PAUSED: { word: 'Paused', tone: 'wait' },
  SUCCEEDED: { word: 'Finished', tone: 'good' },
  CANCELLED: { word: 'Cancelled', tone: 'calm' },
  DEAD: { word: 'Given up', tone: 'bad' },
  DISCARDED: { word: 'Put aside', tone: 'calm' },
};

export const JOB_KIND: Record<JobKind, string> = {
  GMAIL_SYNC: 'Fetch mail',
  CALENDAR_SYNC: 'Fetch meetings',
  NORMALIZE_MAIL: 'Read mail',
  NORMALIZE_EVENT: 'Read meetings',
  UNDO: 'Undo',
  REDO: 'Redo',
};

export const CATEGORY: Record<MailCategory, string> = {
  PERSONAL: 'Personal',
  LIST: 'Mailing list',
  BULK: 'Bulk',
  NOTIFICATION: 'Notification',
  INVITATION: 'Invitation',
  AUTO_REPLY: 'Automatic reply',
  BOUNCE: 'Bounce',
};

export const OUTCOME: Record<ItemOutcome, string> = {
  PENDING: 'Waiting',
  STORED: 'Stored',
  UNCHANGED: 'Unchanged',
  FILTERED: 'Kept out',
  FAILED: 'Failed',
  GONE: 'Gone',
  UNDONE: 'Taken back',
};

/** What the rules of a consent are called, by the words the ledger has for them. */
export function ruleName(rule: string): string {
  const colon = rule.indexOf(':');
  const kind = colon < 0 ? rule : rule.slice(0, colon);
  const value = colon < 0 ? '' : rule.slice(colon + 1);
  switch (kind) {
    case 'private':
      return 'Private events';
    case 'event_type':
      return EVENT_TYPES[value] ?? `Events of the type ${value}`;
    case 'undone':
      return 'Taken back by an earlier undo';
    case 'query':
      return `Not matched by ${value}`;
    case 'sender':
    case 'domain':
      return `From ${value}`;
    case 'label':
      return `Labelled ${value}`;
    case 'labels':
      return 'With none of the labels asked for';
    case 'after':
    case 'window':
      return 'Outside the time span';
    default:
      return actionName(rule);
  }
}

const EVENT_TYPES: Record<string, string> = {
  focusTime: 'Focus time',
  outOfOffice: 'Out of office',
  workingLocation: 'Working locations',
  birthday: 'Birthdays',
};

/** What the audit's words mean. */
export function actionName(action: string): string {
  const words = action.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
