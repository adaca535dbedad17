//! The second door: workers that answer rings and turn each into one slice of a job.

mod handlers;
mod monitor;

pub use handlers::run;
use monitor::run_queues;
