//! Small applications, each written with one library for GraphQL as its users write it. Every one links an account on the
//! consent page, previews, approves twice with one key, watches to the end, pages through the timeline, keeps a copy of it in
//! step, and undoes. `docs/CLIENTS.md` shows their lines.
//!
//! Those in JavaScript are in `tests/clients/apps`; four of them run in Debian's Chromium. Where a browser or Node.js cannot
//! be had the test says so on the terminal, whatever the harness captures, and checks nothing.

mod document;
mod rust;
mod shell;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    flow::mailbox_of,
    support::{Settings, TestApp, browser, node_packages, say_unchecked, workbench},
};

const STORIES: [&str; 6] = ["graphql-ws", "graphql-sse", "apollo", "urql-ws", "urql-sse", "relay"];
/// How many mails each mailbox is made of, those that are spam or deleted included, and how many meetings.
const MAILS: usize = 60;
const MEETINGS: usize = 10;
/// The stories fail by themselves when something does not come; this is for a program that does not end.
const PATIENCE: Duration = Duration::from_secs(300);

/// A folder beside this project's other clients.
fn described(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(what)
}

/// A person whose mailbox nobody else has: the name, the address, and how many mails a sync of everything brings in.
fn person(app: &TestApp, name: &str) -> (String, usize) {
    let email = format!("{name}@brightwater.example");
    mailbox_of(app, &email, MAILS, MEETINGS);
    let mails = app.google.search(&email, "-in:chats").expect("a search").len();
    (email, mails)
}

/// The program that tells the stories.
struct Stage {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Stage {
    async fn set_up() -> Result<Self, String> {
        let bench = workbench(&described("apps"), "stage").await?;
        let compiler = node_packages(&described("schema")).await?.join("node_modules/relay-compiler/cli.js");
        fs::create_dir(bench.join("relay/artifacts")).expect("a folder");
        let mut compile = Command::new("node");
        compile.arg(compiler).arg("relay.config.json").current_dir(bench.join("relay")).kill_on_drop(true);
        let compiled = compile.output().await.map_err(|error| error.to_string())?;
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stdout));
        let mut node = Command::new("node");
        node.arg("tell.mjs").current_dir(&bench).kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            node.env_remove(name);
        }
        let mut child = node.spawn().map_err(|error| error.to_string())?;
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Ok(Self { child, lines })
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("the stories come to an end").expect("text");
        line.expect("the program says what became of the stories")
    }

    async fn tell(&mut self, stories: &Value) {
        let line = format!("{stories}\n");
        self.child.stdin.as_mut().expect("piped").write_all(line.as_bytes()).await.expect("it reads");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_for_graphql_tell_the_whole_story() {
    let ready = async { Ok::<_, String>((browser()?, Stage::set_up().await?)) };
    let (browser, mut stage) = match ready.await {
        Ok(ready) => ready,
        Err(why) => {
            return say_unchecked("the whole story by Apollo Client, urql, Relay, graphql-ws and graphql-sse", &why);
        }
    };
    // The pages are on the API's site, and of another origin.
    let app = TestApp::start_with(Settings::from([("ALLOWED_ORIGINS", stage.line().await)])).await;
    let stories = STORIES.map(|name| {
        let (email, mails) = person(&app, name);
        json!({ "name": name, "token": app.person(name).token, "email": email, "mails": mails })
    });
    let url = app.url.join("graphql").expect("an address");
    stage.tell(&json!({ "url": url, "browser": browser, "stories": stories })).await;
    let outcomes: Value = serde_json::from_str(&stage.line().await).expect("JSON");
    let untold: Vec<String> = STORIES
        .iter()
        .filter(|name| outcomes[**name] != "told")
        .map(|name| format!("{name}: {}", outcomes[*name].as_str().unwrap_or("nothing was said")))
        .collect();
    assert!(untold.is_empty(), "{}", untold.join("\n\n"));
}
