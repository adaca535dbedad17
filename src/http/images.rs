//! Images that mail refers to, for whoever has a link to one. They are a stranger's: a browser may draw them, and nothing else.

use axum::{
    Router,
    extract::{Path, Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::{envelope::RequestId, linked::Linked};
use crate::{
    app::App,
    sync::images::{self, Image},
};

/// How many images are fetched at once; 5 MB of memory each, at worst.
const MAX_AT_ONCE: usize = 32;

/// The route of images.
pub(super) fn router(app: App) -> Router {
    Router::new().route(images::PATH, get(serve)).with_state(Linked::new(app, MAX_AT_ONCE))
}

async fn serve(State(images): State<Linked>, Path(link): Path<String>, request: Request) -> Response {
    let words = ("There is no such image, or the time of its link is over.", "The image could not be fetched.");
    let request_id = RequestId::of(request.extensions());
    images.serve(request_id, async |app| images::fetch(app, &link).await, answer, words).await
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
