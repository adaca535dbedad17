//! The console, from inside the binary: what people see of omnisync. Its sources are in `web/console`.

use axum::{Json, Router, extract::Path, routing::get};
use include_dir::include_dir;
use serde::Serialize;
use tower_http::compression::CompressionLayer;

use super::pages::Bundle;
use crate::config::Http;

/// Everything of this origin only, WebSockets included, and nothing inline but `style` attributes: mail that is shown as it was
/// meant keeps its colours. Its frame inherits all this, runs nothing, and has the pictures that came with the mail as `data:`.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
    style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MISSING: &str = "This build has no console; the API is at /graphql. With Node.js installed, `script/dev` builds it; by hand:\n\
    \n    cd web/console && npm ci && npm run build && cd - && cargo build\n";

static BUNDLE: Bundle = Bundle {
    files: include_dir!("$CARGO_MANIFEST_DIR/web/console/dist"),
    policy: CONTENT_SECURITY_POLICY,
    missing: MISSING,
};

/// The first part of its pages' paths, as `web/console/src/app.tsx` has them; each page may have others below.
const PAGES: [&str; 6] = ["accounts", "syncs", "timeline", "people", "insights", "activity"];

/// What a deployment tells its console.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    /// Where people without a token are sent.
    sign_in_url: Option<String>,
    /// Whether there is a `/graphiql`.
    graphiql: bool,
}

/// Serves the page at `/` and at every path of its own, and what it loads below `/console/`.
pub(super) fn router<S: Clone + Send + Sync + 'static>(config: &Http) -> Router<S> {
    let sign_in_url = config.console_sign_in_url.as_ref().map(ToString::to_string);
    let settings = Settings { sign_in_url, graphiql: config.graphiql };
    let page = || get(async || BUNDLE.page());
    let asset = async |Path(file): Path<String>| BUNDLE.asset(&format!("console/assets/{file}"));
    let router = Router::new()
        .route("/", page())
        .route("/console/settings.json", get(async move || Json(settings)))
        .route("/console/assets/{file}", get(asset));
    let router = PAGES.iter().fold(router, |router, name| {
        router.route(&format!("/{name}"), page()).route(&format!("/{name}/{{*below}}"), page())
    });
    router.layer(CompressionLayer::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_those_of_the_console_itself() {
        let source = include_str!("../../web/console/src/app.tsx");
        let mut paths: Vec<_> =
            source.split("{ path: '").skip(1).filter_map(|rest| rest.split(['\'', '/']).next()).collect();
        paths.retain(|path| !path.starts_with([':', '*']));
        paths.dedup();
        assert_eq!(paths, PAGES);
    }
}
