//! The pages a person sees. Plain HTML with inline style: no script, nothing loaded from elsewhere.

use std::fmt::Write;

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::scopes;

const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f4f6fa;--card:#fff;--text:#1c2230;--soft:#5a6478;--line:#d7dce6;--blue:#1a63d8;--on:#fff}\
@media(prefers-color-scheme:dark){:root{--page:#12151c;--card:#1c212c;--text:#e8ebf2;--soft:#a3adc0;--line:#343c4c;--blue:#8ab4f8;--on:#10203c}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--page);\
color:var(--text);font:16px/1.5 system-ui,sans-serif}main{width:100%;max-width:30rem;padding:2rem;background:var(--card);\
border:1px solid var(--line);border-radius:1rem}h1{font-size:1.4rem;line-height:1.25;margin:.25rem 0 1rem}p{margin:.5rem 0}\
.soft{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}ul{list-style:none;margin:1rem 0;padding:0}\
li{border-top:1px solid var(--line)}li:last-child{border-bottom:1px solid var(--line)}\
li a,li label{display:flex;gap:.75rem;padding:.85rem .25rem;color:inherit;text-decoration:none;cursor:pointer}\
li a:hover,li a:focus-visible,li label:hover{background:var(--page)}input{width:1.15rem;height:1.15rem;flex:none;margin:.2rem 0 0;accent-color:var(--blue)}\
.row{display:flex;justify-content:flex-end;gap:.75rem;margin-top:1.5rem}button{font:inherit;padding:.55rem 1.4rem;\
border-radius:2rem;border:1px solid var(--line);background:none;color:inherit;cursor:pointer}\
button.main{background:var(--blue);border-color:var(--blue);color:var(--on)}\
a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--blue);outline-offset:2px}code{overflow-wrap:anywhere}";

/// Text made safe inside HTML, attribute values included.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A whole page around `body`, which is HTML already.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><p class=\"soft\">Sandbox Google · invented people, nothing real</p><h1>{title}</h1>{body}</main></body></html>",
        title = escape(title),
    );
    // No `form-action`: browsers hold it against the redirect back to the client as well.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (status, headers, Html(html)).into_response()
}

/// Why a request gets a page and is not redirected anywhere.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub text: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// Google's "Access blocked" page.
pub(super) fn refusal(refusal: &Refusal) -> Response {
    let (code, text) = (refusal.code, refusal.text.as_str());
    let body = format!("<p>{}</p><p class=\"soft\">Error 400: <code>{}</code></p>", escape(text), escape(code));
    page(StatusCode::BAD_REQUEST, "Access blocked: this request is invalid", &body)
}

/// Lists the accounts as links to the same request with the account chosen.
pub(super) fn chooser(client: &str, accounts: &[(String, String, String)]) -> Response {
    let mut list = String::new();
    for (name, email, href) in accounts {
        let (name, email, href) = (escape(name), escape(email), escape(href));
        let _ =
            write!(list, "<li><a href=\"{href}\"><span>{name}<br><span class=\"soft\">{email}</span></span></a></li>");
    }
    let body = format!("<p>to continue to <b>{}</b></p><ul>{list}</ul>", escape(client));
    page(StatusCode::OK, "Choose an account", &body)
}

/// Asks for consent, one ticked checkbox for each scope that does more than sign in.
pub(super) fn consent(request_id: &str, client: &str, email: &str, asked: &[String]) -> Response {
    let mut list = String::new();
    for scope in asked.iter().filter(|scope| !scopes::SIGN_IN.contains(&scope.as_str())) {
        let (value, text) = (escape(scope), escape(scopes::description(scope)));
        let _ = write!(
            list,
            "<li><label><input type=\"checkbox\" name=\"scope\" value=\"{value}\" checked><span>{text}<br>\
             <span class=\"soft\">{value}</span></span></label></li>"
        );
    }
    let choice = if list.is_empty() {
        "<p>It will learn your name and email address.</p>".to_owned()
    } else {
        format!("<p>Select what it can access:</p><ul>{list}</ul>")
    };
    let body = format!(
        "<p class=\"soft\">Signed in as {email}</p><form method=\"post\" action=\"/o/oauth2/v2/consent\">\
         <input type=\"hidden\" name=\"request\" value=\"{id}\">{choice}<div class=\"row\">\
         <button name=\"decision\" value=\"cancel\">Cancel</button>\
         <button class=\"main\" name=\"decision\" value=\"continue\">Continue</button></div></form>",
        email = escape(email),
        id = escape(request_id),
    );
    page(StatusCode::OK, &format!("{client} wants access to your Google Account"), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(escape("<b onclick='x'>&\""), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;");
    }
}
