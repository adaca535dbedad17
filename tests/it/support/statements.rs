//! How many statements the program in this process has run for a person.

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// Whose statements are counted; nobody's when empty. Looking at statements costs, so others are left alone.
static WATCHED: Mutex<String> = Mutex::new(String::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counter;

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        let watched = WATCHED.lock().expect("nobody panics with it");
        if watched.is_empty() {
            return;
        }
        let mut text = String::new();
        write!(text, "{query}").expect("it is written");
        // Every statement of a person names them, in its text or in what is bound. What begins a transaction goes out with one.
        if !text.starts_with("BEGIN") && text.contains(watched.as_str()) {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Has connections that are opened from now on count. Before the application starts.
pub(crate) fn watch_statements() {
    set_default_instrumentation(|| Some(Box::new(Counter))).expect("it can be set, by several tests to the same");
}

/// One test at a time asks.
static ASKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The statements for this person while something is done.
pub(crate) async fn statements_of<T>(user: &str, done: impl Future<Output = T>) -> (usize, T) {
    let _asking = ASKING.lock().await;
    user.clone_into(&mut WATCHED.lock().expect("nobody panics with it"));
    COUNT.store(0, Ordering::Relaxed);
    let result = done.await;
    WATCHED.lock().expect("nobody panics with it").clear();
    (COUNT.load(Ordering::Relaxed), result)
}
