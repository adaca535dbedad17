//! Reads Gmail's search grammar.

use chrono::{DateTime, Months, NaiveDate, TimeDelta, TimeZone, Utc};

use super::{mailbox::Mailbox, message::words, query::Expr};

/// How deep parentheses may nest; deeper ones are stepped over.
const MAX_DEPTH: usize = 50;

/// The terms of a query, the operators Gmail does not know, and whether the query itself asks for Spam or Trash.
pub(super) fn read(text: &str, mailbox: &Mailbox, now: DateTime<Utc>) -> (Vec<Expr>, Vec<String>, bool) {
    let mut reader = Reader { rest: text, mailbox, now, loud: Vec::new(), reaches_hidden: false };
    let mut terms = reader.terms(None, &Scope::Bare, 0);
    // A closing bracket nobody opened ends the terms early: go on behind it.
    while !reader.rest.is_empty() {
        reader.rest = &reader.rest[1..];
        terms.extend(reader.terms(None, &Scope::Bare, 0));
    }
    (terms, reader.loud, reader.reaches_hidden)
}

/// The operator that bare words inside a group belong to: `subject:(a b)`.
enum Scope<'q> {
    Bare,
    Operator(&'q str),
}

struct Reader<'q, 'm> {
    rest: &'q str,
    mailbox: &'m Mailbox,
    now: DateTime<Utc>,
    loud: Vec<String>,
    reaches_hidden: bool,
}

impl<'q> Reader<'q, '_> {
    /// Reads terms up to `close` (or the end), joining those with OR between them.
    fn terms(&mut self, close: Option<char>, scope: &Scope<'q>, depth: usize) -> Vec<Expr> {
        let mut terms: Vec<Expr> = Vec::new();
        let mut joins_previous = false;
        loop {
            self.rest = self.rest.trim_start();
            let Some(next) = self.rest.chars().next() else { return terms };
            if matches!(next, ')' | '}') {
                if close.is_some() {
                    self.rest = &self.rest[1..];
                }
                return terms;
            }
            if self.eat_word("OR") || self.eat_word("|") {
                joins_previous = !terms.is_empty();
                continue;
            }
            if self.eat_word("AND") {
                continue;
            }
            let Some(term) = self.term(scope, depth) else { continue };
            match terms.last_mut() {
                Some(Expr::Any(group)) if joins_previous => group.push(term),
                Some(last) if joins_previous => {
                    let first = std::mem::replace(last, Expr::Anywhere);
                    *last = Expr::Any(vec![first, term]);
                }
                _ => terms.push(term),
            }
            joins_previous = false;
        }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        let ends = rest.chars().next().is_none_or(char::is_whitespace);
        if ends {
            self.rest = rest;
        }
        ends
    }

    fn term(&mut self, scope: &Scope<'q>, depth: usize) -> Option<Expr> {
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            // A lone hyphen, as between two words, means nothing.
            if depth >= MAX_DEPTH || rest.chars().next().is_none_or(char::is_whitespace) {
                return None;
            }
            return self.term(scope, depth + 1).map(|term| Expr::Not(Box::new(term)));
        }
        if let Some(rest) = self.rest.strip_prefix('+') {
            self.rest = rest;
        }
        if let Some(group) = self.group(scope, depth) {
            return Some(group);
        }
        if self.rest.starts_with('"') {
            let phrase = self.value();
            return Some(self.value_term(scope, phrase));
        }
        let name_end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if name_end > 0 && self.rest[name_end..].starts_with(':') {
            let name = &self.rest[..name_end];
            self.rest = &self.rest[name_end + 1..];
            let inner = Scope::Operator(name);
            if let Some(group) = self.group(&inner, depth) {
                return Some(group);
            }
            let value = self.value();
            return Some(self.operator(name, value));
        }
        let value = self.value();
        if value.is_empty() {
            // A bracket that was too deep, or a stray one: step over it, or this would never end.
            self.rest = self.rest.get(1..).unwrap_or_default();
            return None;
        }
        Some(self.value_term(scope, value))
    }

    fn group(&mut self, scope: &Scope<'q>, depth: usize) -> Option<Expr> {
        let open = self.rest.chars().next().filter(|c| matches!(c, '(' | '{'))?;
        if depth >= MAX_DEPTH {
            return None;
        }
        self.rest = &self.rest[1..];
        let terms = self.terms(Some(open), scope, depth + 1);
        Some(if open == '{' { Expr::Any(terms) } else { Expr::All(terms) })
    }

    /// A quoted phrase, or everything up to a space or bracket.
    fn value(&mut self) -> &'q str {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            self.rest = quoted.get(end + 1..).unwrap_or_default();
            return &quoted[..end];
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || "(){}\"".contains(c)).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        value
    }

    fn value_term(&mut self, scope: &Scope<'q>, value: &str) -> Expr {
        match scope {
            Scope::Bare => text(value),
            Scope::Operator(name) => self.operator(name, value),
        }
    }

    fn operator(&mut self, name: &str, value: &str) -> Expr {
        let expr = match name.to_ascii_lowercase().as_str() {
            "from" => Some(Expr::From(self.words_or_me(value))),
            "to" => Some(Expr::To(self.words_or_me(value))),
            "cc" => Some(Expr::Cc(self.words_or_me(value))),
            "bcc" => Some(Expr::Bcc(self.words_or_me(value))),
            "deliveredto" => Some(Expr::DeliveredTo(words(value))),
            "subject" => Some(Expr::Subject(words(value))),
            "list" => Some(Expr::List(words(value))),
            "filename" => Some(Expr::File(value.to_lowercase())),
            "rfc822msgid" => Some(Expr::MessageId(value.trim_matches(['<', '>']).to_owned())),
            "label" => Some(self.label(value)),
            "in" => self.place(value),
            "is" => state(value),
            "has" => attribute(value),
            "category" => category(value),
            "after" | "newer" => date(value).map(Expr::After),
            "before" | "older" => date(value).map(Expr::Before),
            "newer_than" => self.ago(value).map(Expr::After),
            "older_than" => self.ago(value).map(Expr::Before),
            "larger" | "size" => size(value).map(Expr::LargerThan),
            "smaller" => size(value).map(Expr::SmallerThan),
            _ => None,
        };
        expr.unwrap_or_else(|| {
            self.loud.push(format!("{name}:{value}"));
            text(&format!("{name} {value}"))
        })
    }

    fn words_or_me(&self, value: &str) -> String {
        words(if value.eq_ignore_ascii_case("me") { self.mailbox.email() } else { value })
    }

    /// Names are compared as Gmail's search box writes them: lower case, with hyphens for spaces and slashes.
    fn label(&self, value: &str) -> Expr {
        let fold = |name: &str| name.to_lowercase().replace([' ', '/'], "-");
        let wanted = fold(value);
        let found = self.mailbox.labels().find(|(id, name, _)| fold(name) == wanted || fold(id) == wanted);
        Expr::Label(found.map(|(id, ..)| id.to_owned()))
    }

    fn place(&mut self, value: &str) -> Option<Expr> {
        let label = match value.to_ascii_lowercase().as_str() {
            "anywhere" => {
                self.reaches_hidden = true;
                return Some(Expr::Anywhere);
            }
            "all" => return Some(Expr::Anywhere),
            "trash" | "spam" => {
                self.reaches_hidden = true;
                value.to_ascii_uppercase()
            }
            "inbox" | "sent" => value.to_ascii_uppercase(),
            "draft" | "drafts" => "DRAFT".to_owned(),
            "chat" | "chats" => "CHAT".to_owned(),
            "snoozed" => return None,
            _ => return Some(self.label(value)),
        };
        Some(Expr::Label(Some(label)))
    }

    /// The moment `12h`, `3d`, `2m` or `1y` ago.
    fn ago(&self, value: &str) -> Option<i64> {
        let unit = value.chars().last()?;
        let count: u32 = value[..value.len() - unit.len_utf8()].parse().ok()?;
        let moment = match unit.to_ascii_lowercase() {
            'h' => self.now.checked_sub_signed(TimeDelta::hours(count.into())),
            'd' => self.now.checked_sub_signed(TimeDelta::days(count.into())),
            'm' => self.now.checked_sub_months(Months::new(count)),
            'y' => self.now.checked_sub_months(Months::new(count.checked_mul(12)?)),
            _ => None,
        };
        moment.map(|moment| moment.timestamp_millis())
    }
}

