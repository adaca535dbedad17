//! Pages that are built from sources in `web/` and served from inside the binary: they need neither the internet nor files on
//! disk.
//!
//! A page holds no secret and is served to anyone; what it asks the API carries a token.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use include_dir::Dir;

/// A built page with what it loads.
pub(super) struct Bundle {
    /// What the bundler wrote; empty in a build without the page.
    pub(super) files: Dir<'static>,
    /// The content security policy of everything in it: a worker obeys the policy that its own script came with.
    pub(super) policy: &'static str,
    /// What to tell people when it is empty.
    pub(super) missing: &'static str,
}

impl Bundle {
    /// The page. It names its assets by hash, so it must be fetched anew after an upgrade.
    pub(super) fn page(&self) -> Response {
        let page = self.file("index.html", "no-cache");
        page.unwrap_or_else(|| (StatusCode::NOT_FOUND, self.missing).into_response())
    }

    /// What the page loads. A changed asset has another name, so browsers may keep it for ever.
    pub(super) fn asset(&self, path: &str) -> Response {
        let asset = self.file(path, "public, max-age=31536000, immutable");
        asset.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
    }

    fn file(&self, path: &str, caching: &'static str) -> Option<Response> {
        let file = self.files.get_file(path)?;
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
        let headers = [
            (header::CONTENT_TYPE, format!("{kind}{charset}")),
            (header::CACHE_CONTROL, caching.to_owned()),
            (header::CONTENT_SECURITY_POLICY, self.policy.to_owned()),
        ];
        Some((headers, file.contents()).into_response())
    }
}

#[cfg(test)]
mod tests {
    use include_dir::{DirEntry, File};

    use super::*;

    const fn bundle(entries: &'static [DirEntry<'static>]) -> Bundle {
        Bundle { files: Dir::new("", entries), policy: "script-src 'self'", missing: "build it" }
    }

    static BUILT: Bundle = bundle(&[
        DirEntry::File(File::new("index.html", b"<!doctype html>")),
        DirEntry::Dir(Dir::new(
            "assets",
            &[
                DirEntry::File(File::new("assets/index-1.js", b"1")),
                DirEntry::File(File::new("assets/codicon-2.ttf", b"2")),
            ],
        )),
    ]);

    fn facts(answer: &Response) -> [String; 3] {
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        [answer.status().as_str().to_owned(), header(header::CONTENT_TYPE), header(header::CACHE_CONTROL)]
    }

    #[test]
    fn each_file_has_its_type_its_caching_and_the_policy() {
        let forever = "public, max-age=31536000, immutable";
        assert_eq!(facts(&BUILT.page()), ["200", "text/html; charset=utf-8", "no-cache"]);
        assert_eq!(facts(&BUILT.asset("assets/index-1.js")), ["200", "text/javascript; charset=utf-8", forever]);
        assert_eq!(facts(&BUILT.asset("assets/codicon-2.ttf")), ["200", "font/ttf", forever]);
        for answer in [BUILT.page(), BUILT.asset("assets/index-1.js")] {
            assert_eq!(answer.headers()[header::CONTENT_SECURITY_POLICY], "script-src 'self'");
        }
    }

    #[test]
    fn only_files_of_the_bundle_are_served() {
        for name in ["../index.html", "assets/../index.html", "assets", "nothing.js", "", "/etc/passwd"] {
            assert_eq!(facts(&BUILT.asset(name))[0], "404", "{name:?}");
        }
    }

    #[tokio::test]
    async fn a_build_without_the_page_says_how_to_make_it() {
        let answer = bundle(&[]).page();
        assert_eq!(facts(&answer)[..2], ["404", "text/plain; charset=utf-8"]);
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(&body[..], b"build it");
    }
}
