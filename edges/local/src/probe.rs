//! Asks servers what they are and what they have. Every question has a short patience; where nobody listens, the refusal of
//! the connection is the answer.
use crate::{
    Found, Kind,
    kinds::{self, Listed},
};
use futures::future::{join, join_all, join4};
use http::{Client, Options, Url};
use serde_json::{Value, json};
use std::time::Duration;

/// A server on this machine or beside it accepts in this time, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// What it tells of itself it knows by heart. One that is loading a model may be slow, and is asked another time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Longer than any list of models.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A client with little patience.
pub fn client() -> Client {
    let usual = Options::default();
    Client::new(Options {
        connect_timeout: CONNECT_TIMEOUT,
        head_timeout: ANSWER_TIMEOUT,
        total_timeout: ANSWER_TIMEOUT,
        addresses: usual.addresses,
    })
}

/// Finds the first of these addresses at which a server answers and has a model, and the model to ask there: one that is in
/// memory before others. All are looked at together.
pub async fn first(client: &Client, servers: &[Url]) -> Option<Found> {
    let looked = join_all(servers.iter().map(|server| look(client, server))).await;
    let (kind, root, listed) = looked.into_iter().flatten().find(|(_, _, listed)| !listed.is_empty())?;
    let chosen = listed.iter().find(|model| model.is_loaded).or(listed.first())?.clone();
    Some(finished(client, kind, root, chosen).await)
}

/// Looks at a server that is configured, and what it tells of a model; `None` when it tells nothing.
pub async fn about(client: &Client, server: &Url, model: &str) -> Option<Found> {
    let (kind, root, listed) = look(client, server).await?;
    let is_it = |listed: &&Listed| {
        // Ollama takes a name without a tag for its latest.
        listed.model == model || kind == Kind::Ollama && listed.model == format!("{model}:latest")
    };
    let alone = match kind {
        // It has one model, and answers to any name.
        Kind::LlamaCpp => listed.first(),
        Kind::Ollama | Kind::LmStudio | Kind::Other => None,
    };
    let known = listed.iter().find(is_it).or(alone).cloned();
    let listed = Listed { model: model.to_owned(), ..known.unwrap_or_default() };
    Some(finished(client, kind, root, listed).await)
}

async fn finished(client: &Client, kind: Kind, root: Url, listed: Listed) -> Found {
    let Listed { model, mut context, mut calls_tools, is_loaded: _ } = listed;
    if kind == Kind::Ollama {
        let shown = post(client, &root, "api/show", &json!({"model": model})).await.unwrap_or_default();
        let (asked, tools) = kinds::ollama_show(&shown);
        (context, calls_tools) = (context.or(asked), tools);
    }
    Found { kind, root, model, context, calls_tools }
}

/// What answers at an address, and the models that it lists.
async fn look(client: &Client, server: &Url) -> Option<(Kind, Url, Vec<Listed>)> {
    let root = server.root();
    let (version, props, studio, models) = join4(
        get(client, &root, "api/version"),
        get(client, &root, "props"),
        get(client, &root, "api/v0/models"),
        get(client, &root, "v1/models"),
    )
    .await;
    let listed = models.as_ref().map(kinds::open_ai).unwrap_or_default();
    if version.is_some_and(|version| version["version"].is_string()) {
        let (tags, running) = (get(client, &root, "api/tags"), get(client, &root, "api/ps"));
        let (tags, running) = join(tags, running).await;
        let listed = kinds::ollama(&tags.unwrap_or_default(), &running.unwrap_or_default());
        return Some((Kind::Ollama, root, listed));
    }
    if let Some(own) = props.as_ref().and_then(kinds::llama_cpp) {
        let model = listed.into_iter().next().map_or_else(|| "default".to_owned(), |listed| listed.model);
        return Some((Kind::LlamaCpp, root, vec![Listed { model, ..own }]));
    }
    if let Some(listed) = studio.as_ref().and_then(kinds::lm_studio) {
        return Some((Kind::LmStudio, root, listed));
    }
    models.map(|_| (Kind::Other, root, listed))
}

async fn get(client: &Client, root: &Url, path: &str) -> Option<Value> {
    let url = root.join(path).ok()?;
    let response = client.get(&url, &[]).await.ok().filter(http::Response::is_success)?;
    serde_json::from_str(&response.text(ANSWER_BYTES_MAX).await.ok()?).ok()
}

async fn post(client: &Client, root: &Url, path: &str, body: &Value) -> Option<Value> {
    let url = root.join(path).ok()?;
    let asked = client.post_json(&url, &[], body.to_string().into_bytes()).await;
    let response = asked.ok().filter(http::Response::is_success)?;
    serde_json::from_str(&response.text(ANSWER_BYTES_MAX).await.ok()?).ok()
}

#[cfg(test)]
mod tests;
