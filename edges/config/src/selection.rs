//! Which model answers. A provider that this version does not have is refused by name, never replaced by another.
use crate::{
    Place, Problem,
    registry::{OpenAiServer, Registry},
};
use std::fmt;

/// The one model of the rehearsal, and its name as a provider.
const REHEARSAL: &str = "rehearsal";

/// The model of OpenAI when none is named: calls tools well, and a first try costs next to nothing.
const OPENAI_MODEL: &str = "gpt-4.1-mini";

/// A provider that this version has, with all that asking it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// The built-in model: deterministic, no account, no network.
    Rehearsal,
    /// A server that speaks OpenAI's chat completions.
    OpenAi(OpenAiServer),
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provider::Rehearsal => f.write_str(REHEARSAL),
            Provider::OpenAi(server) => f.write_str(&server.name),
        }
    }
}

/// Which model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Whose.
    pub provider: Provider,
    /// Which.
    pub model: String,
}

impl Default for Selection {
    /// With nothing configured, the machine rehearses: it works without an account and says what it is.
    fn default() -> Selection {
        Selection { provider: Provider::Rehearsal, model: REHEARSAL.to_owned() }
    }
}

/// Names of provider and model with where they were written.
pub(crate) type Written = Option<(String, Place)>;

impl Selection {
    /// What is written decides; else a key that is there; else the machine rehearses.
    pub(crate) fn choose(
        provider: Written,
        model: Written,
        registry: &Registry<'_>,
    ) -> Result<Selection, Problem> {
        let rehearses = model.as_ref().is_some_and(|(model, _)| model == REHEARSAL);
        let keyed = || registry.keyed().filter(|_| !rehearses).map(|name| (name.to_owned(), Place::Default));
        let provider = match provider.or_else(keyed) {
            None => Provider::Rehearsal,
            Some((name, _)) if name == REHEARSAL => Provider::Rehearsal,
            Some((name, place)) => registry.provider(&name, &place)?,
        };
        let model = match (&provider, model) {
            (Provider::Rehearsal, Some((model, place))) if model != REHEARSAL => {
                return Err(Problem::NoSuchModel { model, place });
            }
            (Provider::Rehearsal, _) => REHEARSAL.to_owned(),
            (Provider::OpenAi(_), Some((model, _))) => model,
            (Provider::OpenAi(server), None) if server.is_openai() => OPENAI_MODEL.to_owned(),
            (Provider::OpenAi(server), None) => {
                return Err(Problem::NoModel { provider: server.name.clone() });
            }
        };
        Ok(Selection { provider, model })
    }
}
