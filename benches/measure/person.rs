//! A person with a browser and an application: everything through HTTP.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Response, header, redirect};
use serde_json::{Value, json};
use url::Url;

/// Someone signed in to the API.
pub(crate) struct Person {
    pub(crate) api: Url,
    pub(crate) bearer: String,
    pub(crate) http: Client,
}

impl Person {
    pub(crate) fn new(api: Url, bearer: String) -> anyhow::Result<Self> {
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { api, bearer, http })
    }

    async fn send(&self, document: &str, variables: Value) -> anyhow::Result<Response> {
        let request = self.http.post(self.api.join("graphql")?).bearer_auth(&self.bearer);
        Ok(request.json(&json!({ "query": document, "variables": variables })).send().await?)
    }

    /// The data of an operation.
    ///
    /// # Errors
    /// When it has errors, or a payload has user errors.
    pub(crate) async fn ask(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let answer: Value = self.send(document, variables).await?.json().await?;
        data(answer)
    }

    /// Links the account, ticking everything on the consent page.
    pub(crate) async fn connect(&self) -> anyhow::Result<String> {
        let begun =
            self.send("mutation { connect(input: {}) { authorizationUrl userErrors { code } } }", json!({})).await?;
        let cookie = begun.headers().get(header::SET_COOKIE).context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let data = data(begun.json().await?)?;
        let address = Url::parse(text(&data["connect"]["authorizationUrl"])?)?;
        let back = consent(&self.http, address).await?;
        self.http.get(back).header(header::COOKIE, cookie).send().await?;
        let viewer = self.ask("{ viewer { accounts { id } } }", json!({})).await?;
        Ok(text(&viewer["viewer"]["accounts"][0]["id"])?.to_owned())
    }

    /// Links the account and previews all mail of ten years; gives these fields of the preview.
    pub(crate) async fn preview(&self, fields: &str) -> anyhow::Result<Value> {
        let account = self.connect().await?;
        let input =
            json!({ "accountId": account, "services": ["GMAIL"], "gmailQuery": "-in:chats", "mailDaysBack": 3_650 });
        let document = format!(
            "mutation($i: PreviewInput!) {{ preview(input: $i) {{ preview {{ {fields} }} userErrors {{ code message }} }} }}"
        );
        let made = self.ask(&document, json!({ "i": input })).await?;
        Ok(made["preview"]["preview"].clone())
    }

    /// Approves a preview; gives the batch's id.
    pub(crate) async fn approve(&self, preview: &str) -> anyhow::Result<String> {
        let document =
            "mutation($i: ApproveInput!) { approve(input: $i) { batch { id } userErrors { code message } } }";
        let input = json!({ "previewId": preview, "idempotencyKey": "bench" });
        let approved = self.ask(document, json!({ "i": input })).await?;
        Ok(text(&approved["approve"]["batch"]["id"])?.to_owned())
    }

    /// Links the account and brings all of it in; gives the batch's id.
    pub(crate) async fn import(&self) -> anyhow::Result<String> {
        let preview = self.preview("id").await?;
        let batch = self.approve(text(&preview["id"])?).await?;
        loop {
            let node = self.ask("query($id: ID!) { node(id: $id) { ... on Batch { state } } }", json!({ "id": batch }));
            match node.await?["node"]["state"].as_str() {
                Some("SUCCEEDED") => return Ok(batch),
                Some("QUEUED" | "RUNNING") => tokio::time::sleep(Duration::from_millis(50)).await,
                other => bail!("the batch is {other:?}"),
            }
        }
    }

    /// Every node of the timeline, counted page by page.
    pub(crate) async fn count_timeline(&self) -> anyhow::Result<usize> {
        const PAGE: &str = "query($after: String) { timeline(first: 100, after: $after) {
            edges { node { id } } pageInfo { hasNextPage endCursor } } }";
        let (mut n, mut after) = (0, Value::Null);
        loop {
            let page = self.ask(PAGE, json!({ "after": after })).await?;
            let page = &page["timeline"];
            n += page["edges"].as_array().map_or(0, Vec::len);
            if page["pageInfo"]["hasNextPage"] != true {
                return Ok(n);
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// Ticks everything on the consent page at this address; gives where the browser is sent back to.
pub(crate) async fn consent(http: &Client, address: Url) -> anyhow::Result<String> {
    let page = http.get(address.clone()).send().await?.text().await?;
    let mut form: Vec<(&str, String)> = vec![("decision", "continue".to_owned())];
    form.extend(values(&page, "name=\"request\" value=\"").map(|value| ("request", value)));
    form.extend(values(&page, "name=\"scope\" value=\"").map(|value| ("scope", value)));
    let action = values(&page, "action=\"").next().context("the consent page has no form")?;
    let answer = http.post(address.join(&action)?).form(&form).send().await?;
    Ok(answer.headers().get(header::LOCATION).context("consent leads nowhere")?.to_str()?.to_owned())
}

fn data(mut answer: Value) -> anyhow::Result<Value> {
    let data = answer["data"].take();
    let refused = data
        .as_object()
        .into_iter()
        .flatten()
        .any(|(_, field)| field["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()));
    if refused || !answer["errors"].is_null() {
        bail!("refused: {data} {}", answer["errors"]);
    }
    Ok(data)
}

/// A field that must hold text.
pub(crate) fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("text expected, found {value}"))
}

/// What follows each `start` up to the next quote. The page escapes `&` only, as far as these values go.
fn values<'a>(page: &'a str, start: &'a str) -> impl Iterator<Item = String> + 'a {
    page.split(start).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.replace("&amp;", "&")))
}
