//! Facts about models: what they can do, how much they take, what they cost. A catalog is made from a source in the shape of
//! models.dev by an operator's command, never by itself and never by an agent; it fetches nothing.
//!
//! - [`Catalog::from_source`] reads a source and checks every fact in it; [`Catalog::chosen`] leaves what a user would choose
//!   today.
//! - [`Catalog::to_text`] writes it, the same bytes for the same facts, stamped with a version; [`Catalog::from_text`] reads
//!   that and refuses what was changed by hand.
//! - [`Catalog::pinned`] is the one that comes with the program.
//! - [`ModelDescriptor`] is what is known of a model.
mod choose;
mod compare;
mod descriptor;
mod field;
mod read;
mod text;

pub use compare::Difference;
pub use descriptor::{Flags, Limits, ModelDescriptor, Status};
pub use field::BadCatalog;

use std::{collections::BTreeMap, sync::LazyLock};

/// Models by provider and id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    providers: BTreeMap<String, ProviderFacts>,
}

/// A provider, and the models that it offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderFacts {
    /// Its name, as it writes it.
    pub name: String,
    /// Its models, by id.
    pub models: BTreeMap<String, ModelDescriptor>,
}

impl Catalog {
    /// The catalog that comes with the program.
    pub fn pinned() -> &'static Catalog {
        static PINNED: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::from_text(Catalog::pinned_text()).expect("a test reads the file that is built in")
        });
        &PINNED
    }

    /// The text of [`Catalog::pinned`].
    pub fn pinned_text() -> &'static str {
        include_str!("../pinned.json")
    }

    /// The providers, by id.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &ProviderFacts)> {
        self.providers.iter().map(|(id, provider)| (id.as_str(), provider))
    }

    /// What is known of a model.
    pub fn model(&self, provider: &str, model: &str) -> Option<&ModelDescriptor> {
        self.providers.get(provider)?.models.get(model)
    }

    /// The ids of a provider's models.
    pub fn models_of(&self, provider: &str) -> impl Iterator<Item = &str> {
        self.providers.get(provider).into_iter().flat_map(|known| known.models.keys().map(String::as_str))
    }

    /// How many models it lists.
    pub fn len(&self) -> usize {
        self.providers.values().map(|provider| provider.models.len()).sum()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
