//! Reads a document before async-graphql does, and refuses what would cost too much to look at.
//!
//! async-graphql applies its own limits only after all its rules have walked the whole document, expanding fragments at each
//! spread, so a kilobyte of fragments that spread each other keeps a core busy for minutes. Everything here is linear in the
//! document: tokens are counted before parsing, and each fragment is visited once and its sum remembered. It knows no schema.

mod cost;
mod lexer;
mod variables;

use async_graphql::{
    Pos, Request, ServerError,
    parser::{
        self,
        types::{ExecutableDocument, OperationDefinition, OperationType},
    },
};

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
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None }
    }

    fn at(code: Code, message: impl Into<String>, position: Pos) -> Self {
        Self { position: Some(position), ..Self::new(code, message) }
    }
}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let mut error = refusal.code.error(refusal.message);
        error.locations.extend(refusal.position);
        error
    }
}

/// Parses and checks the document of `request` and leaves it in `request`, so that it is parsed once.
///
/// Returns the type of the operation that will run.
///
/// # Errors
/// One [`Refusal`], the first found: not GraphQL, over a limit, introspection while that is off, an operation name that fits no
/// operation, or a variable without a value of its type.
pub fn check(request: &mut Request, limits: &config::GraphQl) -> Result<OperationType, Refusal> {
    if request.query.len() > MAX_BYTES {
        return Err(Refusal::new(
            Code::DocumentTooLarge,
            format!("The document is longer than {MAX_BYTES} bytes; send values as variables."),
        ));
    }
    lexer::check(&request.query, limits.max_tokens)?;
    let document = parser::parse_query(&request.query).map_err(|error| unparsed(&error))?;
    let operation = operation(&document, request.operation_name.as_deref())?;
    check_sums(&document, operation, request, limits)?;
    variables::check(operation, &request.variables)?;
    let kind = operation.ty;
    request.set_parsed_query(document);
    Ok(kind)
}

/// Walks every definition, also those that will not run: validation does, too.
fn check_sums(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    request: &Request,
    limits: &config::GraphQl,
) -> Result<(), Refusal> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(Refusal::new(
            Code::TooManyFragments,
            format!("The document defines more than {MAX_FRAGMENTS} fragments."),
        ));
    }
    let mut walk = cost::Walk::new(document, operation, &request.variables, limits.introspection);
    let too_complex = || {
        let message =
            format!("The document asks for more than {} fields; ask for smaller pages.", limits.max_complexity);
        Refusal::new(Code::DocumentTooComplex, message)
    };
    let mut nodes = 0_usize;
    for (_, definition) in document.operations.iter() {
        let sum = walk.operation(&definition.node)?;
        if sum.depth > limits.max_depth {
            let message = format!("The document is nested deeper than {} fields.", limits.max_depth);
            return Err(Refusal::at(Code::DocumentTooDeep, message, definition.pos));
        }
        if sum.cost > limits.max_complexity {
            return Err(too_complex());
        }
        nodes = nodes.saturating_add(sum.nodes);
    }
    for name in document.fragments.keys() {
        nodes = nodes.saturating_add(walk.fragment(name, 1)?.nodes);
    }
    if nodes > limits.max_complexity {
        return Err(too_complex());
    }
    if walk.aliases > limits.max_aliases {
        let message = format!("The document has more than {} aliases.", limits.max_aliases);
        return Err(Refusal::new(Code::TooManyAliases, message));
    }
    Ok(())
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
    Refusal { code: Code::GraphqlParseFailed, message, position }
}

/// A name out of a document, short enough to be repeated in an answer.
fn clip(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
