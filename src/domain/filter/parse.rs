//! From Gmail's query grammar to a [`Query`].
//!
//! Words side by side must all hold; `OR` binds its two neighbours, tighter than that; `{ }` holds alternatives, `( )` a
//! group, `-` negates, `operator:( )` applies the operator to each word of the group.

use chrono::{DateTime, Utc};

use super::{
    query::{Node, Query, Term},
    terms,
};
use crate::domain::consent::Label;

/// The longest query, in bytes.
const MAX_BYTES: usize = 2_000;
/// How deep groups may nest.
const MAX_DEPTH: usize = 20;

/// Why a query cannot be used. The text is for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than 2,000 bytes.
    #[error("the query is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// More than twenty groups inside one another.
    #[error("groups are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A bracket or quote without its partner.
    #[error("`{0}` has no partner")]
    Unbalanced(char),
    /// `()`, a sign with nothing behind it, or `OR` without a neighbour.
    #[error("there is nothing for `{0}` to apply to")]
    Nothing(String),
    /// A word without operator. Only Gmail itself could search whole mails for it.
    #[error(
        "`{0}` searches the text of mails, which cannot be done for mail that arrives later; use subject:, from: or to:"
    )]
    FreeWord(String),
    /// An operator that cannot be evaluated outside Gmail, or that does not exist.
    #[error("`{operator}:` cannot be used here; {instead}")]
    Operator {
        /// The operator as written.
        operator: String,
        /// What can be used.
        instead: &'static str,
    },
    /// A value that the operator does not take.
    #[error("`{operator}:` does not take `{value}`; {instead}")]
    Value {
        /// The operator as written.
        operator: String,
        /// The value as written.
        value: String,
        /// What it takes.
        instead: &'static str,
    },
    /// No label of the account has that name.
    #[error("there is no label named `{0}`")]
    UnknownLabel(String),
    /// A relative date in a query that was to hold absolute ones only.
    #[error("`{0}:` is relative to the day it is read on; use after: or before:")]
    Relative(String),
}

/// Reads a query in Gmail's grammar. `now` resolves relative dates; `labels` resolves names.
///
/// # Errors
/// Where the query is malformed, or holds something that only Gmail itself could evaluate.
pub fn parse(query: &str, labels: &[Label], now: DateTime<Utc>) -> Result<Query, QueryError> {
    read(query, labels, Some(now))
}

/// As [`parse`], for an approved query: it means the same on every day.
pub(super) fn absolute(query: &str, labels: &[Label]) -> Result<Query, QueryError> {
    read(query, labels, None)
}

fn read(query: &str, labels: &[Label], now: Option<DateTime<Utc>>) -> Result<Query, QueryError> {
    if query.len() > MAX_BYTES {
        return Err(QueryError::TooLong);
    }
    let mut parser = Parser { rest: query, labels, now, depth: 0 };
    let parts = match parser.nodes(None, None)? {
        parts if parts.is_empty() => parts,
        parts => match Node::all(parts) {
            Node::All(parts) => parts,
            part => vec![part],
        },
    };
    Ok(Query { parts })
}

struct Parser<'x> {
    rest: &'x str,
    labels: &'x [Label],
    now: Option<DateTime<Utc>>,
    depth: usize,
}

impl<'x> Parser<'x> {
    /// What stands before `close`, or before the end; words without operator belong to `operator`.
    fn nodes(&mut self, close: Option<char>, operator: Option<&str>) -> Result<Vec<Node>, QueryError> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut is_or = false;
        loop {
            self.rest = self.rest.trim_start();
            let Some(next) = self.rest.chars().next() else {
                match close {
                    Some(close) => return Err(QueryError::Unbalanced(close)),
                    None if is_or => return Err(QueryError::Nothing("OR".to_owned())),
                    None => return Ok(nodes),
                }
            };
            if let ')' | '}' = next {
                if is_or {
                    return Err(QueryError::Nothing("OR".to_owned()));
                }
                if close != Some(next) {
                    return Err(QueryError::Unbalanced(next));
                }
                self.rest = &self.rest[1..];
                return Ok(nodes);
            }
            if self.keyword("AND") || self.keyword("OR") {
                let word = self.word();
                if nodes.is_empty() || is_or {
                    return Err(QueryError::Nothing(word.to_owned()));
                }
                is_or = word == "OR";
                continue;
            }
            let node = self.node(operator)?;
            match is_or.then(|| nodes.pop()).flatten() {
                Some(left) => nodes.push(Node::any(vec![left, node])),
                None => nodes.push(node),
            }
            is_or = false;
        }
    }

    /// One term or group, with its sign.
    fn node(&mut self, operator: Option<&str>) -> Result<Node, QueryError> {
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            if rest.starts_with(|next: char| next.is_whitespace() || ")}".contains(next)) || rest.is_empty() {
                return Err(QueryError::Nothing("-".to_owned()));
            }
            return self.nested(|parser| Ok(Node::Not(Box::new(parser.node(operator)?))));
        }
        if self.rest.starts_with(['(', '{']) {
            return self.group(operator);
        }
        if let Some(operator) = operator {
            let value = self.value()?;
            return self.term(operator, &value);
        }
        let name =
            self.rest.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap_or_default();
        let Some(rest) = self.rest[name.len()..].strip_prefix(':').filter(|_| !name.is_empty()) else {
            return Err(QueryError::FreeWord(self.value()?));
        };
        self.rest = rest;
        if rest.starts_with(['(', '{']) {
            return self.group(Some(name));
        }
        let value = self.value()?;
        self.term(name, &value)
    }

    fn group(&mut self, operator: Option<&str>) -> Result<Node, QueryError> {
        let is_any = self.rest.starts_with('{');
        self.rest = &self.rest[1..];
        let close = if is_any { '}' } else { ')' };
        let nodes = self.nested(|parser| parser.nodes(Some(close), operator))?;
        match nodes.is_empty() {
            true => Err(QueryError::Nothing(if is_any { "{}" } else { "()" }.to_owned())),
            false if is_any => Ok(Node::any(nodes)),
            false => Ok(Node::all(nodes)),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(QueryError::TooDeep);
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn term(&self, operator: &str, value: &str) -> Result<Node, QueryError> {
        let read = terms::Reader { operator, value, labels: self.labels, now: self.now };
        read.node()
    }

    /// Whether the next word is exactly that.
    fn keyword(&self, word: &str) -> bool {
        let tail = self.rest.strip_prefix(word);
        tail.is_some_and(|tail| tail.is_empty() || tail.starts_with(|next: char| next.is_whitespace()))
    }

    /// A bare word: what stands before white space, a bracket or a quote.
    fn word(&mut self) -> &'x str {
        let is_end = |char: char| char.is_whitespace() || "(){}\"".contains(char);
        let (word, rest) = self.rest.split_at(self.rest.find(is_end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// A bare word or a phrase in quotes, with white space folded and control characters gone.
    fn value(&mut self) -> Result<String, QueryError> {
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                let (phrase, rest) = rest.split_once('"').ok_or(QueryError::Unbalanced('"'))?;
                self.rest = rest;
                phrase
            }
            None => self.word(),
        };
        let shown: String = value.chars().filter(|char| char.is_whitespace() || !char.is_control()).collect();
        Ok(shown.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl From<Term> for Node {
    fn from(term: Term) -> Self {
        Self::Term(term)
    }
}
