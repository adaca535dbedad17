//! Objects most of whose fields are at hand.
//!
//! async-graphql puts the future of every field on the heap and has a set of them wait, object by object, which takes several times as long
//! as to look at what is there. Here each field is asked once, in its turn, and only those that do not answer at once are waited for, all
//! together. Worth it where there are many objects: the rows of a page, and what is listed in them.
//!
//! What this does not read itself it leaves to the library: directives, fragments on other types, and fields that are merged. The
//! library's extensions are not told of what it does read; the schema has none.

use std::{borrow::Cow, mem, task::Poll};

use async_graphql::{
    ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::resolve_container,
};
use futures::{
    FutureExt,
    future::{BoxFuture, OptionFuture},
    poll,
    stream::{FuturesUnordered, StreamExt},
};

/// Fields of one object that are looked at one by one; of more the library takes care.
const MOST_FIELDS: usize = 64;

/// An object, resolved as this module does.
pub(super) struct AtHand<T>(pub(super) T);

/// A list of such objects.
pub(super) struct AllAtHand<T>(pub(super) Vec<T>);

impl<T: ContainerType> OutputType for AtHand<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let resolve = async move { object(ctx, Asked::of::<T>(ctx).as_ref(), &self.0).await };
        without_name(resolve).await
    }
}

impl<T: ContainerType> OutputType for AllAtHand<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let resolve = async move {
            let mut values = vec![Value::Null; self.0.len()];
            let asked = Asked::of::<T>(ctx);
            let asked = asked.as_ref();
            let one = |(number, item)| async move { object(&ctx.with_index(number), asked, item).await };
            together(self.0.iter().enumerate().map(one), |number, value| {
                values[number] = value?;
                Ok(())
            })
            .await?;
            Ok(Value::List(values))
        };
        without_name(resolve).await
    }
}

/// A future whose type has no name: an object may be found in itself, as mails are in meetings and meetings in mails.
fn without_name<'a>(
    future: impl Future<Output = ServerResult<Value>> + Send + 'a,
) -> BoxFuture<'a, ServerResult<Value>> {
    future.boxed()
}

/// What a selection asks of objects of a type, in the order in which it is asked.
struct Asked<'a> {
    fields: Vec<&'a Positioned<Field>>,
    /// An answer without its values.
    form: IndexMap<Name, Value>,
}

impl<'a> Asked<'a> {
    /// What the selection at hand asks of objects of this type; `None` where the library has to read it.
    fn of<T: ContainerType>(ctx: &ContextSelectionSet<'a>) -> Option<Self> {
        let mut fields = Vec::with_capacity(ctx.item.node.items.len());
        if !collect(ctx, ctx.item, &T::type_name(), &mut fields) {
            return None;
        }
        let name = |field: &&Positioned<Field>| field.node.response_key().node.clone();
        let form = fields.iter().map(|field| (name(field), Value::Null)).collect();
        Some(Self { fields, form })
    }
}

/// What an object answers.
async fn object<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    asked: Option<&Asked<'_>>,
    object: &T,
) -> ServerResult<Value> {
    let Some(asked) = asked else { return resolve_container(ctx, object).await };
    let mut values = asked.form.clone();
    let mut failed = Vec::new();
    together(asked.fields.iter().map(|field| answer(ctx, field, object)), |number, value| {
        match value {
            Ok(value) => values[number] = value,
            Err(error) => {
                failed.push(number);
                ctx.add_error(error);
            }
        }
        Ok(())
    })
    .await?;
    // As the library does: a field that failed is not there, and an object without fields is none.
    failed.sort_unstable();
    for number in failed.into_iter().rev() {
        values.shift_remove_index(number);
    }
    Ok(if values.is_empty() { Value::Null } else { Value::Object(values) })
}

/// What a field answers.
async fn answer<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    object: &T,
) -> ServerResult<Value> {
    if field.node.name.node == "__typename" {
        return Ok(Value::String(object.introspection_type_name().into_owned()));
    }
    Ok(object.resolve_field(&ctx.with_field(field)).await?.unwrap_or_default())
}

