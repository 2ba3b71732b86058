//! A catalog as text: one model a line, sorted, so that a change reads well; stamped with the day of its newest fact and the
//! hash of all of them.
use crate::{BadCatalog, Catalog, Flags, Limits, ModelDescriptor, ProviderFacts, Status, field::Fields};
use domain::{MicroUsd, Prices, Tariff};
use serde_json::{Value, json};

impl Catalog {
    /// The version of these facts: the day of the newest, and the hash of all of them.
    pub fn version(&self) -> String {
        let models = self.providers.values().flat_map(|provider| provider.models.values());
        let newest = models.map(|model| model.updated.as_str()).max().unwrap_or("none");
        let hash = blake3::hash(self.body().as_bytes()).to_hex();
        format!("{newest}-{}", &hash[..12])
    }

    /// Writes it: the same bytes for the same facts.
    pub fn to_text(&self) -> String {
        format!("{{\"version\": {},\n\"providers\": {{{}\n}}}}\n", json!(self.version()), self.body())
    }

    /// Reads what [`Catalog::to_text`] wrote.
    ///
    /// # Errors
    /// When it is damaged, or its facts are not those of its version.
    pub fn from_text(text: &str) -> Result<Catalog, BadCatalog> {
        let value: Value = serde_json::from_str(text).map_err(|error| BadCatalog::Json(error.to_string()))?;
        let root = Fields::of(&value, "catalog".to_owned())?;
        let mut catalog = Catalog::default();
        for provider in root.needed("providers")?.objects() {
            let (id, provider) = provider?;
            let mut facts = ProviderFacts { name: provider.needed_text("name")?, ..ProviderFacts::default() };
            for model in provider.needed("models")?.objects() {
                let (id, model) = model?;
                facts.models.insert(id.to_owned(), read(id, &model)?);
            }
            catalog.providers.insert(id.to_owned(), facts);
        }
        let (found, made) = (root.needed_text("version")?, catalog.version());
        if found == made { Ok(catalog) } else { Err(BadCatalog::Stamp { found, made }) }
    }

    fn body(&self) -> String {
        let model = |model: &ModelDescriptor| format!("  {}: {}", json!(model.id), written(model));
        let provider = |(id, facts): (&String, &ProviderFacts)| {
            let models: Vec<_> = facts.models.values().map(model).collect();
            format!(
                "\n{}: {{\"name\": {}, \"models\": {{\n{}\n}}}}",
                json!(id),
                json!(facts.name),
                models.join(",\n")
            )
        };
        self.providers.iter().map(provider).collect::<Vec<_>>().join(",")
    }
}

/// The facts of a model in a fixed order; what is absent is left out. It is written by hand: in which order a map of the
/// library comes depends on how others build that library.
fn written(model: &ModelDescriptor) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut put = |name: &str, value: String| parts.push(format!("\"{name}\": {value}"));
    let text = |text: &String| json!(text).to_string();
    put("name", text(&model.name));
    model.family.iter().for_each(|family| put("family", text(family)));
    let flags: Vec<_> = model.flags.named().into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    put("can", json!(flags).to_string());
    model.flags.denied().iter().for_each(|flag| put("cannot", json!([flag]).to_string()));
    model.interleaved.iter().for_each(|field| put("interleaved", text(field)));
    put("reads", json!(model.reads).to_string());
    put("writes", json!(model.writes).to_string());
    put("context", model.limits.context.0.to_string());
    model.limits.input.iter().for_each(|tokens| put("input_max", tokens.0.to_string()));
    put("output_max", model.limits.output.0.to_string());
    if let Some(Tariff { base, above }) = &model.cost {
        put("micro_usd", priced(base));
        let tiers: Vec<_> =
            above.iter().map(|(size, prices)| format!("[{}, {}]", size.0, priced(prices))).collect();
        if !tiers.is_empty() {
            put("above", format!("[{}]", tiers.join(", ")));
        }
    }
    model.knowledge.iter().for_each(|day| put("knowledge", text(day)));
    put("released", text(&model.released));
    put("updated", text(&model.updated));
    model.status.word().iter().for_each(|word| put("status", json!(word).to_string()));
    format!("{{{}}}", parts.join(", "))
}

fn priced(prices: &Prices) -> String {
    let Prices { input, cached, cache_written, output } = prices;
    format!(
        "{{\"input\": {}, \"cached\": {}, \"cache_written\": {}, \"output\": {}}}",
        input.0, cached.0, cache_written.0, output.0
    )
}

fn read(id: &str, model: &Fields<'_>) -> Result<ModelDescriptor, BadCatalog> {
    let can = model.texts("can")?;
    let cannot = if model.get("cannot").is_some() { model.texts("cannot")? } else { Vec::new() };
    let has = |flag: &str| can.iter().any(|known| known == flag);
    let denies = |flag: &str| cannot.iter().any(|known| known == flag);
    let cost = match model.object("micro_usd")? {
        None => None,
        Some(base) => Some(Tariff { base: read_prices(&base)?, above: read_tiers(model)? }),
    };
    Ok(ModelDescriptor {
        id: id.to_owned(),
        name: model.needed_text("name")?,
        family: model.text("family")?,
        flags: Flags {
            attachment: has("attachment"),
            reasoning: has("reasoning"),
            tool_call: has("tool_call"),
            structured_output: has("structured_output")
                .then_some(true)
                .or_else(|| denies("structured_output").then_some(false)),
            temperature: has("temperature"),
            open_weights: has("open_weights"),
        },
        interleaved: model.text("interleaved")?,
        reads: model.texts("reads")?,
        writes: model.texts("writes")?,
        limits: Limits {
            context: model.needed_tokens("context")?,
            input: model.tokens("input_max")?,
            output: model.needed_tokens("output_max")?,
        },
        cost,
        knowledge: model.text("knowledge")?,
        released: model.needed_text("released")?,
        updated: model.needed_text("updated")?,
        status: match model.text("status")?.as_deref() {
            None => Status::Current,
            Some("alpha") => Status::Alpha,
            Some("beta") => Status::Beta,
            Some("deprecated") => Status::Deprecated,
            Some(_) => return Err(model.wrong("status", "alpha, beta or deprecated")),
        },
    })
}

fn read_prices(prices: &Fields<'_>) -> Result<Prices, BadCatalog> {
    let needed = |name: &'static str| -> Result<MicroUsd, BadCatalog> {
        prices.micro_usd(name)?.ok_or_else(|| prices.wrong(name, "whole micro-dollars"))
    };
    Ok(Prices {
        input: needed("input")?,
        cached: needed("cached")?,
        cache_written: needed("cache_written")?,
        output: needed("output")?,
    })
}

fn read_tiers(model: &Fields<'_>) -> Result<Vec<(domain::Tokens, Prices)>, BadCatalog> {
    let wrong = || model.wrong("above", "pairs of tokens and prices");
    let tiers = model.get("above").map(|tiers| tiers.as_array().ok_or_else(wrong)).transpose()?;
    let tier = |tier: &Value| {
        let (size, prices) = (tier.get(0).and_then(Value::as_u64), tier.get(1));
        let (Some(size), Some(prices)) = (size, prices) else { return Err(wrong()) };
        Ok((domain::Tokens(size), read_prices(&Fields::of(prices, "above".to_owned())?)?))
    };
    tiers.into_iter().flatten().map(tier).collect()
}
