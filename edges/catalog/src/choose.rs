//! What a user would choose today: models that talk, call tools and are there to stay, of the last two years.
use crate::{Catalog, ModelDescriptor, ProviderFacts, Status};

/// A model whose facts nobody touched for longer is history.
const YEARS: u32 = 2;

impl Catalog {
    /// Leaves the models that a user would choose on the day of the newest fact, and providers that have one. The same
    /// facts always leave the same models: no clock is asked.
    pub fn chosen(&self) -> Catalog {
        let days = self.providers.values().flat_map(|provider| provider.models.values()).map(latest);
        let oldest = days.max().map(years_before).unwrap_or_default();
        let would = |model: &ModelDescriptor| {
            let stays = model.status != Status::Deprecated;
            model.talks() && model.flags.tool_call && stays && latest(model) >= oldest.as_str()
        };
        let provider = |(id, provider): (&String, &ProviderFacts)| {
            let models = provider.models.iter().filter(|(_, model)| would(model));
            let models: std::collections::BTreeMap<_, _> =
                models.map(|(id, model)| (id.clone(), model.clone())).collect();
            let facts = ProviderFacts { name: provider.name.clone(), models };
            (!facts.models.is_empty()).then(|| (id.clone(), facts))
        };
        Catalog { providers: self.providers.iter().filter_map(provider).collect() }
    }
}

fn latest(model: &ModelDescriptor) -> &str {
    model.updated.as_str().max(model.released.as_str())
}

/// The same day, years before: dates of this form sort as text.
fn years_before(day: &str) -> String {
    let (year, rest) = day.split_at(4.min(day.len()));
    let year: u32 = year.parse().unwrap_or_default();
    format!("{:04}{rest}", year.saturating_sub(YEARS))
}
