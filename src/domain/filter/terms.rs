//! The operators of a query: what each takes and what it means.

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use chrono_tz::America::Los_Angeles;

use super::{
    parse::QueryError,
    query::{Node, SYSTEM_LABELS, Term, hyphened},
    words,
};
use crate::domain::consent::Label;

/// The last second that a date may name: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

const SUPPORTED: &str = "use from, to, cc, bcc, subject, label, in, is, has:attachment, category, after, before, \
    newer_than, older_than, rfc822msgid, larger or smaller";

/// One operator and its value, as written.
pub(super) struct Reader<'x> {
    pub(super) operator: &'x str,
    pub(super) value: &'x str,
    pub(super) labels: &'x [Label],
    pub(super) now: Option<DateTime<Utc>>,
}

impl Reader<'_> {
    /// The term they mean.
    pub(super) fn node(&self) -> Result<Node, QueryError> {
        let term = match self.operator.to_ascii_lowercase().as_str() {
            "from" => Term::From(self.person()?),
            "to" => Term::To(self.person()?),
            "cc" => Term::Cc(self.person()?),
            "bcc" => Term::Bcc(self.person()?),
            "subject" => Term::Subject(self.text("a word or a phrase in quotes")?),
            "label" => return self.label(),
            "in" => return self.place(),
            "is" => return self.state(),
            "category" => return self.system_label("category", "primary, social, promotions, updates or forums"),
            "has" => match self.value.eq_ignore_ascii_case("attachment") {
                true => Term::HasAttachment,
                false => return Err(self.refused("it takes attachment")),
            },
            "after" | "newer" => Term::After(self.date()?),
            "before" | "older" => Term::Before(self.date()?),
            "newer_than" => Term::After(self.age()?),
            "older_than" => Term::Before(self.age()?),
            "rfc822msgid" => Term::MessageId(self.message_id()?),
            "larger" | "size" => Term::Larger(self.size()?),
            "smaller" => Term::Smaller(self.size()?),
            other => return Err(QueryError::Operator { operator: other.to_owned(), instead: instead_of(other) }),
        };
        Ok(term.into())
    }

    fn refused(&self, instead: &'static str) -> QueryError {
        QueryError::Value { operator: self.operator.to_owned(), value: self.value.to_owned(), instead }
    }

    fn text(&self, expected: &'static str) -> Result<String, QueryError> {
        match words::is_searchable(self.value) {
            true => Ok(self.value.to_lowercase()),
            false => Err(self.refused(expected)),
        }
    }

    fn person(&self) -> Result<String, QueryError> {
        if self.value.eq_ignore_ascii_case("me") {
            return Err(self.refused("write the address, or in:sent for your own mail"));
        }
        let text = self.text("an address, a domain or a name")?;
        Ok(text.trim_matches(['<', '>', ' ']).to_owned())
    }

    fn label(&self) -> Result<Node, QueryError> {
        let wanted = hyphened(self.value);
        let is_meant = |label: &&Label| label.id.eq_ignore_ascii_case(self.value) || hyphened(&label.name) == wanted;
        if let Some((id, _)) = SYSTEM_LABELS.iter().find(|(id, _)| id.eq_ignore_ascii_case(self.value)) {
            return Ok(system(id));
        }
        match self.labels.iter().find(is_meant) {
            Some(label) if SYSTEM_LABELS.iter().any(|(id, _)| *id == label.id) => Ok(system(&label.id)),
            Some(label) => Ok(Term::Label { id: label.id.clone(), name: hyphened(&label.name) }.into()),
            None => Err(QueryError::UnknownLabel(self.value.to_owned())),
        }
    }

    fn place(&self) -> Result<Node, QueryError> {
        match self.value.to_ascii_lowercase().as_str() {
            "anywhere" => Ok(Term::Anywhere.into()),
            "drafts" => Ok(system("DRAFT")),
            "chat" => Ok(system("CHAT")),
            "snoozed" | "archive" | "all" => {
                Err(self.refused("use inbox, sent, draft, chats, spam, trash or anywhere"))
            }
            _ => self.system_label("in", "").or_else(|_| self.label()),
        }
    }

    fn state(&self) -> Result<Node, QueryError> {
        match self.value.to_ascii_lowercase().as_str() {
            "read" => Ok(Term::Read.into()),
            "chat" => Ok(system("CHAT")),
            _ => self.system_label("is", "read, unread, starred or important"),
        }
    }

    /// The label whose term is written `prefix:value`.
    fn system_label(&self, prefix: &str, expected: &'static str) -> Result<Node, QueryError> {
        let term = format!("{prefix}:{}", self.value.to_ascii_lowercase());
        let found = SYSTEM_LABELS.iter().find(|(_, own)| *own == term);
        found.map(|(id, _)| system(id)).ok_or_else(|| self.refused(expected))
    }

    /// A date as epoch seconds. Gmail reads a day as its midnight in Pacific time.
    fn date(&self) -> Result<i64, QueryError> {
        let refused = || self.refused("write 2026/11/22 or seconds since 1970");
        if self.value.len() > 4 && self.value.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.value.parse().ok().filter(|seconds| *seconds <= LAST_SECOND).ok_or_else(refused);
        }
        let numbers = self.value.split(['/', '-']).map(|part| (part.len(), part.parse::<u32>().ok()));
        let day = match numbers.collect::<Vec<_>>().as_slice() {
            [(4, Some(year)), (1..=2, Some(month)), (1..=2, Some(day))]
            | [(1..=2, Some(month)), (1..=2, Some(day)), (4, Some(year))] => {
                i32::try_from(*year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, *month, *day))
            }
            _ => None,
        };
        let midnight = day.filter(|day| *day >= NaiveDate::default()).map(|day| day.and_time(chrono::NaiveTime::MIN));
        let midnight = midnight.and_then(|midnight| midnight.and_local_timezone(Los_Angeles).earliest());
        midnight.map(|midnight| midnight.timestamp()).ok_or_else(refused)
    }

    /// How long ago, as epoch seconds.
    fn age(&self) -> Result<i64, QueryError> {
        let now = self.now.ok_or_else(|| QueryError::Relative(self.operator.to_owned()))?;
        let refused = || self.refused("write a number of days, months or years: 30d, 6m, 1y");
        let unit = self.value.chars().next_back().filter(char::is_ascii).ok_or_else(refused)?;
        let number: u32 = self.value[..self.value.len() - 1].parse().map_err(|_| refused())?;
        let then = match unit.to_ascii_lowercase() {
            'd' => now.checked_sub_days(Days::new(number.into())),
            'm' => now.checked_sub_months(Months::new(number)),
            'y' => number.checked_mul(12).and_then(|months| now.checked_sub_months(Months::new(months))),
            _ => None,
        };
        // Mail is not older than Gmail's own count of time.
        then.map(|then| then.timestamp()).filter(|seconds| *seconds >= 0).ok_or_else(refused)
    }

    fn size(&self) -> Result<u64, QueryError> {
        let digits = self.value.trim_end_matches(|char: char| char.is_ascii_alphabetic());
        let unit: u64 = match self.value[digits.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1 << 10,
            "m" | "mb" => 1 << 20,
            _ => 0,
        };
        let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).filter(|_| unit > 0);
        size.ok_or_else(|| self.refused("write bytes, or 10K, or 5M"))
    }

    fn message_id(&self) -> Result<String, QueryError> {
        let id = self.value.trim_matches(['<', '>', ' ']);
        match id.is_empty() {
            true => Err(self.refused("a Message-ID")),
            false => Ok(id.to_owned()),
        }
    }
}

fn system(id: &str) -> Node {
    Term::Label { id: id.to_owned(), name: id.to_ascii_lowercase() }.into()
}

/// What to use in place of an operator that cannot be evaluated outside Gmail.
fn instead_of(operator: &str) -> &'static str {
    match operator {
        "filename" => "use has:attachment",
        "list" | "deliveredto" => "use from:, to: or label:",
        "around" => "use subject: with a phrase in quotes",
        _ => SUPPORTED,
    }
}
