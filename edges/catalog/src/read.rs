//! Reads a source in the shape of models.dev: every fact is checked, what we have no use for is left.
use crate::{BadCatalog, Catalog, Flags, Limits, ModelDescriptor, ProviderFacts, Status, field::Fields};
use domain::{MicroUsd, Prices, Tariff, Tokens};
use serde_json::Value;

impl Catalog {
    /// Reads a source.
    ///
    /// # Errors
    /// Names the first field that is not what it has to be.
    pub fn from_source(text: &str) -> Result<Catalog, BadCatalog> {
        let value: Value = serde_json::from_str(text).map_err(|error| BadCatalog::Json(error.to_string()))?;
        let mut catalog = Catalog::default();
        for provider in Fields::of(&value, "source".to_owned())?.objects() {
            let (id, provider) = provider?;
            let mut facts = ProviderFacts { name: provider.needed_text("name")?, ..ProviderFacts::default() };
            for model in provider.needed("models")?.objects() {
                let (id, model) = model?;
                facts.models.insert(id.to_owned(), descriptor(id, &model)?);
            }
            catalog.providers.insert(id.to_owned(), facts);
        }
        Ok(catalog)
    }
}

fn descriptor(id: &str, model: &Fields<'_>) -> Result<ModelDescriptor, BadCatalog> {
    if model.text("id")?.is_some_and(|own| own != id) {
        return Err(model.wrong("id", "the name that it is listed under"));
    }
    let (modalities, limit) = (model.needed("modalities")?, model.needed("limit")?);
    Ok(ModelDescriptor {
        id: id.to_owned(),
        name: model.needed_text("name")?,
        family: model.text("family")?,
        flags: Flags {
            attachment: model.switch("attachment")?,
            reasoning: model.switch("reasoning")?,
            tool_call: model.switch("tool_call")?,
            structured_output: model.said("structured_output")?,
            temperature: model.switch("temperature")?,
            open_weights: model.switch("open_weights")?,
        },
        interleaved: interleaved(model)?,
        reads: modalities.texts("input")?,
        writes: modalities.texts("output")?,
        limits: Limits {
            context: limit.needed_tokens("context")?,
            // Some sources write none as 0.
            input: limit.tokens("input")?.filter(|tokens| tokens.0 > 0),
            output: limit.needed_tokens("output")?,
        },
        cost: model.object("cost")?.map(|cost| tariff(&cost)).transpose()?,
        knowledge: model.text("knowledge")?,
        released: date(model, "release_date")?,
        updated: date(model, "last_updated")?,
        status: status(model)?,
    })
}

/// `true`, or the field that thoughts come in.
fn interleaved(model: &Fields<'_>) -> Result<Option<String>, BadCatalog> {
    match model.get("interleaved") {
        None | Some(Value::Bool(_)) => Ok(None),
        Some(_) => model.needed("interleaved")?.text("field"),
    }
}

fn status(model: &Fields<'_>) -> Result<Status, BadCatalog> {
    let Some(word) = model.text("status")? else { return Ok(Status::Current) };
    let known = [Status::Alpha, Status::Beta, Status::Deprecated];
    let found = known.into_iter().find(|status| status.word() == Some(word.as_str()));
    found.ok_or_else(|| model.wrong("status", "alpha, beta or deprecated"))
}

fn date(model: &Fields<'_>, name: &str) -> Result<String, BadCatalog> {
    let text = model.needed_text(name)?;
    let is_date = matches!(text.len(), 4 | 7 | 10) && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_date { Ok(text) } else { Err(model.wrong(name, "a date such as 2026-07-01")) }
}

fn tariff(cost: &Fields<'_>) -> Result<Tariff, BadCatalog> {
    let base = prices(cost)?;
    let mut above = Vec::new();
    for (n, tier) in cost.get("tiers").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let tier = Fields::of(tier, format!("tiers.{n}"))?;
        let size: Tokens = tier.needed("tier")?.needed_tokens("size")?;
        above.push((size, prices(&tier)?));
    }
    above.sort_by_key(|(size, _)| *size);
    Ok(Tariff { base, above })
}

/// What a provider does not charge apart costs what reading costs.
fn prices(cost: &Fields<'_>) -> Result<Prices, BadCatalog> {
    let needed = |name: &'static str| -> Result<MicroUsd, BadCatalog> {
        cost.dollars(name)?.ok_or_else(|| cost.wrong(name, "a price in US dollars"))
    };
    let input = needed("input")?;
    Ok(Prices {
        input,
        cached: cost.dollars("cache_read")?.unwrap_or(input),
        cache_written: cost.dollars("cache_write")?.unwrap_or(input),
        output: needed("output")?,
    })
}
