//! How domain types stand in columns: ids as `uuid`, closed sets as `text`.

use diesel::{
    deserialize::{self, FromSql, Queryable},
    pg::{Pg, PgValue},
    sql_types::{Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::domain::{
    account::{AccountState, ProviderName, Service},
    audit::{AuditAction, AuditActor, AuditOutcome},
    batch::{BatchOrigin, BatchState},
    deletion::DeletionKind,
    ids::{AccountId, BatchId, ContactId, InteractionId, JobId, PreviewId, StreamId, UserId},
    item::{ItemOutcome, RawKind},
    job::{JobKind, JobState},
    normalize::{Category, Direction, InteractionKind},
    people::{ContactPolicy, Relation},
};

macro_rules! words {
    ($($name:ty,)*) => {$(
        impl FromSql<Text, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                let word = <String as FromSql<Text, Pg>>::from_sql(bytes)?;
                Self::from_word(&word).ok_or_else(|| format!("{word:?} is no {}", stringify!($name)).into())
            }
        }

        impl Queryable<Text, Pg> for $name {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    )*};
}

macro_rules! ids {
    ($($name:ident,)*) => {$(
        impl FromSql<SqlUuid, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<SqlUuid, Pg>>::from_sql(bytes).map(Self)
            }
        }

        impl Queryable<SqlUuid, Pg> for $name {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    )*};
}

words! {
    AccountState, ProviderName, Service, BatchOrigin, BatchState, DeletionKind, ItemOutcome, RawKind, JobKind, JobState, Category,
    Direction, InteractionKind, ContactPolicy, Relation, AuditAction, AuditActor, AuditOutcome,
}
ids! { AccountId, BatchId, ContactId, InteractionId, JobId, PreviewId, StreamId, UserId, }
