//! A program in Rust, whose types are generated from the schema and the operations by `graphql_client`.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use futures::{Stream, StreamExt, TryStreamExt};
use graphql_client::{GraphQLQuery, Response};
use graphql_ws_client::graphql::StreamingOperation;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use url::Url;

use super::person;
use crate::support::{Consent, TestApp};

// begin operations
type DateTime = chrono::DateTime<chrono::Utc>;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/clients/apps/operations/progress.graphql",
    response_derives = "Debug, Clone"
)]
struct Progress;
// end operations

/// The same for the other operations.
macro_rules! operations {
    ($($name:ident in $file:tt),*) => { $(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "schema.graphql",
            query_path = $file,
            variables_derives = "Default",
            response_derives = "Debug, Clone"
        )]
        struct $name;
    )* };
}

operations!(
    Accounts in "tests/clients/apps/operations/accounts.graphql",
    Approve in "tests/clients/apps/operations/approve.graphql",
    Changes in "tests/clients/apps/operations/changes.graphql",
    Connect in "tests/clients/apps/operations/connect.graphql",
    FinishConnect in "tests/clients/apps/operations/finish-connect.graphql",
    Preview in "tests/clients/apps/operations/preview.graphql",
    Timeline in "tests/clients/apps/operations/timeline.graphql",
    Undo in "tests/clients/apps/operations/undo.graphql"
);

// begin client
struct Client {
    url: Url,
    token: String,
    http: reqwest::Client,
}

impl Client {
    async fn ask<Q: GraphQLQuery>(&self, variables: Q::Variables) -> anyhow::Result<Q::ResponseData> {
        let request = self.http.post(self.url.clone()).bearer_auth(&self.token).json(&Q::build_query(variables));
        let answer: Response<Q::ResponseData> = request.send().await?.json().await?;
        data(answer)
    }

    async fn listen<Q>(
        &self,
        variables: Q::Variables,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<Q::ResponseData>>>
    where
        Q: GraphQLQuery + Send + Unpin + 'static,
        Q::Variables: Send + Unpin,
        Q::ResponseData: Send,
    {
        let mut request = self.url.as_str().replacen("http", "ws", 1).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        let answers = graphql_ws_client::Client::build(socket)
            .payload(json!({ "authorization": format!("Bearer {}", self.token) }))?
            .subscribe(StreamingOperation::<Q>::new(variables))
            .await?;
        Ok(answers.map(|answer| data(answer?)))
    }
}

fn data<T>(answer: Response<T>) -> anyhow::Result<T> {
    if let Some(error) = answer.errors.unwrap_or_default().first() {
        bail!("{error}");
    }
    answer.data.context("an answer without data")
}
// end client

/// The payload of a mutation that must not have been refused.
macro_rules! done {
    ($payload:expr) => {{
        let payload = $payload;
        ensure!(payload.user_errors.is_empty(), "refused: {:?}", payload.user_errors);
        payload
    }};
}

impl Client {
    async fn link(&self, app: &TestApp, email: &str) -> anyhow::Result<String> {
        let input = connect::ConnectInput { hand_over: true, ..connect::ConnectInput::default() };
        let begun = done!(self.ask::<Connect>(connect::Variables { input }).await?.connect);
        let url = begun.authorization_url.context("an address")?.parse()?;
        let browser = app.person("rust");
        let back = browser.consent(&url, email, Consent::All).await;
        let (_, location) = browser.come_back(back, None).await;
        let location = app.url.join(&location)?;
        let code = location.query_pairs().find(|(key, _)| key == "connectCode").context("a code")?.1.into_owned();
        let input = finish_connect::FinishConnectInput { connect_code: code };
        let finished = done!(self.ask::<FinishConnect>(finish_connect::Variables { input }).await?.finish_connect);
        finished.account_id.context("an account")
    }

    async fn preview(&self, account_id: &str) -> anyhow::Result<preview::PreviewPreviewPreview> {
        let input = preview::PreviewInput {
            account_id: account_id.to_owned(),
            gmail_query: Some("-in:chats".to_owned()),
            mail_days_back: Some(36_500),
            ..preview::PreviewInput::default()
        };
        done!(self.ask::<Preview>(preview::Variables { input }).await?.preview).preview.context("a preview")
    }

    async fn approve(&self, preview_id: &str) -> anyhow::Result<String> {
        let input = approve::ApproveInput {
            preview_id: preview_id.to_owned(),
            idempotency_key: preview_id.to_owned(),
            ..approve::ApproveInput::default()
        };
        let payload = done!(self.ask::<Approve>(approve::Variables { input }).await?.approve);
        Ok(payload.batch.context("a batch")?.id)
    }