fn text(value: &str) -> Expr {
    let needle = words(value);
    if needle.trim().is_empty() { Expr::Anywhere } else { Expr::Text(needle) }
}

fn labelled(label: &str) -> Expr {
    Expr::Label(Some(label.to_owned()))
}

fn state(value: &str) -> Option<Expr> {
    Some(match value.to_ascii_lowercase().as_str() {
        "unread" => labelled("UNREAD"),
        "read" => Expr::Not(Box::new(labelled("UNREAD"))),
        "starred" => labelled("STARRED"),
        "important" => labelled("IMPORTANT"),
        "chat" => labelled("CHAT"),
        "sent" => labelled("SENT"),
        "draft" => labelled("DRAFT"),
        _ => return None,
    })
}

fn attribute(value: &str) -> Option<Expr> {
    Some(match value.to_ascii_lowercase().as_str() {
        "attachment" => Expr::HasFile,
        "userlabels" => Expr::HasUserLabel,
        "nouserlabels" => Expr::Not(Box::new(Expr::HasUserLabel)),
        "yellow-star" => labelled("STARRED"),
        _ => return None,
    })
}

fn category(value: &str) -> Option<Expr> {
    Some(labelled(match value.to_ascii_lowercase().as_str() {
        "primary" | "personal" => "CATEGORY_PERSONAL",
        "social" => "CATEGORY_SOCIAL",
        "promotions" => "CATEGORY_PROMOTIONS",
        "updates" => "CATEGORY_UPDATES",
        "forums" => "CATEGORY_FORUMS",
        _ => return None,
    }))
}

/// `2026/11/01` and its like mean midnight Pacific time; a bare number is epoch seconds.
fn date(value: &str) -> Option<i64> {
    if value.len() > 4 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse::<i64>().ok()?.checked_mul(1_000);
    }
    let day =
        ["%Y/%m/%d", "%Y-%m-%d", "%m/%d/%Y"].iter().find_map(|form| NaiveDate::parse_from_str(value, form).ok())?;
    let midnight = day.and_hms_opt(0, 0, 0)?;
    chrono_tz::America::Los_Angeles.from_local_datetime(&midnight).earliest().map(|moment| moment.timestamp_millis())
}

/// Bytes, with `K` or `M` for binary thousands and millions.
fn size(value: &str) -> Option<usize> {
    let digits = value.trim_end_matches(['k', 'K', 'm', 'M', 'b', 'B']);
    let factor = match value[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(factor)
}
