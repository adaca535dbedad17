//! Everything on one machine: private PostgreSQL and Redis, the sandbox Google, the API, a worker and demo data.

pub mod services;
