//! Door one: the GraphQL schema, whose resolvers only translate.

mod at_hand;
pub mod code;
mod company;
mod error;
mod household;
mod id;
mod insights;
mod mutation;
mod objects;
mod once;
mod page;
mod people;
pub mod precheck;
mod query;
pub mod question;
mod scalars;
mod subscription;
mod talks;
mod timeline;
pub mod viewer;

use async_graphql::{ID, Json, MergedObject, SDLExportOptions, SchemaBuilder};
use chrono::{DateTime, Utc};

pub use mutation::CONNECT_COOKIE;

use self::{
    insights::InsightsQuery,
    mutation::{Mutation, PeopleMutation},
    objects::{
        audit::AuditEntry,
        batch::{Batch, Job},
        contact::{BlocklistEntry, Contact},
        interaction::Interaction,
        item::Item,
    },
    page::{Connection, Edge},
    people::PeopleQuery,
    query::Query,
    subscription::{Lookouts, Subscription},
    timeline::{TimelineConnection, TimelineEdge},
};
use crate::{app::App, config::GraphQl, domain::ids::AccountId};

/// The root of queries. Everything here is the viewer's own; what is another person's does not exist.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct Queries(Query, PeopleQuery, InsightsQuery);

/// The root of mutations. What the caller can mend comes back in `userErrors`, and nothing was changed then.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutations(Mutation, PeopleMutation);

/// The schema, ready to execute.
pub type Schema = async_graphql::Schema<Queries, Mutations, Subscription>;

/// The schema with its handles.
pub fn schema(app: App) -> Schema {
    limited(&app.config.graphql).data(app).data(Lookouts::default()).finish()
}

/// The schema within its limits. The pre-check refuses first; these are the second lock on the same door.
fn limited(limits: &GraphQl) -> SchemaBuilder<Queries, Mutations, Subscription> {
    // Depth is the pre-check's alone: the library would count the introspection that tools send as deep, and refuse it.
    let builder = described().limit_complexity(limits.max_complexity);
    if limits.introspection { builder } else { builder.disable_introspection().disable_suggestions() }
}

/// An account's id as clients see it, for the address a browser returns to.
pub fn account_id(account: AccountId) -> ID {
    id::encode(id::Kind::Account, account.0)
}

/// The schema in the schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    described().finish().sdl_with_options(
        SDLExportOptions::new().sorted_fields().sorted_enum_items().sorted_arguments().include_specified_by(),
    )
}

/// The schema without its handles. The library's own types get descriptions for our clients.
fn described() -> SchemaBuilder<Queries, Mutations, Subscription> {
    Schema::build(Queries::default(), Mutations::default(), Subscription)
        .override_output_type_description::<DateTime<Utc>>(
            "A moment in UTC, as RFC 3339 writes it: `2026-11-22T09:30:00+00:00`. Any offset is understood as input.",
        )
        .override_output_type_description::<Json<()>>("Any JSON value.")
        .override_output_type_description::<Connection<AuditEntry>>("One page of the audit, newest first.")
        .override_output_type_description::<Connection<Batch>>("One page of batches, newest first.")
        .override_output_type_description::<Connection<Item>>("One page of items.")
        .override_output_type_description::<Connection<Job>>("One page of background work, newest first.")
        .override_output_type_description::<TimelineConnection>("One page of the timeline.")
        .override_output_type_description::<Connection<Contact>>("One page of contacts, those met last first.")
        .override_output_type_description::<Connection<BlocklistEntry>>("One page of the blocklist.")
        .override_output_type_description::<Edge<Contact>>("A contact and its place in the list.")
        .override_output_type_description::<Edge<BlocklistEntry>>(
            "An entry of the blocklist and its place in the list.",
        )
        .override_output_type_description::<Edge<AuditEntry>>("An entry of the audit and its place in the list.")
        .override_output_type_description::<Edge<Batch>>("A batch and its place in the list.")
        .override_output_type_description::<Edge<Job>>("A job and its place in the list.")
        .override_output_type_description::<Edge<Item>>("An item and its place in the list.")
        .override_output_type_description::<Edge<Interaction, TimelineEdge>>(
            "An interaction and its place on the timeline.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(introspection: bool) -> GraphQl {
        GraphQl { introspection, ..GraphQl::default() }
    }

    /// As deep as the query that GraphiQL and the code generators send.
    fn introspection() -> async_graphql::Request {
        let type_ref = format!("{}kind{}", "kind name ofType { ".repeat(9), " }".repeat(9));
        let fields = format!("fields {{ name args {{ type {{ {type_ref} }} }} type {{ {type_ref} }} }}");
        format!("{{ __schema {{ types {{ name {fields} }} }} }}").into()
    }

    #[tokio::test]
    async fn tools_can_introspect_when_it_is_on() {
        let answer = limited(&limits(true)).finish().execute(introspection()).await;
        assert_eq!(answer.errors, []);
    }

    #[tokio::test]
    async fn nobody_can_introspect_when_it_is_off() {
        let answer = limited(&limits(false)).finish().execute(introspection()).await;
        assert!(!answer.data.into_json().unwrap().to_string().contains("Account"));
    }
}
