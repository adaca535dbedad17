//! What a link leads to: bytes of a stranger's, for whoever has the link, with no token asked for.

use std::sync::Arc;

use axum::response::Response;
use tokio::sync::Semaphore;

use super::answer::{Media, refuse};
use crate::{app::App, graphql::code::Code, sync};

/// What the routes of links share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Linked {
    app: App,
    places: Arc<Semaphore>,
}

impl Linked {
    /// So many are served at once; the others wait.
    pub(super) fn new(app: App, max_at_once: usize) -> Self {
        Self { app, places: Arc::new(Semaphore::new(max_at_once)) }
    }

    /// Answers with what is found. `gone` is said of a link that leads nowhere, `failed` of a failure of ours.
    pub(super) async fn serve<T>(
        &self,
        request_id: &str,
        find: impl AsyncFnOnce(&App) -> sync::Result<T>,
        answer: impl FnOnce(T) -> Response,
        (gone, failed): (&'static str, &'static str),
    ) -> Response {
        let Ok(_place) = self.places.acquire().await else {
            return refuse(Media::Json, Code::Unavailable.error("The server is stopping."), request_id);
        };
        match find(&self.app).await {
            Ok(found) => answer(found),
            Err(sync::Error::Refused(_)) => refuse(Media::Json, Code::NotFound.error(gone), request_id),
            Err(error) => {
                tracing::error!(request.id = request_id, error = ?error, "{failed}");
                refuse(Media::Json, Code::InternalServerError.error(failed), request_id)
            }
        }
    }
}
