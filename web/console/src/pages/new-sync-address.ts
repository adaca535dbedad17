import type { Service } from '../gql/graphql';
import type { Rules } from './new-sync-draft';

/** What an address calls each rule. */
const NAMES: { [Rule in keyof Rules]: string } = {
  services: 'read',
  mailDaysBack: 'days',
  gmailQuery: 'query',
  includeLabels: 'labels',
  excludeLabels: 'not-labels',
  excludedSenders: 'not-from',
  excludedDomains: 'not-domains',
  calendars: 'calendars',
  calendarDaysBack: 'days-back',
  calendarDaysAhead: 'days-ahead',
  privateEvents: 'private',
  includeUndone: 'undone',
};

/** An empty list or text, which an address would leave out. */
const NOTHING = '-';

function spell(value: Rules[keyof Rules]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  // No id, address or domain has a space in it.
  return (Array.isArray(value) ? value.join(' ') : String(value)) || NOTHING;
}

/** The rules as words of an address; `null` for each that says what the preferences say. */
export function wordsOf(rules: Rules, usual: Rules): Record<string, string | null> {
  const word = (rule: keyof Rules) => {
    const value = spell(rules[rule]);
    return [NAMES[rule], value === spell(usual[rule]) ? null : value];
  };
  return Object.fromEntries((Object.keys(NAMES) as (keyof Rules)[]).map(word)) as Record<string, string | null>;
}

/** The rules that an address asks for; what it does not say, or says wrongly, is as usual. */
export function rulesOf(words: URLSearchParams, usual: Rules): Rules {
  const said = (rule: keyof Rules) => words.get(NAMES[rule]);
  const list = (rule: keyof Rules, otherwise: string[]) => {
    const text = said(rule);
    return text === null ? otherwise : text === NOTHING ? [] : text.split(' ').filter(Boolean);
  };
  const days = (rule: keyof Rules, otherwise: number) => {
    const text = said(rule);
    return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : otherwise;
  };
  const flag = (rule: keyof Rules, otherwise: boolean) => ({ yes: true, no: false })[said(rule) ?? ''] ?? otherwise;
  const query = said('gmailQuery');
  return {
    services: list('services', usual.services).filter((service): service is Service => usual.services.includes(service as Service)),
    mailDaysBack: days('mailDaysBack', usual.mailDaysBack),
    gmailQuery: query === null ? usual.gmailQuery : query === NOTHING ? '' : query,
    includeLabels: list('includeLabels', usual.includeLabels),
    excludeLabels: list('excludeLabels', usual.excludeLabels),
    excludedSenders: list('excludedSenders', usual.excludedSenders),
    excludedDomains: list('excludedDomains', usual.excludedDomains),
    calendars: list('calendars', usual.calendars),
    calendarDaysBack: days('calendarDaysBack', usual.calendarDaysBack),
    calendarDaysAhead: days('calendarDaysAhead', usual.calendarDaysAhead),
    privateEvents: flag('privateEvents', usual.privateEvents),
    includeUndone: flag('includeUndone', usual.includeUndone),
  };
}
