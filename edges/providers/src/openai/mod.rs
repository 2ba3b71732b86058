//! Models behind OpenAI's chat completions and everything that speaks them: other vendors, gateways, local servers. It
//! repeats no request and counts no token: the turn does the one, [`Fitted`](crate::Fitted) the other.
//!
//! `request` writes what is asked, `reader` and `chunks` read what comes back, `calls` sorts the parts of calls, `fault`
//! says what went wrong and what that means.
mod calls;
mod chunks;
mod fault;
mod reader;
mod request;
#[cfg(test)]
mod tests;

use domain::{Fragment, Model, ModelFault, ModelLimits, Question};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::{BadHeader, BadUrl, Client, Header, Secret, Url};
use reader::Reader;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// So many fragments may be read ahead of who hears them; then the server has to wait.
const FRAGMENTS_AHEAD_MAX: usize = 64;

/// How long the end of a body is waited for once the answer is whole: then its connection can be used again.
const LINGER: Duration = Duration::from_millis(100);

/// The header with the key of a question: the same for each attempt, so that a server need not answer twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header with the number of the attempt, from 1.
const ATTEMPT: &str = "x-attempt";

/// The host that knows the answer's limit by its new name only.
const OPENAI_HOST: &str = "api.openai.com";

/// Where a model is and what it can take.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// The server. `/v1/chat/completions` is added, or `/chat/completions` when the path names a version already.
    pub base_url: Url,
    /// The key; local servers need none.
    pub key: Option<Secret>,
    /// The model's id there.
    pub model: String,
    /// What it can take.
    pub limits: ModelLimits,
    /// What goes with every request. A header `authorization` takes the place of the key.
    pub headers: Vec<Header>,
}

/// A configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// The address and the path of the API make no address.
    #[error("the base URL cannot be used")]
    Url(#[from] BadUrl),
    /// The key cannot be sent.
    #[error("the key cannot be sent")]
    Key(#[from] BadHeader),
}

/// A model behind chat completions.
pub struct OpenAi(Arc<Account>);

/// All that asking needs; shared with the readers of answers.
struct Account {
    client: Client,
    url: Url,
    model: String,
    limits: ModelLimits,
    limit_name: &'static str,
    headers: Vec<Header>,
    /// What must not stand in an error.
    secrets: Vec<Secret>,
}

impl OpenAi {
    /// Makes the model; asks nothing yet.
    ///
    /// # Errors
    /// When address or key cannot be used.
    pub fn new(client: Client, config: OpenAiConfig) -> Result<OpenAi, BadConfig> {
        let OpenAiConfig { base_url, key, model, limits, headers: extra } = config;
        let mut headers: Vec<_> = key.iter().map(Header::bearer).collect::<Result<_, _>>()?;
        let secrets = key.into_iter().chain(extra.iter().filter_map(Header::secret)).collect();
        headers.extend(extra);
        let limit_name = if base_url.host() == OPENAI_HOST { "max_completion_tokens" } else { "max_tokens" };
        let url = endpoint(&base_url)?;
        Ok(OpenAi(Arc::new(Account { client, url, model, limits, limit_name, headers, secrets })))
    }
}

impl Model for OpenAi {
    fn id(&self) -> &str {
        &self.0.model
    }
    fn limits(&self) -> ModelLimits {
        self.0.limits
    }
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let (sender, receiver) = mpsc::channel(FRAGMENTS_AHEAD_MAX);
        let account = self.0.clone();
        // It goes with the stream: dropping the set ends the reader, and that ends the request.
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            if let Err(fault) = account.read(&question, &sender).await {
                // Nobody listens any more: then nobody needs to know.
                let _ = sender.send(Err(fault::presentable(fault, &account.secrets))).await;
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
    /// Asks and reads the answer to its end.
    async fn read(&self, question: &Question, out: &Out) -> Result<(), ModelFault> {
        let body = request::body(question, &self.model, self.limit_name)?;
        let headers = self.headers(question)?;
        let response = self
            .client
            .post_json(&self.url, &headers, body)
            .await
            .map_err(|fault| fault::transport(&fault))?;
        if !response.is_success() {
            return Err(fault::response(response).await);
        }
        let mut body = response.body;
        let mut reader = Reader::default();
        while !reader.is_done() {
            let Some(piece) = body.next().await else { break };
            let mut read = VecDeque::new();
            let pushed = reader.push(&piece.map_err(|fault| fault::transport(&fault))?, &mut read);
            tell(out, read).await;
            pushed?;
        }
        let mut read = VecDeque::new();
        let ended = reader.finish(&mut read);
        tell(out, read).await;
        ended?;
        // Whatever comes behind the end is of no interest, and neither is that nothing comes.
        let _ = timeout(LINGER, async { while let Some(Ok(_)) = body.next().await {} }).await;
        Ok(())
    }

    fn headers(&self, question: &Question) -> Result<Vec<Header>, ModelFault> {
        let unsendable = |bad: BadHeader| ModelFault::Refused(bad.to_string());
        let own = [
            Header::new(IDEMPOTENCY_KEY, &question.key).map_err(unsendable)?,
            Header::new(ATTEMPT, &question.attempt.to_string()).map_err(unsendable)?,
        ];
        Ok(own.into_iter().chain(self.headers.iter().cloned()).collect())
    }
}

type Out = mpsc::Sender<Result<Fragment, ModelFault>>;

/// Waits while the listener is busy. One that has gone is noticed by the end of this task.
async fn tell(out: &Out, fragments: VecDeque<Fragment>) {
    for fragment in fragments {
        let _ = out.send(Ok(fragment)).await;
    }
}

/// A base that names a version anywhere in its path is taken at its word; others have the usual one.
fn endpoint(base: &Url) -> Result<Url, BadUrl> {
    let is_version = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let versioned = base.path().split('/').any(is_version);
    base.join(if versioned { "chat/completions" } else { "v1/chat/completions" })
}
