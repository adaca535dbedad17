//! Reads a document before async-graphql does, and refuses what would cost too much to look at.
//!
//! async-graphql applies its own limits only after all its rules have walked the whole document, expanding fragments at each
//! spread, so a kilobyte of fragments that spread each other keeps a core busy for minutes. Everything here is linear in the
//! document: tokens are counted before parsing, and each fragment is visited once and its sum remembered. It knows no schema.

mod cost;
mod lately;
mod lexer;
mod variables;

use async_graphql::{
    Pos, Request, ServerError,
    parser::{
        self,
        types::{ExecutableDocument, OperationDefinition, OperationType},
    },
};

pub use lately::Lately;

use crate::config;
use crate::graphql::code::Code;

/// Bytes of a document. Comments and strings are single tokens, and the parser passes over each of them several times.
const MAX_BYTES: usize = 65_536;
/// Fragment definitions in a document.
const MAX_FRAGMENTS: usize = 50;

/// Why a document is not executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The word for programs.
    pub code: Code,
    /// The sentence for people; it repeats at most a name of the document, clipped.
    pub message: String,
    /// Where in the document, when it is one place.
    pub position: Option<Pos>,
    /// The number that the document is over, when it is over one.
    pub limit: Option<usize>,
}

impl Refusal {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None, limit: None }
    }

    fn over(code: Code, limit: usize, message: impl Into<String>) -> Self {
        Self { limit: Some(limit), ..Self::new(code, message) }
    }

    fn at(code: Code, message: impl Into<String>, position: Pos) -> Self {
        Self { position: Some(position), ..Self::new(code, message) }
    }
}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let mut error = match refusal.limit {
            Some(limit) => refusal.code.over(limit, refusal.message),
            None => refusal.code.error(refusal.message),
        };
        error.locations.extend(refusal.position);
        error
    }
}

/// What a document asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The type of the operation that will run.
    pub kind: OperationType,
    /// What that operation costs: its fields, each times the items of the pages around it. At least one.
    pub cost: usize,
}

/// Whether a document may have somebody's words in it, which belong in variables: what stands in quotation marks may be some. Such a
/// document is kept nowhere.
pub fn may_hold_words(document: &str) -> bool {
    document.contains('"')
}

/// Parses the document of `request`, if it is not too long for that.
fn parse(request: &Request, limits: &config::GraphQl) -> Result<ExecutableDocument, Refusal> {
    if request.query.len() > MAX_BYTES {
        let message = format!("The document is longer than {MAX_BYTES} bytes; send values as variables.");
        return Err(Refusal::over(Code::DocumentTooLarge, MAX_BYTES, message));
    }
    lexer::check(&request.query, limits.max_tokens)?;
    parser::parse_query(&request.query).map_err(|error| unparsed(&error))
}

/// Checks what the document of `request` was parsed to, with the values that came with it.
fn examine(document: &ExecutableDocument, request: &Request, limits: &config::GraphQl) -> Result<Checked, Refusal> {
    let operation = operation(document, request.operation_name.as_deref())?;
    let cost = check_sums(document, operation, request, limits)?;
    variables::check(operation, &request.variables)?;
    Ok(Checked { kind: operation.ty, cost })
}

/// Walks every definition, also those that will not run: validation does, too. Gives the cost of the one that will.
fn check_sums(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    request: &Request,
    limits: &config::GraphQl,
) -> Result<usize, Refusal> {
    if document.fragments.len() > MAX_FRAGMENTS {
        let message = format!("The document defines more than {MAX_FRAGMENTS} fragments.");
        return Err(Refusal::over(Code::TooManyFragments, MAX_FRAGMENTS, message));
    }
    let mut walk = cost::Walk::new(document, operation, &request.variables, limits.introspection);
    let too_complex = || {
        let message =
            format!("The document asks for more than {} fields; ask for smaller pages.", limits.max_complexity);
        Refusal::over(Code::DocumentTooComplex, limits.max_complexity, message)
    };
    let (mut nodes, mut cost) = (0_usize, 1);
    for (_, definition) in document.operations.iter() {
        let sum = walk.operation(&definition.node)?;
        if sum.depth > limits.max_depth {
            let message = format!("The document is nested deeper than {} fields.", limits.max_depth);
            let refusal = Refusal::over(Code::DocumentTooDeep, limits.max_depth, message);
            return Err(Refusal { position: Some(definition.pos), ..refusal });
        }
        if sum.cost > limits.max_complexity {
            return Err(too_complex());
        }
        nodes = nodes.saturating_add(sum.nodes);
        if std::ptr::eq(&definition.node, operation) {
            cost = sum.cost.max(1);
        }
    }
    for name in document.fragments.keys() {
        nodes = nodes.saturating_add(walk.fragment(name, 1)?.nodes);
    }
    if nodes > limits.max_complexity {
        return Err(too_complex());
    }
    if walk.aliases > limits.max_aliases {
        let message = format!("The document has more than {} aliases.", limits.max_aliases);
        return Err(Refusal::over(Code::TooManyAliases, limits.max_aliases, message));
    }
    Ok(cost)
}

/// The operation that will run, by the rules of the specification's `GetOperation`.
fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition, Refusal> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted)),
        None if operations.len() == 1 => operations.next(),
        None => None,
    };
    found.map(|(_, operation)| &operation.node).ok_or_else(|| {
        let message = match name {
            Some(_) => "The document has no operation of the name given in operationName.",
            None => "The document has several operations; operationName must say which one to run.",
        };
        Refusal::new(Code::BadRequest, message)
    })
}

/// The parser's own text repeats whole lines of the document, so only its position is kept.
fn unparsed(error: &parser::Error) -> Refusal {
    let position = error.positions().next();
    let message = match (error, position) {
        (parser::Error::Syntax { .. }, Some(Pos { line, column })) => {
            format!("Syntax error at line {line}, column {column}.")
        }
        _ => format!("The document cannot be read: {}", clip(&error.to_string())),
    };
    Refusal { position, ..Refusal::new(Code::GraphqlParseFailed, message) }
}

/// A name out of a document, short enough to be repeated in an answer.
fn clip(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
