//! Door one: the GraphQL schema, whose resolvers only translate.

pub mod code;
pub mod precheck;
pub mod viewer;
