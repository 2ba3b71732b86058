//! Puts the models together that a configuration asks for: each within its window and its patience, one standing in for the
//! other. It asks nothing.
use crate::{attach::reads, exit::Failure};
use config::{Config, Home, Provider, Reliability, Selection, Server};
use domain::Model;
use http::{Client, Options};
use providers::{
    Api, Chain, Credentials, Fitted, Fixed, KeyFile, Patient, Pause, Priced, Readable, Remote, Rules,
    Tiktoken,
    rehearsal::{Pace, Rehearsal},
};
use std::sync::Arc;

/// The model that answers, with those that stand in for it.
pub(crate) fn model_of(config: &Config, home: &Home) -> Result<Arc<dyn Model>, Failure> {
    let first = one(&config.selection, config, home)?;
    let others = config.fallbacks.iter().map(|other| one(other, config, home)).collect::<Result<_, _>>()?;
    Ok(match config.selection.provider {
        // It does not fail.
        Provider::Rehearsal => first,
        Provider::Server(_) => Arc::new(Chain::new(first, others, rules(&config.reliability))),
    })
}

fn one(
    Selection { provider, model }: &Selection,
    config: &Config,
    home: &Home,
) -> Result<Arc<dyn Model>, Failure> {
    let usual = config.runtime.turn_timeout;
    let (model, own): (Arc<dyn Model>, _) = match provider {
        Provider::Rehearsal => (Arc::new(Rehearsal::new(Pace::default())), None),
        Provider::Server(server) => (asked(server, model, config, home)?, server.timeouts.idle),
    };
    Ok(Arc::new(match own {
        Some(own) => Patient::new(model, own, &format!("providers.registry.{provider}.idle_timeout_secs")),
        None => Patient::new(model, usual, "runtime.turn_timeout_secs"),
    }))
}

fn rules(reliability: &Reliability) -> Rules {
    let Reliability { attempts_max, backoff_base, backoff_max, jitter, breaker_failures, breaker_pause } =
        *reliability;
    Rules {
        attempts_max,
        wait_min: backoff_base,
        wait_max: backoff_max,
        is_spread: jitter,
        pause: Pause { failures: breaker_failures, lasts: breaker_pause },
    }
}

fn credentials(server: &Server) -> Arc<dyn Credentials> {
    match &server.key_file {
        Some(path) => Arc::new(KeyFile::new(path.clone())),
        None => Arc::new(Fixed(server.key.clone())),
    }
}

fn asked(server: &Server, model: &str, config: &Config, home: &Home) -> Result<Arc<dyn Model>, Failure> {
    // The first model is known to think, or nobody knows; one that stands in and does not is asked without.
    let thinking = config.thinking.filter(|_| server.caps.reasoning != Some(false));
    let asked = providers::Server {
        api: api(server.api),
        base_url: server.base_url.clone(),
        credentials: credentials(server),
        model: model.to_owned(),
        limits: server.caps.limits(None),
        sizes: server.is_owners().then(|| api(server.api).sizes()),
        headers: server.headers.clone(),
        thinking,
        streams: true,
    };
    let remote = Remote::new(client(server), asked).map_err(Failure::configuration)?;
    let fitted = Fitted::keeping(Arc::new(remote), Tiktoken::of(model), home.token_counts());
    // What it is not shown takes no room.
    let readable: Arc<dyn Model> = Arc::new(Readable::new(Arc::new(fitted), reads(&server.caps)));
    Ok(match &server.tariff {
        Some(tariff) => Arc::new(Priced::new(readable, tariff.clone())),
        // Nobody knows what it costs: it counts as free, and says what it used.
        None => readable,
    })
}

/// What it speaks, as the providers call it.
pub(crate) fn api(api: config::Api) -> Api {
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
