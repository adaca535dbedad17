//! Images that mail refers to, for whoever has a link to one. They are a stranger's: a browser may draw them, and nothing else.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::Semaphore;

use super::{
    answer::{Media, refuse},
    envelope::RequestId,
};
use crate::{
    app::App,
    graphql::code::Code,
    providers::images::Image,
    sync::{self, images},
};

/// How many images are fetched at once; 5 MB of memory each, at worst.
const MAX_AT_ONCE: usize = 32;

#[derive(Clone)]
struct Images {
    app: App,
    places: Arc<Semaphore>,
}

/// The route of images.
pub(super) fn router(app: App) -> Router {
    let images = Images { app, places: Arc::new(Semaphore::new(MAX_AT_ONCE)) };
    Router::new().route(images::PATH, get(serve)).with_state(images)
}

async fn serve(State(images): State<Images>, Path(link): Path<String>, request: Request) -> Response {
    let request_id = RequestId::of(request.extensions());
    let Ok(_place) = images.places.acquire().await else {
        return refuse(Media::Json, Code::Unavailable.error("The server is stopping."), request_id);
    };
    match images::fetch(&images.app, &link).await {
        Ok(image) => answer(image),
        Err(sync::Error::Refused(_)) => {
            let message = "There is no such image, or the time of its link is over.";
            refuse(Media::Json, Code::NotFound.error(message), request_id)
        }
        Err(error) => {
            tracing::error!(request.id = request_id, error = ?error, "an image could not be fetched");
            refuse(Media::Json, Code::InternalServerError.error("The image could not be fetched."), request_id)
        }
    }
}

fn answer(image: Image) -> Response {
    let headers = [
        (header::CONTENT_TYPE, image.media_type),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        // For as long as a link is good; a frame without an origin, which mail is best shown in, may draw it.
        (header::CACHE_CONTROL, "private, max-age=900"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, image.bytes).into_response()
}
