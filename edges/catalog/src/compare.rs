//! What differs between two catalogs, model by model.
use crate::{Catalog, ModelDescriptor};
use std::{collections::BTreeSet, fmt};

/// One model that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Only the other has it.
    New(String),
    /// The other does not have it.
    Gone(String),
    /// The other says something else about it.
    Changed(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::New(model) => write!(f, "+ {model}"),
            Difference::Gone(model) => write!(f, "- {model}"),
            Difference::Changed(model) => write!(f, "~ {model}"),
        }
    }
}

impl Catalog {
    /// What the other says that this one does not, by `provider/model`.
    pub fn differences(&self, other: &Catalog) -> Vec<Difference> {
        let names: BTreeSet<_> = self.all().chain(other.all()).map(|(name, _)| name).collect();
        let find = |catalog: &Catalog, name: &(String, String)| -> Option<ModelDescriptor> {
            catalog.model(&name.0, &name.1).cloned()
        };
        let differs = |name: (String, String)| {
            let shown = format!("{}/{}", name.0, name.1);
            match (find(self, &name), find(other, &name)) {
                (None, _) => Some(Difference::New(shown)),
                (_, None) => Some(Difference::Gone(shown)),
                (Some(ours), Some(theirs)) => (ours != theirs).then_some(Difference::Changed(shown)),
            }
        };
        names.into_iter().filter_map(differs).collect()
    }

    fn all(&self) -> impl Iterator<Item = ((String, String), &ModelDescriptor)> {
        self.providers.iter().flat_map(|(provider, facts)| {
            facts.models.iter().map(move |(id, model)| ((provider.clone(), id.clone()), model))
        })
    }
}
