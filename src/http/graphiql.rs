//! GraphiQL, from inside the binary. The page itself is in `web/graphiql`.

use axum::{Router, extract::Path, routing::get};
use include_dir::include_dir;
use tower_http::compression::CompressionLayer;

use super::pages::Bundle;

/// Scripts, workers and calls of this origin only, WebSockets included. The editor positions its lines by inline styles and
/// draws some of its graphics from `data:` addresses.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MISSING: &str = "This build has no GraphiQL. With Node.js installed, `script/dev` builds it; by hand:\n\
    \n    cd web/graphiql && npm ci && npm run build && cd - && cargo build\n";

static BUNDLE: Bundle = Bundle {
    files: include_dir!("$CARGO_MANIFEST_DIR/web/graphiql/dist"),
    policy: CONTENT_SECURITY_POLICY,
    missing: MISSING,
};

/// Serves the page at `/graphiql` and what it loads below `/graphiql/assets/`.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let asset = async |Path(file): Path<String>| BUNDLE.asset(&format!("assets/{file}"));
    Router::new()
        .route("/graphiql", get(async || BUNDLE.page()))
        .route("/graphiql/assets/{file}", get(asset))
        .layer(CompressionLayer::new())
}
