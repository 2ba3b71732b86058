//! `oxydra catalog show`: what is known of models, in a line each, or of one in full.
use crate::{
    args::CatalogCommand,
    commands::print,
    exit::{Exit, Failure},
    money::dollars,
};
use catalog::{Catalog, ModelDescriptor};
use config::nearest_of;
use domain::Prices;
use serde_json::{Value, json};

pub(super) fn show(of: &CatalogCommand, name: Option<&str>) -> Result<Exit, Failure> {
    let catalog = super::in_use(of)?;
    let found = chosen(&catalog, name);
    if found.is_empty() {
        return Err(unknown(&catalog, name.unwrap_or_default()));
    }
    if of.json {
        let rows: Vec<_> = found.iter().map(|(provider, model)| row(provider, model)).collect();
        return print(&format!("{}\n", Value::from(rows)));
    }
    if let ([(provider, model)], Some(_)) = (&found[..], name) {
        return print(&in_full(provider, model));
    }
    let lines: String = found.iter().map(|(provider, model)| line(provider, model)).collect();
    print(&format!(
        "{lines}catalog {}: {} models; prices are US dollars for a million tokens, read and written\n",
        catalog.version(),
        found.len()
    ))
}

type Found<'a> = Vec<(&'a str, &'a ModelDescriptor)>;

/// All models, those of a provider, or those with an id, with or without the provider before it.
fn chosen<'a>(catalog: &'a Catalog, name: Option<&str>) -> Found<'a> {
    let all = catalog.providers().flat_map(|(id, facts)| facts.models.values().map(move |model| (id, model)));
    let is_wanted = |(provider, model): &(&str, &ModelDescriptor)| {
        name.is_none_or(|name| {
            name == *provider
                || name == model.id
                || name.split_once('/') == Some((provider, model.id.as_str()))
        })
    };
    all.filter(is_wanted).collect()
}

fn unknown(catalog: &Catalog, name: &str) -> Failure {
    let ids = catalog.providers().flat_map(|(id, facts)| {
        let full = facts.models.keys().map(move |model| format!("{id}/{model}"));
        facts.models.keys().cloned().chain(full).chain([id.to_owned()])
    });
    let near = nearest_of(name, ids).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let providers: Vec<_> = catalog.providers().map(|(id, _)| id).collect();
    Failure::usage(format!(
        "the catalog lists no provider and no model `{name}`{near} Providers: {}",
        providers.join(", ")
    ))
}

fn line(provider: &str, model: &ModelDescriptor) -> String {
    let name = format!("{provider}/{}", model.id);
    let price = model.cost.as_ref().map_or("price unknown".to_owned(), |cost| {
        format!("{} {}", dollars(cost.base.input), dollars(cost.base.output))
    });
    let tokens = format!("{} + {}", model.limits.context.0, model.limits.output.0);
    let status = model.status.word().map(|word| format!("  {word}")).unwrap_or_default();
    format!("{name:<48} {tokens:>18}  {price}{status}\n")
}

fn in_full(provider: &str, model: &ModelDescriptor) -> String {
    let can: Vec<_> = model.flags.named().into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    let mut lines = vec![
        format!("{provider}/{}  {}", model.id, model.name),
        format!("  can      {}", can.join(", ")),
        format!("  reads    {}", model.reads.join(", ")),
        format!("  writes   {}", model.writes.join(", ")),
        format!("  tokens   {} together, answers of {}", model.limits.context.0, model.limits.output.0),
    ];
    lines.extend(model.flags.denied().map(|flag| format!("  cannot   {flag}")));
    lines.extend(model.limits.input.map(|input| format!("           {} read", input.0)));
    match &model.cost {
        None => lines.push("  costs    nobody says".to_owned()),
        Some(cost) => {
            lines.push(format!("  costs    {}", prices(&cost.base)));
            lines.extend(
                cost.above
                    .iter()
                    .map(|(size, above)| format!("           above {} read: {}", size.0, prices(above))),
            );
        }
    }
    lines.extend(model.knowledge.iter().map(|day| format!("  knows    until {day}")));
    lines.push(format!("  released {}, facts of {}", model.released, model.updated));
    lines.extend(model.status.word().map(|word| format!("  status   {word}")));
    lines.join("\n") + "\n"
}

fn prices(prices: &Prices) -> String {
    format!(
        "{} read, {} from a cache, {} into a cache, {} written, for a million tokens",
        dollars(prices.input),
        dollars(prices.cached),
        dollars(prices.cache_written),
        dollars(prices.output)
    )
}

fn row(provider: &str, model: &ModelDescriptor) -> Value {
    let mut flags: serde_json::Map<_, _> =
        model.flags.named().into_iter().map(|(name, on)| (name.to_owned(), json!(on))).collect();
    // Yes, no, or nobody says.
    flags.insert("structured_output".to_owned(), json!(model.flags.structured_output));
    let priced = |prices: &Prices| {
        json!({
            "input": prices.input.0,
            "cached": prices.cached.0,
            "cache_written": prices.cache_written.0,
            "output": prices.output.0,
        })
    };
    json!({
        "provider": provider,
        "id": model.id,
        "name": model.name,
        "family": model.family,
        "can": flags,
        "reads": model.reads,
        "writes": model.writes,
        "context_tokens": model.limits.context.0,
        "input_tokens": model.limits.input.map(|tokens| tokens.0),
        "output_tokens": model.limits.output.0,
        "micro_usd_per_million": model.cost.as_ref().map(|cost| priced(&cost.base)),
        "above": model.cost.as_ref().map(|cost| {
            cost.above.iter().map(|(size, above)| json!({"tokens": size.0, "micro_usd_per_million": priced(above)})).collect::<Vec<_>>()
        }),
        "knowledge": model.knowledge,
        "released": model.released,
        "updated": model.updated,
        "status": model.status.word().unwrap_or("current"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_its_id_and_by_its_provider() {
        let pinned = Catalog::pinned();
        let one = chosen(pinned, Some("gpt-4.1-mini"));
        assert_eq!(chosen(pinned, Some("openai/gpt-4.1-mini")), one);
        assert_eq!(one.len(), 1);
        assert_eq!(chosen(pinned, Some("openai")).len(), pinned.models_of("openai").count());
        assert_eq!(chosen(pinned, None).len(), pinned.len());
        assert_eq!(chosen(pinned, Some("google/gpt-4.1-mini")), []);
        expect_test::expect![[r#"
            openai/gpt-4.1-mini  GPT-4.1 mini
              can      attachment, tool_call, structured_output, temperature
              reads    text, image, pdf
              writes   text
              tokens   1047576 together, answers of 32768
              costs    $0.4 read, $0.1 from a cache, $0.4 into a cache, $1.6 written, for a million tokens
              knows    until 2024-04
              released 2025-04-14, facts of 2025-04-14
        "#]]
        .assert_eq(&in_full(one[0].0, one[0].1));
        expect_test::expect!["the catalog lists no provider and no model `gpt-4.1-mimi`; did you mean `gpt-4.1-mini`? Providers: anthropic, deepseek, google, groq, lmstudio, mistral, ollama-cloud, openai, xai"].assert_eq(&unknown(pinned, "gpt-4.1-mimi").to_string());
    }
}