    /// Watches a batch to its end; gives the last state.
    async fn watch(
        &self,
        batch_id: &str,
        after: Option<i64>,
    ) -> anyhow::Result<Option<progress::ProgressBatchProgress>> {
        let variables = progress::Variables { batch_id: batch_id.to_owned(), after };
        let states: Vec<_> = self.listen::<Progress>(variables).await?.try_collect().await?;
        let numbers: Vec<i64> = states.iter().map(|state| state.batch_progress.seq).collect();
        ensure!(numbers.is_sorted_by(|left, right| left < right), "out of order: {numbers:?}");
        Ok(states.into_iter().last().map(|state| state.batch_progress))
    }

    /// All pages of the timeline, and where its changes begin.
    async fn timeline(&self) -> anyhow::Result<(HashMap<String, timeline::InteractionKind>, String)> {
        let (mut rows, mut place, mut after) = (HashMap::new(), None, None);
        loop {
            let variables = timeline::Variables { first: Some(25), after, ..timeline::Variables::default() };
            let page = self.ask::<Timeline>(variables).await?.timeline;
            rows.extend(page.edges.into_iter().map(|edge| (edge.node.id, edge.node.kind)));
            place = place.or(page.changes_cursor);
            if !page.page_info.has_next_page {
                return Ok((rows, place.context("a place")?));
            }
            after = page.page_info.end_cursor;
        }
    }

    /// Follows the changes until the copy has so many rows; gives its place then.
    async fn follow(&self, copy: &mut HashMap<String, String>, after: String, n_rows: usize) -> anyhow::Result<String> {
        let variables = changes::Variables { after: Some(after), ..changes::Variables::default() };
        let mut changes = std::pin::pin!(self.listen::<Changes>(variables).await?);
        while let Some(change) = changes.try_next().await? {
            let change = change.timeline_changes;
            ensure!(!change.reset, "the place of the copy is not known");
            copy.extend(change.added.into_iter().map(|row| (row.id, row.subject)));
            copy.extend(change.changed.into_iter().map(|row| (row.id, row.subject)));
            copy.retain(|id, _| !change.removed.contains(id));
            if copy.len() == n_rows {
                return Ok(change.cursor);
            }
        }
        bail!("the changes ended, and the copy has {} rows", copy.len())
    }

    async fn tell(&self, app: &TestApp, email: &str, mails: usize) -> anyhow::Result<()> {
        let account = self.link(app, email).await?;
        let viewer = self.ask::<Accounts>(accounts::Variables {}).await?.viewer;
        ensure!(viewer.accounts.len() == 1 && viewer.accounts[0].id == account, "{viewer:?}");
        let (_, nothing) = self.timeline().await?;

        let preview = self.preview(&account).await?;
        ensure!(preview.mail.at_least == i64::try_from(mails)?, "{preview:?}");
        let batch = self.approve(&preview.id).await?;
        ensure!(self.approve(&preview.id).await? == batch, "the same key approved twice");
        let last = self.watch(&batch, None).await?.context("a state")?;
        ensure!(matches!(last.batch.state, progress::BatchState::SUCCEEDED), "{last:?}");
        ensure!(self.watch(&batch, Some(last.seq)).await?.is_none(), "the last state was told twice");

        let (rows, _) = self.timeline().await?;
        let n_mails = rows.values().filter(|kind| matches!(kind, timeline::InteractionKind::EMAIL)).count();
        ensure!(n_mails == mails, "{n_mails} mails of {mails}");
        let mut copy = HashMap::new();
        let place = self.follow(&mut copy, nothing, rows.len()).await?;
        ensure!(copy.keys().all(|id| rows.contains_key(id)), "the copy holds something else");

        let undo = |dry_run| undo::Variables { input: undo::UndoInput { batch_id: batch.clone(), dry_run } };
        let forecast = done!(self.ask::<Undo>(undo(true)).await?.undo);
        ensure!(forecast.counts.iter().any(|count| count.removed == preview.mail.at_least), "{forecast:?}");
        done!(self.ask::<Undo>(undo(false)).await?.undo);
        let undone = self.watch(&batch, Some(last.seq)).await?.context("a state")?;
        ensure!(matches!(undone.batch.state, progress::BatchState::UNDONE), "{undone:?}");
        self.follow(&mut copy, place, 0).await?;
        ensure!(self.timeline().await?.0.is_empty(), "something is left");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_generated_types_tells_the_whole_story() {
    let app = TestApp::start().await;
    let (email, mails) = person(&app, "rust");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = app.url.join("graphql").expect("an address");
    let client = Client { url, token: app.person("rust").token, http };
    client.tell(&app, &email, mails).await.expect("the whole story");
}
