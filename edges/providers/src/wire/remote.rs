//! A model behind one of the APIs: sends a question, reads the answer in a task of its own, and hands on the fragments. It
//! sends a question twice only where the first was turned down unread: with a newer key, or with the whole conversation
//! where the server had forgotten its part of it.
use super::{
    Context, Credentials, Out, Wire,
    body::Body,
    fault::{self, Refusal},
    wishes::Wishes,
};
use crate::{api::Api, sizes::Sizes};
use bytes::Bytes;
use domain::{Fragment, Model, ModelFault, ModelLimits, Question, Thinking};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::{BadHeader, BadUrl, Client, Header, Response, Secret, Url};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// So many fragments may be read ahead of who hears them; then the server has to wait.
const FRAGMENTS_AHEAD_MAX: usize = 64;

/// How long the end of a body is waited for once the answer is whole: then its connection can be used again.
const LINGER: Duration = Duration::from_millis(100);

/// The header with the key of a question: the same for each attempt, so that a server need not answer twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header with the number of the attempt, from 1.
const ATTEMPT: &str = "x-attempt";

/// The status of a server that does not accept the key.
const UNAUTHORIZED: u16 = 401;

/// The headers that show a key to one API or another.
const KEY_HEADERS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];

/// Where a model is, how it is spoken to and what it can take.
#[derive(Clone)]
pub struct Server {
    /// What it speaks.
    pub api: Api,
    /// Where it is. The API's version and path are added, the path alone when the address names a version already.
    pub base_url: Url,
    /// What opens it.
    pub credentials: Arc<dyn Credentials>,
    /// The model's id there.
    pub model: String,
    /// What it can take.
    pub limits: ModelLimits,
    /// How much it takes; `None` where nobody knows, since it is not the API's owner who answers.
    pub sizes: Option<Sizes>,
    /// What goes with every request. A header that shows a key takes the place of the key.
    pub headers: Vec<Header>,
    /// How it shall think; `None` says nothing about it.
    pub thinking: Option<Thinking>,
    /// Whether answers come as they are written, or whole: some models do only the latter.
    pub streams: bool,
}

/// A server cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// The address and the path of the API make no address.
    #[error("the base URL cannot be used")]
    Url(#[from] BadUrl),
    /// A word says how much is thought, and a number was given.
    #[error(
        "it takes no number of tokens to think: leave `selection.thinking_tokens` out, and say in `selection.thinking` off, free, low, medium or high"
    )]
    ThinkingTokens,
    /// It always thinks, and was told not to.
    #[error(
        "it always thinks before it answers: say in `selection.thinking` low instead of off, or choose another model"
    )]
    ThinkingOff,
}

/// A model behind an API.
pub struct Remote(Arc<Account>);

/// All that asking needs; shared with the readers of answers.
struct Account {
    client: Client,
    wire: Box<dyn Wire>,
    thinking: Option<Thinking>,
    credentials: Arc<dyn Credentials>,
    model: String,
    limits: ModelLimits,
    sizes: Option<Sizes>,
    headers: Vec<Header>,
}

impl Remote {
    /// Makes the model; asks nothing yet. Models that share a client share its connections.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(client: Client, server: Server) -> Result<Remote, BadConfig> {
        let wire = server.api.wire(&server)?;
        let Server { credentials, model, limits, sizes, headers, thinking, .. } = server;
        Ok(Remote(Arc::new(Account { client, wire, thinking, credentials, model, limits, sizes, headers })))
    }
}

impl Model for Remote {
    fn id(&self) -> &str {
        &self.0.model
    }
    fn limits(&self) -> ModelLimits {
        self.0.limits
    }
    fn ask(&self, mut question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let (sender, receiver) = mpsc::channel(FRAGMENTS_AHEAD_MAX);
        let account = self.0.clone();
        question.answer_tokens_max = question.answer_tokens_max.min(account.limits.answer_tokens_max);
        // It goes with the stream: dropping the set ends the reader, and that ends the request.
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut secrets = account.headers.iter().filter_map(Header::secret).collect();
            if let Err(fault) = account.read(&question, &mut secrets, &sender).await {
                // Nobody listens any more: then nobody needs to know.
                let _ = sender.send(Err(fault::presentable(fault, &secrets))).await;
            }
        });
        let next = |(mut receiver, reader): (mpsc::Receiver<_>, JoinSet<()>)| async move {
            let fragment = receiver.recv().await?;
            Some((fragment, (receiver, reader)))
        };
        stream::unfold((receiver, reader), next).boxed()
    }
}

