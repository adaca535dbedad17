//! What happens to every request on its way in and out: the budget, planned faults, `fields`, and the journal.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use super::{
    faults::{self, Lost},
    fields,
    journal::Entry,
    params::Params,
    quota::{self, Ask, Excess, Place, Service},
    world::{SharedWorld, World},
};

/// Charges the request, answers with a planned fault or lets it through, and keeps the journal.
pub(super) async fn observe(
    State(world): State<SharedWorld>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let template = matched.as_ref().map_or(path.as_str(), MatchedPath::as_str).to_owned();
    // The control plane is not Google.
    if template.starts_with("/_sandbox") {
        return next.run(request).await;
    }
    let at = world.clock.now();
    let method = request.method().to_string();
    let units = world.ledger.table().units(&template);
    let user = if units == 0 { None } else { world.authenticate(request.headers()).ok().map(|own| own.email.clone()) };
    let (response, refused) = match admit(&world, &template, user.as_deref(), units, at) {
        Err((excess, service)) => (quota::refusal(&excess, service, at).into_response(), Some(excess.limit)),
        Ok(place) => {
            // Requests that came together run together, however quickly each is answered.
            if place.is_counted() {
                tokio::task::yield_now().await;
            }
            (answer(&world, &template, request, next).await, None)
        }
    };
    let status = if response.extensions().get::<Lost>().is_some() { 0 } else { response.status().as_u16() };
    world.journal.record(Entry { at, method, path_template: template, user, status, units, refused });
    response
}

/// Lets the request in if the budgets do. One without a living token costs nothing: it will be refused anyway.
fn admit(
    world: &World,
    template: &str,
    user: Option<&str>,
    units: u32,
    at: DateTime<Utc>,
) -> Result<Place, (Excess, Service)> {
    match (Service::of(template), user) {
        (Some(service), Some(user)) => {
            let ask = Ask { service, user, units };
            world.ledger.admit(ask, at).map_err(|excess| (excess, service))
        }
        _ => Ok(Place::default()),
    }
}

/// The handler's answer, unless a fault is planned for it, and what the request wants of it.
async fn answer(world: &World, template: &str, request: Request, next: Next) -> Response {
    let Some(fault) = world.faults.take(request.method().as_str(), request.uri().path(), template) else {
        return plain(request, next).await;
    };
    faults::meet(fault, request, |request| plain(request, next)).await
}

async fn plain(request: Request, next: Next) -> Response {
    let query = request.uri().query().filter(|_| Service::of(request.uri().path()).is_some());
    let mask = query.and_then(|query| Params::parse(query).find("fields").map(str::to_owned));
    let response = next.run(request).await;
    match mask {
        Some(mask) => fields::keep(&mask, response).await,
        None => response,
    }
}
