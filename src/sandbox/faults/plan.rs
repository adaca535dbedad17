//! Which requests fail, how, and how often.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::{lock::Exclusive, rng::digest64};

/// Which requests fail.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultMatch {
    /// `GET`, `POST`, ...; any when absent.
    pub method: Option<String>,
    /// How the path begins, as `/gmail/v1/users/me/history`, or its route, as `/gmail/v1/users/{user}/messages/{id}`; any
    /// when empty.
    pub path_prefix: String,
}

/// A refusal, in short. [`FaultPlan`] has everything else.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status to answer with; an impossible one becomes 500.
    pub status: u16,
    /// The reason word, as `rateLimitExceeded`. For `/token` it is the OAuth error code.
    pub reason: String,
    /// The message beside it.
    pub message: String,
    /// How many requests fail.
    pub times: u32,
}

/// What happens to a request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The true answer: for plans of latency alone.
    #[default]
    Late,
    /// Google's error envelope, and nothing is done.
    Refuse {
        /// The status to answer with; an impossible one becomes 500.
        status: u16,
        /// The reason word; for `/token` the OAuth error code.
        reason: String,
        /// The message beside it.
        #[serde(default)]
        message: String,
        /// A `Retry-After` header as it stands: seconds, or a date of HTTP.
        #[serde(default, rename = "retryAfter")]
        retry_after: Option<String>,
    },
    /// The connection is reset before any answer, and nothing is done.
    Reset,
    /// The request is done, and half of its answer comes before the connection breaks.
    CutBody,
    /// The request is done, and half of its answer comes as if it were the whole.
    InvalidJson,
    /// The true answer, so many bytes at a time.
    Drip {
        /// How many at a time; at least one.
        bytes: usize,
        /// How long between them.
        #[serde(rename = "everyMs")]
        every_ms: u64,
    },
    /// The true answer with fields in every object that no document knows.
    UnknownFields,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// The next so many requests that match.
    Next(u32),
    /// This share of all requests that match, until the plan is cleared.
    Share {
        /// From 0 to 1.
        probability: f64,
        /// Which they are follows from the seed, the path and how often that path was asked: the same run meets the same
        /// faults, whatever the order in which its requests come.
        seed: u64,
    },
}

impl Default for When {
    fn default() -> Self {
        Self::Next(1)
    }
}

/// One planned trouble.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultPlan {
    /// Which requests.
    pub which: FaultMatch,
    /// What happens to them.
    pub effect: Effect,
    /// How long they wait before anything happens.
    pub latency_ms: u64,
    /// How often.
    pub when: When,
}

impl From<Fault> for Effect {
    fn from(fault: Fault) -> Self {
        let Fault { status, reason, message, .. } = fault;
        Self::Refuse { status, reason, message, retry_after: None }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Exclusive<Planned>);

#[derive(Debug, Default)]
struct Planned {
    plans: Vec<FaultPlan>,
    /// How often each method and path was asked while there were plans.
    asked: HashMap<String, u64>,
}

impl Faults {
    pub(crate) fn add(&self, plan: FaultPlan) {
        if plan.when != When::Next(0) {
            self.0.lock().plans.push(plan);
        }
    }

    pub(crate) fn clear(&self) {
        *self.0.lock() = Planned::default();
    }

    /// The first plan that the request meets; one that counts is one shorter then.
    pub(crate) fn take(&self, method: &str, path: &str, template: &str) -> Option<FaultPlan> {
        let mut planned = self.0.lock();
        if planned.plans.is_empty() {
            return None;
        }
        let request = format!("{method} {path}");
        let n_asked = planned.asked.entry(request.clone()).and_modify(|n| *n += 1).or_insert(1).to_owned();
        let index = planned
            .plans
            .iter()
            .position(|plan| plan.which.holds(method, path, template) && plan.when.holds(&request, n_asked))?;
        let plan = planned.plans[index].clone();
        if let When::Next(times) = &mut planned.plans[index].when {
            *times -= 1;
            if *times == 0 {
                planned.plans.remove(index);
            }
        }
        Some(plan)
    }
}

impl FaultMatch {
    fn holds(&self, method: &str, path: &str, template: &str) -> bool {
        self.method.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(method))
            && [path, template].iter().any(|path| path.starts_with(&self.path_prefix))
    }
}

impl When {
    fn holds(self, request: &str, n_asked: u64) -> bool {
        match self {
            Self::Next(_) => true,
            Self::Share { probability, seed } => {
                let dice = digest64(&[b"fault", &seed.to_be_bytes(), request.as_bytes(), &n_asked.to_be_bytes()]);
                (dice as f64) < probability * (u64::MAX as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &str, when: When) -> FaultPlan {
        let which = FaultMatch { path_prefix: path.to_owned(), ..FaultMatch::default() };
        FaultPlan { which, when, ..FaultPlan::default() }
    }

    #[test]
    fn a_count_is_used_up_and_a_route_is_as_good_as_a_path() {
        let faults = Faults::default();
        faults.add(plan("/a/{id}", When::Next(2)));
        faults.add(plan("/a/", When::Next(0)));
        let meets = |path: &str| faults.take("GET", path, "/a/{id}").is_some();
        assert_eq!([meets("/a/1"), meets("/a/2"), meets("/a/3")], [true, true, false]);
    }

    #[test]
    fn a_share_is_the_same_in_any_order_and_about_as_large_as_asked() {
        let run = |paths: &[String]| {
            let faults = Faults::default();
            faults.add(plan("", When::Share { probability: 0.2, seed: 7 }));
            let mut met: Vec<String> =
                paths.iter().filter(|path| faults.take("GET", path, path).is_some()).cloned().collect();
            met.sort_unstable();
            met
        };
        let mut paths: Vec<String> = (0..1_000).map(|n| format!("/{n}")).collect();
        let met = run(&paths);
        assert!((150..250).contains(&met.len()), "{}", met.len());
        paths.reverse();
        assert_eq!(run(&paths), met);
    }
}