impl Account {
    /// Asks and reads the answer to its end. `secrets` come to hold all that must not stand in a fault.
    async fn read(&self, question: &Question, secrets: &mut Vec<Secret>, to: &To) -> Result<(), ModelFault> {
        let wishes = Wishes::new(self.thinking, &question.form);
        let mut written = self.wire.written(question, Context::New)?;
        let mut response =
            self.answer(question, &written.url, std::mem::take(&mut written.body), secrets).await?;
        if !response.is_success() {
            let refusal = Refusal::read(response).await;
            if !(written.leans && refusal.is_about_the_past()) {
                return Err(refusal.fault(wishes));
            }
            written = self.wire.written(question, Context::Whole)?;
            response =
                self.answer(question, &written.url, std::mem::take(&mut written.body), secrets).await?;
        }
        if !response.is_success() {
            return Err(Refusal::read(response).await.fault(wishes));
        }
        hear(response, Body::read_by(written.parser), to).await
    }

    /// Sends a question. A key that is turned down is replaced once, if there is a newer one.
    async fn answer(
        &self,
        question: &Question,
        url: &Url,
        body: Value,
        secrets: &mut Vec<Secret>,
    ) -> Result<Response, ModelFault> {
        let body = written_out(body);
        self.sizes.map_or(Ok(()), |sizes| sizes.check(&body))?;
        let key = self.key(None, secrets).await?;
        let headers = self.headers(question, key.as_ref())?;
        let response = self.client.post_json(url, &headers, body.clone()).await;
        let response = response.map_err(|fault| fault::transport(&fault))?;
        if response.status != UNAUTHORIZED {
            return Ok(response);
        }
        let Some(key) = key else { return Ok(response) };
        // Without a newer one, what the server said stands.
        let Ok(Some(newer)) = self.key(Some(&key), secrets).await else { return Ok(response) };
        if newer == key {
            return Ok(response);
        }
        let headers = self.headers(question, Some(&newer))?;
        let response = self.client.post_json(url, &headers, body).await;
        response.map_err(|fault| fault::transport(&fault))
    }

    async fn key(
        &self,
        turned_down: Option<&Secret>,
        secrets: &mut Vec<Secret>,
    ) -> Result<Option<Secret>, ModelFault> {
        let key = self.credentials.key(turned_down).await;
        let key = key.map_err(|none| ModelFault::Closed(none.to_string()))?;
        secrets.extend(key.clone());
        Ok(key)
    }

    fn headers(&self, question: &Question, key: Option<&Secret>) -> Result<Vec<Header>, ModelFault> {
        let unsendable = |bad: BadHeader| ModelFault::Closed(bad.to_string());
        let mut headers = vec![
            Header::new(IDEMPOTENCY_KEY, &question.key).map_err(unsendable)?,
            Header::new(ATTEMPT, &question.attempt.to_string()).map_err(unsendable)?,
        ];
        headers.extend(self.wire.headers());
        let shows_key = |header: &Header| KEY_HEADERS.contains(&header.name());
        let key = key.filter(|_| !self.headers.iter().any(shows_key));
        headers.extend(key.map(|key| self.wire.header(key)).transpose().map_err(unsendable)?);
        headers.extend(self.headers.iter().cloned());
        Ok(headers)
    }
}

/// The body as it is sent, and no longer twice: with files in it, it may have tens of megabytes.
fn written_out(body: Value) -> Bytes {
    body.to_string().into()
}

type To = mpsc::Sender<Result<Fragment, ModelFault>>;

/// Reads an answer to its end.
async fn hear(response: Response, mut answer: Body, to: &To) -> Result<(), ModelFault> {
    let mut body = response.body;
    while !answer.is_done() {
        let Some(piece) = body.next().await else { break };
        let mut read = Out::new();
        let pushed = answer.push(&piece.map_err(|fault| fault::transport(&fault))?, &mut read);
        tell(to, read).await;
        pushed?;
    }
    let mut read = Out::new();
    let ended = answer.finish(&mut read);
    tell(to, read).await;
    ended?;
    // Whatever comes behind the end is of no interest, and neither is that nothing comes.
    let _ = timeout(LINGER, async { while let Some(Ok(_)) = body.next().await {} }).await;
    Ok(())
}

/// Waits while the listener is busy. One that has gone is noticed by the end of this task.
async fn tell(to: &To, fragments: Out) {
    for fragment in fragments {
        let _ = to.send(Ok(fragment)).await;
    }
}
