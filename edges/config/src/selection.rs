//! Which model answers. A provider that this version does not have is refused by name, never replaced by another.
use crate::{Place, Problem};
use std::fmt;

/// A provider that this version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The built-in model: deterministic, no account, no network.
    Rehearsal,
}

impl Provider {
    /// Every provider of this version.
    pub const ALL: [Provider; 1] = [Provider::Rehearsal];

    /// The name as it is written in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Rehearsal => "rehearsal",
        }
    }

    /// The models that it has.
    pub fn models(self) -> &'static [&'static str] {
        match self {
            Provider::Rehearsal => &["rehearsal"],
        }
    }

    pub(crate) fn names() -> String {
        Provider::ALL.map(Provider::as_str).join(", ")
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        Selection { provider: Provider::Rehearsal, model: "rehearsal".to_owned() }
    }
}

/// Names of provider and model with where they were written.
pub(crate) type Written = Option<(String, Place)>;

impl Selection {
    pub(crate) fn choose(provider: Written, model: Written) -> Result<Selection, Problem> {
        let provider = match provider {
            None => Selection::default().provider,
            Some((name, place)) => Provider::ALL
                .into_iter()
                .find(|known| known.as_str() == name)
                .ok_or(Problem::NoSuchProvider { provider: name, place })?,
        };
        let (model, place) = model.unwrap_or_else(|| (provider.models()[0].to_owned(), Place::Default));
        if !provider.models().contains(&model.as_str()) {
            return Err(Problem::NoSuchModel { provider, model, place });
        }
        Ok(Selection { provider, model })
    }
}
