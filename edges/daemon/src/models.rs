//! Puts the model together that a configuration asks for: a server, kept within its window and its patience. It asks
//! nothing.
use crate::exit::Failure;
use config::{Config, Provider, Selection, Server};
use domain::Model;
use http::{Client, Options};
use providers::{
    Api, Fitted, Fixed, Patient, Remote, Tiktoken,
    rehearsal::{Pace, Rehearsal},
};
use std::sync::Arc;

/// The model that answers.
pub(crate) fn model_of(config: &Config) -> Result<Arc<dyn Model>, Failure> {
    let Selection { provider, model } = &config.selection;
    let usual = config.runtime.turn_timeout;
    let (model, silence_max): (Arc<dyn Model>, _) = match provider {
        Provider::Rehearsal => (Arc::new(Rehearsal::new(Pace::default())), usual),
        Provider::Server(server) => (asked(server, model)?, server.timeouts.idle.unwrap_or(usual)),
    };
    Ok(Arc::new(Patient::new(model, silence_max)))
}

fn asked(server: &Server, model: &str) -> Result<Arc<dyn Model>, Failure> {
    let asked = providers::Server {
        api: api(server.api),
        base_url: server.base_url.clone(),
        credentials: Arc::new(Fixed(server.key.clone())),
        model: model.to_owned(),
        limits: server.caps.limits(None),
        headers: server.headers.clone(),
        thinking: None,
        streams: true,
    };
    let remote = Remote::new(client(server), asked).map_err(Failure::configuration)?;
    Ok(Arc::new(Fitted::new(Arc::new(remote), Tiktoken::of(model))))
}

fn api(api: config::Api) -> Api {
    match api {
        config::Api::OpenAi => Api::Chat,
        config::Api::OpenAiResponses => Api::Responses,
        config::Api::Anthropic => Api::Messages,
        config::Api::Gemini => Api::Gemini,
    }
}

fn client(server: &Server) -> Client {
    let usual = Options::default();
    Client::new(Options {
        connect_timeout: server.timeouts.connect.unwrap_or(usual.connect_timeout),
        head_timeout: server.timeouts.head.unwrap_or(usual.head_timeout),
        total_timeout: server.timeouts.total.unwrap_or(usual.total_timeout),
        addresses: usual.addresses,
    })
}
