//! Metrics: what is counted, under which names, and how Prometheus reads it.
//!
//! All names and labels are here. A label's values are a closed set of words; an id, an address or a text never is one.
//! Counting costs next to nothing, and is nothing at all until [`Meters::install`] was called.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

const CALLS: &str = "omnisync_provider_calls_total";
const UNITS: &str = "omnisync_quota_units_total";
const WAITS: &str = "omnisync_quota_waits_total";
const PROJECT_BREAKER: &str = "omnisync_project_breaker";
const ACCOUNT_BREAKERS: &str = "omnisync_account_breakers_open";
const SLICES: &str = "omnisync_slices_total";
const SLICE_SECONDS: &str = "omnisync_slice_seconds";
const ITEMS_STORED: &str = "omnisync_items_stored_total";
const OPERATIONS: &str = "omnisync_operations_live";
const REFUSALS: &str = "omnisync_refusals_total";

/// Upper bounds in seconds: a chunk takes tenths of one, a slice at most a minute or so.
const SLICE_BUCKETS: [f64; 9] = [0.025, 0.1, 0.25, 1.0, 2.5, 5.0, 15.0, 30.0, 75.0];

/// Why metrics cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The list of names or buckets is unusable, which is a fault of this file.
    #[error("the metrics are described wrongly")]
    Described(#[from] BuildError),
    /// Something in this process counts already.
    #[error("metrics were installed before")]
    Twice,
}

/// What this process has counted.
#[derive(Clone)]
pub struct Meters(PrometheusHandle);

impl Meters {
    /// Starts counting. Called once, by `main`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn install() -> Result<Self, Error> {
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(SLICE_SECONDS.to_owned()), &SLICE_BUCKETS)?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| Error::Twice)?;
        describe();
        Ok(Self(handle))
    }

    /// Everything counted so far, in Prometheus's text form.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Gathers what histograms have noted. To be called every few seconds, or they grow until somebody reads.
    pub fn gather(&self) {
        self.0.run_upkeep();
    }
}

fn describe() {
    describe_counter!(CALLS, Unit::Count, "Calls to a provider's services, by what they came to");
    describe_counter!(UNITS, Unit::Count, "Quota drawn: Gmail units, Calendar requests");
    describe_counter!(WAITS, Unit::Count, "Draws that had to wait for the minute's budget or for the provider");
    describe_gauge!(PROJECT_BREAKER, "1 for the state the breaker of all accounts is in, 0 for the others");
    describe_gauge!(ACCOUNT_BREAKERS, Unit::Count, "Accounts whose breaker is not closed");
    describe_counter!(SLICES, Unit::Count, "Slices of jobs, by what they ended in");
    describe_histogram!(SLICE_SECONDS, Unit::Seconds, "How long slices took");
    describe_counter!(ITEMS_STORED, Unit::Count, "Items stored in a version not seen before");
    describe_gauge!(OPERATIONS, Unit::Count, "Operations of the API under way");
    describe_counter!(REFUSALS, Unit::Count, "Operations of the API that were refused before they ran, by their code");
}

/// A call to a service came to this class: `ok`, or a refusal's.
pub fn called(service: &'static str, class: &'static str) {
    counter!(CALLS, "service" => service, "class" => class).increment(1);
}

/// So many units of a service's budget were drawn.
pub fn paid(service: &'static str, units: u32) {
    counter!(UNITS, "service" => service).increment(units.into());
}

/// A draw from a service's budget had to wait.
pub fn waited(service: &'static str) {
    counter!(WAITS, "service" => service).increment(1);
}

/// How a service's breakers stand: that of all accounts, in one of `states`, and how many accounts' are not closed.
pub fn breakers(service: &'static str, states: &[(&'static str, bool)], open_accounts: u64) {
    for (state, is_it) in states {
        gauge!(PROJECT_BREAKER, "service" => service, "state" => *state).set(if *is_it { 1 } else { 0 });
    }
    // Exact up to 2^53 accounts.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is an f64")]
    gauge!(ACCOUNT_BREAKERS, "service" => service).set(open_accounts as f64);
}

/// A slice of a job ended.
pub fn worked(kind: &'static str, verdict: &'static str, took: Duration) {
    counter!(SLICES, "kind" => kind, "verdict" => verdict).increment(1);
    histogram!(SLICE_SECONDS, "kind" => kind).record(took);
}

/// So many items of a service were stored.
pub fn stored(service: &'static str, n: u64) {
    counter!(ITEMS_STORED, "service" => service).increment(n);
}

/// An operation of this kind begins, or is over.
pub fn live(kind: &'static str, begins: bool) {
    let gauge = gauge!(OPERATIONS, "kind" => kind);
    if begins { gauge.increment(1.0) } else { gauge.decrement(1.0) }
}

/// An operation was refused before it ran.
pub fn refused(code: &'static str) {
    counter!(REFUSALS, "code" => code).increment(1);
}
