//! Door one: the GraphQL schema, whose resolvers only translate.

pub mod code;
mod error;
mod id;
mod loaders;
mod mutation;
mod objects;
mod page;
pub mod precheck;
mod query;
mod subscription;
pub mod viewer;

use async_graphql::{ID, SDLExportOptions};

pub use mutation::CONNECT_COOKIE;

use self::{loaders::AccountLoader, mutation::Mutation, query::Query, subscription::Subscription};
use crate::{app::App, config::GraphQl, domain::ids::AccountId};

/// The schema, ready to execute.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema with its handles.
pub fn schema(app: App) -> Schema {
    let limits: &GraphQl = &app.config.graphql;
    // The pre-check refuses first; these are the second lock on the same door.
    let mut builder = Schema::build(Query, Mutation, Subscription)
        .limit_depth(limits.max_depth)
        .limit_complexity(limits.max_complexity);
    if !limits.introspection {
        builder = builder.disable_introspection().disable_suggestions();
    }
    builder.data(AccountLoader::create(app.clone())).data(app).finish()
}

/// An account's id as clients see it, for the address a browser returns to.
pub fn account_id(account: AccountId) -> ID {
    id::encode(id::Kind::Account, account.0)
}

/// The schema in the schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let schema = Schema::build(Query, Mutation, Subscription).finish();
    schema.sdl_with_options(SDLExportOptions::new().sorted_fields().sorted_enum_items().sorted_arguments())
}
