//! GraphiQL, served from inside the binary: it needs neither the internet nor files on disk.
//!
//! The page itself is in `web/graphiql`. It holds no secret and is served to anyone; what it asks the API carries a token.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use include_dir::{Dir, include_dir};

static BUNDLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/web/graphiql/dist");

/// Scripts, workers and calls of this origin only, WebSockets included. The editor positions its lines by inline styles and
/// draws some of its graphics from `data:` addresses.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MISSING: &str = "This build has no GraphiQL. With Node.js installed, `script/dev` builds it; by hand:\n\
    \n    cd web/graphiql && npm ci && npm run build && cd - && cargo build\n";

/// Serves the page at `/graphiql` and what it loads below `/graphiql/assets/`.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/graphiql", get(async || page(&BUNDLE)))
        .route("/graphiql/assets/{file}", get(async |Path(file): Path<String>| asset(&BUNDLE, &file)))
}

/// The page names its assets by hash, so it must be fetched anew after an upgrade.
fn page(bundle: &Dir<'static>) -> Response {
    file(bundle, "index.html", "no-cache").unwrap_or_else(|| (StatusCode::NOT_FOUND, MISSING).into_response())
}

/// A changed asset has another name.
fn asset(bundle: &Dir<'static>, name: &str) -> Response {
    let asset = file(bundle, &format!("assets/{name}"), "public, max-age=31536000, immutable");
    asset.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn file(bundle: &Dir<'static>, path: &str, caching: &'static str) -> Option<Response> {
    let file = bundle.get_file(path)?;
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    let headers = [
        (header::CONTENT_TYPE, format!("{kind}{charset}")),
        (header::CACHE_CONTROL, caching.to_owned()),
        // On assets as well: a worker obeys the policy its own script came with.
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.to_owned()),
    ];
    Some((headers, file.contents()).into_response())
}

#[cfg(test)]
mod tests {
    use include_dir::{DirEntry, File};

    use super::*;

    static BUILT: Dir<'_> = Dir::new(
        "",
        &[
            DirEntry::File(File::new("index.html", b"<!doctype html>")),
            DirEntry::Dir(Dir::new(
                "assets",
                &[
                    DirEntry::File(File::new("assets/index-1.js", b"1")),
                    DirEntry::File(File::new("assets/codicon-2.ttf", b"2")),
                ],
            )),
        ],
    );

    fn facts(answer: &Response) -> [String; 3] {
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        [answer.status().as_str().to_owned(), header(header::CONTENT_TYPE), header(header::CACHE_CONTROL)]
    }

    #[test]
    fn each_file_has_its_type_and_its_caching() {
        let forever = "public, max-age=31536000, immutable";
        assert_eq!(facts(&page(&BUILT)), ["200", "text/html; charset=utf-8", "no-cache"]);
        assert_eq!(facts(&asset(&BUILT, "index-1.js")), ["200", "text/javascript; charset=utf-8", forever]);
        assert_eq!(facts(&asset(&BUILT, "codicon-2.ttf")), ["200", "font/ttf", forever]);
        let page = page(&BUILT);
        let policy = &page.headers()[header::CONTENT_SECURITY_POLICY];
        assert!(policy.to_str().unwrap().contains("script-src 'self';"));
    }

    #[test]
    fn only_files_of_the_bundle_are_served() {
        for name in ["../index.html", "nothing.js", "", "/etc/passwd"] {
            assert_eq!(facts(&asset(&BUILT, name))[0], "404", "{name:?}");
        }
    }

    #[test]
    fn a_build_without_the_bundle_says_how_to_make_it() {
        static EMPTY: Dir<'_> = Dir::new("", &[]);
        let answer = page(&EMPTY);
        assert_eq!(facts(&answer)[..2], ["404", "text/plain; charset=utf-8"]);
        assert!(MISSING.contains("npm ci && npm run build"));
    }
}
