//! What `omnisync dev` prints when everything runs.

use crate::{clock::Clock, config::Config, dev::settings::Settings, sandbox::Sandbox};

/// Prints the addresses, a ready-made sign-in, and what to try.
pub(super) fn print(
    config: &Config,
    settings: &Settings,
    public_url: &str,
    sandbox: &Sandbox,
    clock: &Clock,
) -> anyhow::Result<()> {
    let token = settings.sign_in("demo", clock.now())?;
    let google = sandbox.url();
    let accounts: Vec<String> = sandbox
        .control()
        .accounts()
        .iter()
        .map(|account| format!("{} ({} messages)", account.email, account.n_messages))
        .collect();
    println!(
        "
omnisync runs on this machine. Ctrl-C stops everything.

  Console, signed in    {public_url}#token={token}
  GraphiQL, signed in   {public_url}graphiql#token={token}
  GraphQL API           {public_url}graphql   (WebSocket: the same address)
  sandbox Google        {google}_sandbox/     {accounts}

A sign-in for other clients, good for 30 days:

  export TOKEN={token}
  curl -s {public_url}graphql -H \"Authorization: Bearer $TOKEN\" --json '{{\"query\": \"{{ viewer {{ id }} }}\"}}'

What to try: open the console, link the demo account, look at what would come in, approve it, watch it arrive, and take it
back. GraphiQL's tabs do the same from left to right by the API. Then deliver a mail and sync again:

  printf 'From: Grace <grace@example.org>\\nTo: ada@brightwater.example\\nSubject: Lunch?\\nMessage-ID: <1@example.org>\\n\\nAt noon?\\n' |
    curl -s --data-binary @- {google}_sandbox/accounts/ada@brightwater.example/messages
",
        accounts = accounts.join(", "),
    );
    if !config.http.graphiql {
        println!("GraphiQL is off (GRAPHIQL=false).");
    }
    Ok(())
}
