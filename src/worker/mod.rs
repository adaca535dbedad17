//! The second door: workers that answer rings and turn each into one slice of a job.

mod monitor;

pub use monitor::run_queue;
