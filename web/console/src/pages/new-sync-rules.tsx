import { CheckboxGroup, Input, Label, TextField } from 'react-aria-components';

import type { Service } from '../gql/graphql';
import { Checkbox, Foreign, WordsField } from '../ui/parts';
import type { Account, Rules } from './new-sync-draft';

interface Props {
  account: Account;
  granted: Service[];
  rules: Rules;
  onChange: (changed: Partial<Rules>) => void;
}

/** What comes in and what stays out. */
export function RulesForm({ account, granted, rules, onChange }: Props) {
  const wants = (service: Service) => rules.services.includes(service);
  return (
    <form className="card rules" onSubmit={(submission) => submission.preventDefault()} aria-label="Rules">
      <div className="inside stack">
        <CheckboxGroup
          className="checks"
          value={rules.services}
          onChange={(services) => onChange({ services: services as Service[] })}
        >
          <Label className="label">What to read</Label>
          <Checkbox value="GMAIL" isDisabled={!granted.includes('GMAIL')}>
            Mail {!granted.includes('GMAIL') && <span className="small">(not granted)</span>}
          </Checkbox>
          <Checkbox value="CALENDAR" isDisabled={!granted.includes('CALENDAR')}>
            Meetings {!granted.includes('CALENDAR') && <span className="small">(not granted)</span>}
          </Checkbox>
        </CheckboxGroup>
      </div>
      {wants('GMAIL') && <MailRules account={account} rules={rules} onChange={onChange} />}
      {wants('CALENDAR') && <MeetingRules account={account} rules={rules} onChange={onChange} />}
      <div className="inside stack">
        <h2>Leave out</h2>
        <WordsField
          label="Addresses"
          placeholder="someone@example.com"
          words={rules.excludedSenders}
          onChange={(excludedSenders) => onChange({ excludedSenders })}
        />
        <WordsField
          label="Domains"
          help="With all below them."
          placeholder="example.com"
          words={rules.excludedDomains}
          onChange={(excludedDomains) => onChange({ excludedDomains })}
        />
        <Checkbox isSelected={rules.includeUndone} onChange={(includeUndone) => onChange({ includeUndone })}>
          Let in again what an undo took away
        </Checkbox>
      </div>
    </form>
  );
}

type PartProps = Omit<Props, 'granted'>;

function MailRules({ account, rules, onChange }: PartProps) {
  return (
    <div className="inside stack">
      <h2>Mail</h2>
      <Days label="Days back" value={rules.mailDaysBack} most={36_500} onChange={(mailDaysBack) => onChange({ mailDaysBack })} />
      <TextField className="field" value={rules.gmailQuery} onChange={(gmailQuery) => onChange({ gmailQuery })}>
        <Label>Matching, in Gmail’s words</Label>
        <Input className="input mono" placeholder="-category:promotions" spellCheck={false} />
      </TextField>
      <details>
        <summary>Labels</summary>
        <Choices
          label="Only with one of"
          choices={account.labels}
          value={rules.includeLabels}
          onChange={(includeLabels) => onChange({ includeLabels })}
        />
        <Choices label="Never with" choices={account.labels} value={rules.excludeLabels} onChange={(excludeLabels) => onChange({ excludeLabels })} />
      </details>
    </div>
  );
}

function MeetingRules({ account, rules, onChange }: PartProps) {
  return (
    <div className="inside stack">
      <h2>Meetings</h2>
      <div className="row">
        <Days label="Days back" value={rules.calendarDaysBack} least={0} most={3_650} onChange={(calendarDaysBack) => onChange({ calendarDaysBack })} />
        <Days label="Days ahead" value={rules.calendarDaysAhead} least={0} most={3_650} onChange={(calendarDaysAhead) => onChange({ calendarDaysAhead })} />
      </div>
      <Choices label="Calendars" choices={account.calendars} value={rules.calendars} onChange={(calendars) => onChange({ calendars })} />
      <Checkbox isSelected={rules.privateEvents} onChange={(privateEvents) => onChange({ privateEvents })}>
        Private events, too
      </Checkbox>
    </div>
  );
}

interface ChoicesProps {
  label: string;
  choices: { sourceId: string; name: string }[];
  value: string[];
  onChange: (value: string[]) => void;
}

function Choices({ label, choices, value, onChange }: ChoicesProps) {
  return (
    <CheckboxGroup className="checks choices" value={value} onChange={onChange}>
      <Label className="label">{label}</Label>
      {choices.map((choice) => (
        <Checkbox key={choice.sourceId} value={choice.sourceId}>
          <Foreign>{choice.name}</Foreign>
        </Checkbox>
      ))}
    </CheckboxGroup>
  );
}

interface DaysProps {
  label: string;
  value: number;
  least?: number;
  most: number;
  onChange: (value: number) => void;
}

/** Whole days; what is no such number is not taken over. */
function Days({ label, value, least = 1, most, onChange }: DaysProps) {
  return (
    <TextField
      className="field narrow"
      defaultValue={String(value)}
      onChange={(text) => {
        const days = Number(text);
        if (text !== '' && Number.isInteger(days) && days >= least && days <= most) onChange(days);
      }}
    >
      <Label>{label}</Label>
      <Input className="input" inputMode="numeric" />
    </TextField>
  );
}
