//! Lists and facts that a column keeps as JSON, read when they are asked for: most pages ask for few of them.

use std::{marker::PhantomData, str, sync::Arc};

use diesel::{
    deserialize::{self, FromSql, Queryable},
    pg::{Pg, PgValue},
    sql_types::Jsonb,
};
use serde::de::DeserializeOwned;

/// A value of this type, as the column has it.
#[derive(Clone, Debug)]
pub struct Stored<T>(Arc<str>, PhantomData<fn() -> T>);

impl<T: DeserializeOwned + Default> Stored<T> {
    /// The value; an empty one should the column have something else, which nothing writes.
    pub fn read(&self) -> T {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl<T> FromSql<Jsonb, Pg> for Stored<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // The first byte is the version of what follows, and there has been one.
        match value.as_bytes() {
            [1, text @ ..] => Ok(Self(str::from_utf8(text)?.into(), PhantomData)),
            _ => Err("not the JSON that PostgreSQL sends".into()),
        }
    }
}

impl<T> Queryable<Jsonb, Pg> for Stored<T> {
    type Row = Self;

    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}
