//! What a page looks up once, for all of it.
//!
//! A loader that collects for a moment would do as well, as long as nothing takes longer than that moment; here it is one look,
//! however long the page and however busy the machine.

use std::pin::Pin;

use async_graphql::Result;
use tokio::sync::OnceCell;

/// What was looked up once, or how that failed.
pub(super) type Once<T> = OnceCell<Result<T>>;

/// What is in the cell; looks it up first where nobody has. Of those who ask meanwhile, one looks.
///
/// On the heap: the executor's futures are within each other as deep as a document is, and each would hold this one.
///
/// # Errors
/// As whoever looked.
pub(super) fn once<T>(
    cell: &Once<T>,
    look: impl Future<Output = Result<T>>,
) -> Pin<Box<impl Future<Output = Result<&T>>>> {
    Box::pin(async move { cell.get_or_init(|| look).await.as_ref().map_err(Clone::clone) })
}
