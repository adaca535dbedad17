//! `omnisync doctor`: checks every setting and every dependency, and says in words what is wrong.

use std::{path::Path, time::Duration};

use secrecy::SecretString;

use crate::{
    broker::Broker,
    config::{Config, Problem},
    db::{self, Db, Timeouts},
    http::documents,
};

/// What one check came to.
#[derive(Debug)]
pub struct Finding {
    /// What was checked.
    pub what: String,
    /// `Err` says what is wrong and what to do.
    pub result: Result<String, String>,
}

fn finding(what: impl Into<String>, result: Result<String, String>) -> Finding {
    Finding { what: what.into(), result }
}

/// Checks what can be checked. With problems in the configuration, they are all there is.
pub async fn examine(config: Result<&Config, &[Problem]>) -> Vec<Finding> {
    match config {
        Err(problems) => {
            problems.iter().map(|problem| finding(problem.variable, Err(problem.problem.clone()))).collect()
        }
        Ok(config) => {
            let mut findings = vec![finding("configuration", Ok("every variable can be read".to_owned()))];
            findings.extend(databases(config).await);
            findings.push(redis(config).await);
            findings.push(google(config).await);
            findings.extend(config.graphql.trusted_documents.as_deref().map(trusted_documents));
            findings
        }
    }
}

async fn databases(config: &Config) -> Vec<Finding> {
    let logins = [
        ("API_DATABASE_URL", "omnisync serve", &config.database.api_url),
        ("WORKER_DATABASE_URL", "omnisync work", &config.database.worker_url),
        ("SCHEDULER_DATABASE_URL", "omnisync work", &config.database.scheduler_url),
    ];
    let mut findings = Vec::new();
    for (variable, user, url) in logins {
        let result = match url {
            None => Err(format!("is not set; `{user}` needs it")),
            Some(url) => database(url).await,
        };
        findings.push(finding(variable, result));
    }
    findings
}

async fn database(url: &SecretString) -> Result<String, String> {
    let away = |_| "no connection; check the address, the password, and whether PostgreSQL runs".to_owned();
    let db = Db::new(url, 1, Timeouts::of_statement(Duration::from_secs(5))).map_err(|error| error.to_string())?;
    db.ping().await.map_err(away)?;
    match db::pending_migrations(&db).await {
        Ok(0) => {}
        Ok(n) => return Err(format!("{n} migrations are missing; run `omnisync migrate`")),
        Err(_) => return Err("the tables are missing; run `omnisync migrate`".to_owned()),
    }
    match db::role_faults(&db).await {
        Ok(faults) if faults.is_empty() => Ok("connected, migrated, and no more rights than it should have".to_owned()),
        Ok(faults) => {
            Err(format!("logs in as a role that {}; use the role that `omnisync migrate` made", faults.join(" and ")))
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn redis(config: &Config) -> Finding {
    let result = match Broker::connect(&config.redis) {
        Err(error) => Err(error.to_string()),
        Ok(broker) => match broker.ping().await {
            Ok(()) => Ok("connected".to_owned()),
            Err(_) => Err("no connection; check the address, the password, and whether Redis runs".to_owned()),
        },
    };
    finding("REDIS_URL", result)
}

fn trusted_documents(path: &Path) -> Finding {
    let read = documents::n_trusted(path);
    let result = read.map(|n| format!("{n} ids, and no other document runs")).map_err(|error| format!("{error:#}"));
    finding("GRAPHQL_TRUSTED_DOCUMENTS", result)
}

async fn google(config: &Config) -> Finding {
    let result = match crate::providers::google::reach(&config.google).await {
        Ok(()) => {
            Ok(format!("reachable; the redirect address to register is {}", crate::sync::connect::redirect_uri(config)))
        }
        Err(error) => Err(format!("Google's keys cannot be read from GOOGLE_JWKS_URL: {error}")),
    };
    finding("Google", result)
}
