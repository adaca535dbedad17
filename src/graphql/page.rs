//! Keyset pages after the Relay cursor connections specification.

use std::borrow::Cow;

use async_graphql::{
    ContainerType, Error, Object, ObjectType, Result, SimpleObject, TypeName, connection::EmptyFields,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use uuid::Uuid;

use super::{
    at_hand::{AllAtHand, AtHand},
    code::Code,
};
use crate::db::interactions::{Between, Keyset, Towards};

/// Rows of a page when the client names no number.
pub(super) const DEFAULT: i32 = 25;
/// The most rows of a page.
pub(super) const MOST: i32 = 100;

/// Which part of a list a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Rows wanted.
    pub size: i64,
    /// Whether the page runs from the end of the list towards its beginning.
    pub backward: bool,
    /// The place after which the page begins.
    pub after: Option<String>,
    /// The place before which the page ends.
    pub before: Option<String>,
}

impl Window {
    /// Reads the four arguments of a connection.
    ///
    /// # Errors
    /// When they contradict each other or the number is out of bounds.
    pub(super) fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Self> {
        let (size, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(Code::BadUserInput.field_error("Give first or last, not both.")),
            (first, None) => (first.unwrap_or(DEFAULT), false),
            (None, Some(last)) => (last, true),
        };
        if !(1..=MOST).contains(&size) {
            return Err(Code::BadUserInput.field_error(format!("A page has 1 to {MOST} rows.")));
        }
        Ok(Self { size: size.into(), backward, after, before })
    }

    /// The places it lies between in a list ordered by a time and an id, newest first, and which way it runs.
    ///
    /// # Errors
    /// When a cursor is none of ours.
    pub(super) fn places(&self) -> Result<(Between, Towards)> {
        let after = self.after.as_deref().map(place).transpose()?;
        let before = self.before.as_deref().map(place).transpose()?;
        Ok(((after, before), if self.backward { Towards::Newer } else { Towards::Older }))
    }

    /// One row more than the page shows, which tells whether there is another page.
    pub(super) fn fetch(&self) -> i64 {
        self.size + 1
    }
}

/// The cursor of a place.
pub(super) fn cursor((at, id): Keyset) -> String {
    URL_SAFE_NO_PAD.encode([at.timestamp_micros().to_be_bytes().as_slice(), id.as_bytes()].concat())
}

/// The place of a cursor.
///
/// # Errors
/// When the text is no cursor of ours.
pub(super) fn place(cursor: &str) -> Result<Keyset> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(Some(cursor).filter(|text| text.len() <= 64)?).ok()?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        Some((DateTime::from_timestamp_micros(i64::from_be_bytes(*at))?, Uuid::from_slice(id).ok()?))
    };
    read().ok_or_else(foreign)
}

/// What a cursor of another list is answered.
pub(super) fn foreign() -> Error {
    Code::BadUserInput.field_error("This cursor does not come from this list.")
}

/// A page of a list. `About` and `Fields` are what the page and its edges say beside what every page says.
///
/// The library has such types, too, which ask the fields of each edge as it asks all fields, and say little to clients; these are
/// [`AtHand`].
pub(super) struct Connection<Node, About = EmptyFields, Fields = EmptyFields> {
    has_previous_page: bool,
    has_next_page: bool,
    edges: AllAtHand<Edge<Node, Fields>>,
    about: About,
}

/// Where a page begins and ends, and whether there is more.
#[derive(SimpleObject)]
pub(super) struct PageInfo {
    /// Whether rows come before those of the page; wherever a page has begun after a cursor, `true`.
    has_previous_page: bool,
    /// Whether rows come after those of the page; wherever a page has ended before a cursor, `true`.
    has_next_page: bool,
    /// The place of the first row: give it as `before` to page towards the beginning. `null` when there is no row.
    start_cursor: Option<String>,
    /// The place of the last row: give it as `after` to page towards the end. `null` when there is no row.
    end_cursor: Option<String>,
}

/// A row of a page, and its place in the list.
pub(super) struct Edge<Node, Fields = EmptyFields> {
    cursor: String,
    node: AtHand<Node>,
    fields: Fields,
}

impl<Node, Fields> Edge<Node, Fields> {
    pub(super) fn new(cursor: String, node: Node, fields: Fields) -> Self {
        Self { cursor, node: AtHand(node), fields }
    }
}

impl<Node: ContainerType, About: ObjectType, Fields: ObjectType> TypeName for Connection<Node, About, Fields> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", Node::type_name()).into()
    }
}

impl<Node: ContainerType, Fields: ObjectType> TypeName for Edge<Node, Fields> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", Node::type_name()).into()
    }
}

#[Object(name_type)]
impl<Node: ContainerType, About: ObjectType, Fields: ObjectType> Connection<Node, About, Fields> {
    /// Where the page begins and ends, and whether there is more.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: Option<&Edge<Node, Fields>>| edge.map(|edge| edge.cursor.clone());
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: cursor(self.edges.0.first()),
            end_cursor: cursor(self.edges.0.last()),
        }
    }

    /// The rows of the page, each with its place in the list.
    async fn edges(&self) -> &AllAtHand<Edge<Node, Fields>> {
        &self.edges
    }

    /// The rows of the page, for those who need none of their places.
    async fn nodes(&self) -> AllAtHand<&Node> {
        AllAtHand(self.edges.0.iter().map(|edge| &edge.node.0).collect())
    }

    #[graphql(flatten)]
    async fn about(&self) -> &About {
        &self.about
    }
}

#[Object(name_type)]
impl<Node: ContainerType, Fields: ObjectType> Edge<Node, Fields> {
    /// Its place in the list: give it as `after` or `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The row itself.
    async fn node(&self) -> &AtHand<Node> {
        &self.node
    }

    #[graphql(flatten)]
    async fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// A page as a connection. `rows` come in the order they were fetched in, one more than wanted where there is more.
pub(super) fn connection<Row, Node>(
    window: &Window,
    rows: Vec<Row>,
    key: impl Fn(&Row) -> String,
    node: impl Fn(Row) -> Node,
) -> Connection<Node> {
    connection_of(window, rows, EmptyFields, |row| Edge::new(key(&row), node(row), EmptyFields))
}

/// As [`connection`], of a page and edges that say more than their places.
pub(super) fn connection_of<Row, Node, About, Fields>(
    window: &Window,
    mut rows: Vec<Row>,
    about: About,
    edge: impl Fn(Row) -> Edge<Node, Fields>,
) -> Connection<Node, About, Fields> {
    let size = usize::try_from(window.size).unwrap_or(0);
    let more = rows.len() > size;
    rows.truncate(size);
    if window.backward {
        rows.reverse();
    }
    // What lies on the far side of the place a page starts from exists; whether more lies beyond, the extra row tells.
    let (has_previous_page, has_next_page) =
        if window.backward { (more, window.before.is_some()) } else { (window.after.is_some(), more) };
    Connection { has_previous_page, has_next_page, edges: AllAtHand(rows.into_iter().map(edge).collect()), about }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_names_its_place() {
        let key = (DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(), Uuid::now_v7());
        assert_eq!(place(&cursor(key)).unwrap(), key);
    }

    #[test]
    fn a_page_has_bounds() {
        for (first, last) in [(Some(0), None), (Some(101), None), (None, Some(-1)), (Some(1), Some(1))] {
            assert!(Window::new(first, None, last, None).is_err(), "{first:?} {last:?}");
        }
        assert_eq!(Window::new(None, None, None, None).unwrap().size, 25);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text: String) {
            prop_assert!(place(&text).is_err());
        }
    }
}
