//! The closed list of words in `extensions.code`.

use async_graphql::{Error, ErrorExtensionValues, ServerError, Value};

use crate::domain::words;

words! {
    /// Why a request failed, for programs to act on. A word, once published, keeps its meaning.
    Code {
        /// No token, or one that is malformed, expired or not for us. Sign in again.
        Unauthenticated = "UNAUTHENTICATED",
        /// A browser page of another site sent this.
        Forbidden = "FORBIDDEN",
        /// The request is not shaped as GraphQL over HTTP asks.
        BadRequest = "BAD_REQUEST",
        /// There is nothing at this path.
        NotFound = "NOT_FOUND",
        /// This path or this operation is not served by this HTTP method.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// None of the media types in `Accept` is one we answer in.
        NotAcceptable = "NOT_ACCEPTABLE",
        /// The body is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The body has more bytes than one request may have.
        BodyTooLarge = "BODY_TOO_LARGE",
        /// The body did not arrive in time.
        BodyTimeout = "BODY_TIMEOUT",
        /// The document is not GraphQL.
        GraphqlParseFailed = "GRAPHQL_PARSE_FAILED",
        /// The document does not fit the schema.
        GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED",
        /// A variable or an argument has a value its type refuses.
        BadUserInput = "BAD_USER_INPUT",
        /// The document has more bytes than a document may have.
        DocumentTooLarge = "DOCUMENT_TOO_LARGE",
        /// The document has more lexical tokens than a document may have.
        TooManyTokens = "TOO_MANY_TOKENS",
        /// The document nests deeper than a document may.
        DocumentTooDeep = "DOCUMENT_TOO_DEEP",
        /// The document has more aliases than a document may have.
        TooManyAliases = "TOO_MANY_ALIASES",
        /// One place of the document has more directives than a place may have.
        TooManyDirectives = "TOO_MANY_DIRECTIVES",
        /// The document defines more fragments than a document may.
        TooManyFragments = "TOO_MANY_FRAGMENTS",
        /// The document, its fragments expanded and its pages counted, asks for too much. Ask for smaller pages.
        DocumentTooComplex = "DOCUMENT_TOO_COMPLEX",
        /// The document asks for `__schema` or `__type`, which this server keeps to itself.
        IntrospectionDisabled = "INTROSPECTION_DISABLED",
        /// The socket, or the person, has as many operations under way as it may. Let one end, and try again.
        TooManyOperations = "TOO_MANY_OPERATIONS",
        /// The person has asked for as much as a minute allows. Try again after `extensions.retryAfterSeconds`.
        RateLimited = "RATE_LIMITED",
        /// The person has not sent the document of this hash lately. Send it again, with its hash.
        PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
        /// This server runs the documents it was given, and this is none of them.
        DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED",
        /// The operation took longer than an operation may take; a mutation may have happened all the same.
        Timeout = "TIMEOUT",
        /// Something we depend on is away. Try again later.
        Unavailable = "UNAVAILABLE",
        /// Our failure; the request id finds it in our log.
        InternalServerError = "INTERNAL_SERVER_ERROR",
    }
}

impl Code {
    /// An error of a whole request with this word. `message` is shown to the client.
    pub fn error(self, message: impl Into<String>) -> ServerError {
        let mut error = ServerError::new(message, None);
        self.attach(&mut error.extensions);
        error
    }

    /// As [`Code::error`], for what is over a limit: `extensions.limit` says how much may be.
    pub fn over(self, limit: usize, message: impl Into<String>) -> ServerError {
        let mut error = self.error(message);
        error.extensions.get_or_insert_default().set("limit", limit);
        error
    }

    /// An error of one field with this word, for a resolver to return. `message` is shown to the client.
    pub fn field_error(self, message: impl Into<String>) -> Error {
        let mut error = Error::new(message);
        self.attach(&mut error.extensions);
        error
    }

    /// Writes this word over whatever `extensions` say is the code.
    pub fn attach(self, extensions: &mut Option<ErrorExtensionValues>) {
        extensions.get_or_insert_default().set("code", self.as_str());
    }

    /// The word `error` carries, if it is one of ours.
    pub fn of(error: &ServerError) -> Option<Self> {
        match error.extensions.as_ref()?.get("code")? {
            Value::String(word) => Self::from_word(word),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that the README explains, in its order.
    fn explained() -> Vec<&'static str> {
        let readme = include_str!("../../README.md");
        let list = readme.split("This is the whole list").nth(1).unwrap().split("\n## ").next().unwrap();
        list.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).map(|(word, _)| word).collect()
    }

    #[test]
    fn the_readme_explains_every_word_and_no_other() {
        let words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(explained(), words);
    }
}