/// Gathers the fields that a selection asks of an object of this type; gives `false` where the library has to read it.
fn collect<'a>(
    ctx: &ContextSelectionSet<'a>,
    selection: &'a Positioned<SelectionSet>,
    of: &str,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    selection.node.items.iter().all(|selection| {
        let (directives, condition, selection) = match &selection.node {
            Selection::Field(field) => {
                let key = &field.node.response_key().node;
                let is_new = fields.iter().all(|other| other.node.response_key().node != *key);
                fields.push(field);
                return is_new && field.node.directives.is_empty() && fields.len() <= MOST_FIELDS;
            }
            Selection::FragmentSpread(spread) => {
                let Some(fragment) = ctx.query_env.fragments.get(&spread.node.fragment_name.node) else { return false };
                (&spread.node.directives, Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
            Selection::InlineFragment(fragment) => {
                (&fragment.node.directives, fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
            }
        };
        let is_of_it = condition.is_none_or(|condition| condition.node.on.node == of);
        directives.is_empty() && is_of_it && collect(ctx, selection, of, fields)
    })
}

/// Asks each of the futures once, in their order, and waits for those that are not ready, all together. What they come to is kept by
/// their number.
///
/// They are on the heap, where those that wait stay; one that is ready at once leaves its place to the next.
async fn together<F: Future<Output = ServerResult<Value>> + Send>(
    futures: impl Iterator<Item = F>,
    mut keep: impl FnMut(usize, ServerResult<Value>) -> ServerResult<()>,
) -> ServerResult<()> {
    let mut waiting = FuturesUnordered::new();
    let mut place = Box::pin(OptionFuture::from(None));
    for (number, future) in futures.enumerate() {
        place.set(Some(future).into());
        match poll!(&mut place) {
            Poll::Ready(value) => value.map_or(Ok(()), |value| keep(number, value))?,
            Poll::Pending => {
                let one = mem::replace(&mut place, Box::pin(OptionFuture::from(None)));
                waiting.push(one.map(move |value| (number, value)));
            }
        }
    }
    while let Some((number, value)) = waiting.next().await {
        value.map_or(Ok(()), |value| keep(number, value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema};
    use proptest::{prelude::*, test_runner::TestRunner};
    use tokio::task::yield_now;

    use super::*;

    struct Query;
    struct Thing(i32);

    #[Object]
    impl Query {
        async fn library(&self) -> Thing {
            Thing(1)
        }

        async fn ours(&self) -> AtHand<Thing> {
            AtHand(Thing(1))
        }

        async fn library_list(&self) -> Vec<Thing> {
            vec![Thing(1), Thing(2), Thing(3)]
        }

        async fn ours_list(&self) -> AllAtHand<Thing> {
            AllAtHand(vec![Thing(1), Thing(2), Thing(3)])
        }
    }

    #[Object]
    impl Thing {
        async fn now(&self) -> i32 {
            self.0
        }

        async fn later(&self, turns: i32) -> i32 {
            for _ in 0..turns + self.0 {
                yield_now().await;
            }
            self.0
        }

        async fn fails(&self) -> Result<i32> {
            yield_now().await;
            Err("it failed".into())
        }

        async fn fails_on_two(&self) -> Result<Option<i32>> {
            if self.0 == 2 { Err("two".into()) } else { Ok(None) }
        }

        async fn inner(&self) -> AtHand<Thing> {
            AtHand(Thing(self.0 + 1))
        }

        async fn list(&self) -> AllAtHand<Thing> {
            AllAtHand((0..self.0).map(Thing).collect())
        }
    }

    const FRAGMENTS: &str =
        "fragment F on Thing { now late: later(turns: 3) ...G } fragment G on Thing { __typename inner { now } }";

    /// Selections on a thing: all that is read here, and all that is left to the library.
    fn selections() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            Just("now".to_owned()),
            Just("__typename".to_owned()),
            Just("again: now".to_owned()),
            Just("kind: __typename".to_owned()),
            (0..3).prop_map(|turns| format!("later{turns}: later(turns: {turns})")),
            Just("fails".to_owned()),
            Just("failsOnTwo".to_owned()),
            Just("now @include(if: true)".to_owned()),
            Just("late: now @skip(if: true)".to_owned()),
            Just("...F".to_owned()),
            Just("...G @include(if: true)".to_owned()),
        ];
        let some = prop::collection::vec(field, 1..5).prop_map(|fields| fields.join(" "));
        some.prop_recursive(3, 12, 4, |inner| {
            let nested = prop_oneof![
                inner.clone().prop_map(|of| format!("inner {{ {of} }}")),
                inner.clone().prop_map(|of| format!("list {{ {of} }}")),
                inner.clone().prop_map(|of| format!("... {{ {of} }}")),
                inner.prop_map(|of| format!("... on Thing {{ {of} }}")),
            ];
            prop::collection::vec(nested, 1..4).prop_map(|fields| format!("now {}", fields.join(" ")))
        })
    }

    /// What a field answers, and of each error what failed and where.
    async fn ask(
        schema: &Schema<Query, EmptyMutation, EmptySubscription>,
        field: &str,
        of: &str,
    ) -> (serde_json::Value, Vec<String>) {
        let answer = schema.execute(format!("{{ root: {field} {{ {of} }} }} {FRAGMENTS}")).await;
        let mut errors: Vec<_> =
            answer.errors.iter().map(|error| format!("{:?} {}", error.path, error.message)).collect();
        errors.sort();
        (answer.data.into_json().expect("JSON"), errors)
    }

    #[test]
    fn it_answers_as_the_library_does() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
        let mut runner = TestRunner::default();
        runner
            .run(&selections(), |of| {
                for (library, ours) in [("library", "ours"), ("libraryList", "oursList")] {
                    let (library, ours) =
                        runtime.block_on(async { (ask(&schema, library, &of).await, ask(&schema, ours, &of).await) });
                    prop_assert_eq!(&library, &ours, "{}", of);
                }
                Ok(())
            })
            .unwrap();
    }

    #[tokio::test]
    async fn fields_come_in_the_order_in_which_they_are_asked_for() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
        let answer = schema.execute("{ ours { b: later(turns: 2) fails a: now c: later(turns: 0) } }").await;
        assert_eq!(answer.data.to_string(), "{ours: {b: 1, a: 1, c: 1}}");
    }
}
