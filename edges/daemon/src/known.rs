//! What is known of the models that a configuration chooses: the catalog's facts, below what is written about them. A model
//! that the catalog does not list is refused with the nearest that it does, unless the configuration says otherwise.
use crate::{
    form::{self, Form},
    trust::Trust,
};
use catalog::{BadCatalog, Catalog, Limits, ModelDescriptor, Status};
use config::{
    Caps, CatalogRules, Config, ConfigError, Loaded, Place, Problem, Provider, Selection, Server, nearest_of,
    plain_text,
};
use domain::Thinking;
use std::{borrow::Cow, io, path::Path};

/// A catalog of the home, which `oxydra catalog fetch` makes.
pub(crate) const FILE: &str = "catalog.json";

/// Larger than any catalog.
pub(crate) const CATALOG_BYTES_MAX: usize = 64 << 20;

/// Looks up what a run needs to know. Without a server to ask, no catalog is read.
pub(crate) fn prepare(loaded: &mut Loaded, home: &Path, trust: &Trust) -> Result<Vec<String>, ConfigError> {
    match loaded.config.selection.provider {
        // It may yet make way for a server that is found.
        Provider::Rehearsal if !loaded.config.is_chosen => Ok(Vec::new()),
        Provider::Rehearsal => fits(loaded, home).map(|_| Vec::new()),
        Provider::Server(_) => look_up(loaded, home, &*catalog_of(home, trust)?),
    }
}

/// The form that answers should have. Refuses a schema that cannot be used, and one that a model which may be asked cannot be held
/// to.
pub(crate) fn fits(loaded: &Loaded, home: &Path) -> Result<Form, ConfigError> {
    let place = place_of(form::KEY, &loaded.values);
    let unable = formless(&loaded.config, place.clone());
    match (form::form_of(&loaded.config, home, place), unable) {
        (Ok(form), None) => Ok(form),
        (form, unable) => Err(ConfigError { problems: form.err().into_iter().chain(unable).collect() }),
    }
}

/// The catalog that counts: the home's, or the one that comes with the program. One that came with a checkout waits for its
/// owner's word: it could make dear models cheap and large prompts fit.
pub(crate) fn catalog_of(home: &Path, trust: &Trust) -> Result<Cow<'static, Catalog>, ConfigError> {
    if trust.is_missing() {
        return Ok(Cow::Borrowed(Catalog::pinned()));
    }
    let path = home.join(FILE);
    let refused =
        |why: String| ConfigError { problems: vec![Problem::Unreadable { path: path.clone(), why }] };
    let text = match plain_text(&path, CATALOG_BYTES_MAX as u64) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Cow::Borrowed(Catalog::pinned()));
        }
        text => text.map_err(|error| refused(error.to_string()))?,
    };
    let mended = |bad: BadCatalog| match bad {
        BadCatalog::Stamp { .. } => bad.to_string(),
        BadCatalog::Json(_) | BadCatalog::Field { .. } => {
            format!("{bad}; `oxydra catalog fetch` makes a new one")
        }
    };
    Catalog::from_text(&text).map(Cow::Owned).map_err(|bad| refused(mended(bad)))
}

/// Looks the chosen models up, and puts what is known of them where it is asked for. Returns what their user should know.
pub(crate) fn look_up(
    loaded: &mut Loaded,
    home: &Path,
    catalog: &Catalog,
) -> Result<Vec<String>, ConfigError> {
    let (mut problems, mut remarks) = (Vec::new(), Vec::new());
    let first = place_of("selection.model", &loaded.values);
    let rules = loaded.config.catalog.clone();
    let mut look = |selection: &mut Selection, key: String, place: Place| {
        let Provider::Server(server) = &mut selection.provider else { return };
        match facts(server, &selection.model, &rules, catalog) {
            Ok(more) => remarks.extend(more),
            Err((provider, nearest)) => {
                let model = selection.model.clone();
                problems.push(Problem::UnknownModel {
                    key,
                    model,
                    place,
                    provider,
                    nearest: nearest.map(Into::into),
                });
            }
        }
    };
    look(&mut loaded.config.selection, "selection.model".to_owned(), first);
    let unthinking = unable(&loaded.config, |key| place_of(key, &loaded.values));
    for fallback in &mut loaded.config.fallbacks {
        let key = format!("providers.registry.{}.fallback", fallback.provider);
        let place = place_of(&key, &loaded.values);
        look(fallback, key, place);
    }
    problems.extend(unthinking);
    problems.extend(fits(loaded, home).err().into_iter().flat_map(|error| error.problems));
    if problems.is_empty() { Ok(remarks) } else { Err(ConfigError { problems }) }
}

/// Where a key is written.
fn place_of(key: &str, values: &[config::Shown]) -> Place {
    let found = values.iter().find(|value| value.key == key);
    found.map_or(Place::Default, |value| value.place.clone())
}

/// What is asked of the first model that it cannot do.
fn unable(config: &Config, place_of: impl Fn(&str) -> Place) -> Option<Problem> {
    let Provider::Server(server) = &config.selection.provider else { return None };
    let key = match config.thinking? {
        Thinking::Off => return None,
        Thinking::Free | Thinking::Effort(_) => "selection.thinking",
        Thinking::UpTo(_) => "selection.thinking_tokens",
    };
    let (model, what) = (config.selection.to_string(), "does not think before it answers");
    (server.caps.reasoning == Some(false)).then(|| Problem::Unable {
        key: key.to_owned(),
        place: place_of(key),
        model,
        what,
    })
}

/// A model that may be asked and cannot be held to a schema, where one is wanted.
fn formless(config: &Config, place: Place) -> Option<Problem> {
    config.runtime.answer_schema.as_ref()?;
    let problem = |selection: &Selection| {
        let (key, place, model) = (form::KEY.to_owned(), place.clone(), selection.to_string());
        let what = "cannot be held to a JSON schema";
        match &selection.provider {
            // Nothing that is written makes it able.
            Provider::Rehearsal => {
                let why = format!("left out for {model}, which {what}: choose another model");
                Some(Problem::Conflict { key, place, why })
            }
            Provider::Server(server) if server.caps.structured_output == Some(false) => {
                Some(Problem::Unable { key, place, model, what })
            }
            Provider::Server(server) => {
                let is_able = crate::models::api(server.api).forms_beside_tools(&selection.model);
                let why = format!(
                    "left out for {model}: of Gemini's models, those before gemini-3 write JSON or call tools, not both"
                );
                (!is_able).then_some(Problem::Conflict { key, place, why })
            }
        }
    };
    [&config.selection].into_iter().chain(&config.fallbacks).find_map(problem)
}

/// What the user of a schema should know of models of which nobody knows whether they can be held to it.
pub(crate) fn unsure(config: &Config) -> Vec<String> {
    if config.runtime.answer_schema.is_none() {
        return Vec::new();
    }
    let remark = |selection: &Selection| match &selection.provider {
        Provider::Server(server) if server.caps.structured_output.is_none() => {
            let provider = server.catalog_provider.as_ref().unwrap_or(&server.name);
            Some(format!(
                "nobody knows whether {selection} can be held to a JSON schema; it is sent one all the same, and its answers are checked here. \
                 Whoever knows says it: `structured_output = true` or `false` under `catalog.overrides.\"{provider}/{}\"`",
                selection.model
            ))
        }
        Provider::Rehearsal | Provider::Server(_) => None,
    };
    [&config.selection].into_iter().chain(&config.fallbacks).filter_map(remark).collect()
}

/// The provider that was looked at, and what may have been meant.
type Unlisted = (String, Option<String>);

fn facts(
    server: &mut Server,
    model: &str,
    rules: &CatalogRules,
    catalog: &Catalog,
) -> Result<Vec<String>, Unlisted> {
    let provider = server.catalog_provider.clone().unwrap_or_else(|| server.name.clone());
    let descriptor = catalog.model(&provider, model);
    let is_to_be_listed = server.catalog_provider.is_some();
    if descriptor.is_none()
        && is_to_be_listed
        && !rules.is_validation_skipped
        && !rules.lists(&provider, model)
    {
        return Err((provider.clone(), nearest_of(model, catalog.models_of(&provider).map(str::to_owned))));
    }
    let written = rules.caps(&provider, model, &server.caps);
    let known = descriptor.map(ModelDescriptor::model_limits);
    // A list that is written decides alone, whatever is known of files.
    let written = match written.input_modalities {
        Some(_) => Caps { attachment: Some(true), ..written },
        None => written,
    };
    let caps = written.or(descriptor.map(caps_of).unwrap_or_default());
    // Nobody knows it and nothing is written: what was written of the server stays as it is.
    let limits = (known.is_some() || caps.context_tokens_max.is_some()).then(|| caps.limits(known));
    server.caps = Caps {
        context_tokens_max: limits.map(|limits| limits.context_tokens_max),
        answer_tokens_max: limits.map(|limits| limits.answer_tokens_max).or(caps.answer_tokens_max),
        ..caps
    };
    server.tariff = descriptor.and_then(|descriptor| descriptor.cost.clone());
    Ok(remarks(server, model, descriptor))
}

fn caps_of(descriptor: &ModelDescriptor) -> Caps {
    let Limits { context: _, input, output: _ } = descriptor.limits;
    Caps {
        context_tokens_max: None,
        input_tokens_max: input,
        answer_tokens_max: None,
        reasoning: Some(descriptor.flags.reasoning),
        attachment: Some(descriptor.flags.attachment),
        tool_call: Some(descriptor.flags.tool_call),
        structured_output: descriptor.flags.structured_output,
        temperature: Some(descriptor.flags.temperature),
        input_modalities: Some(descriptor.reads.clone()),
    }
}

fn remarks(server: &Server, model: &str, descriptor: Option<&ModelDescriptor>) -> Vec<String> {
    let name = format!("{}/{model}", server.name);
    let deprecated = descriptor.is_some_and(|known| known.status == Status::Deprecated);
    let silent = descriptor.is_some_and(|known| !known.talks());
    [
        deprecated.then(|| format!("{name} is deprecated: its provider will take it away")),
        silent.then(|| format!("{name} reads or writes no text: it cannot hold a conversation")),
        (server.caps.tool_call == Some(false))
            .then(|| format!("{name} calls no tools: it can talk, and neither read nor write a file")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Sources;
    use expect_test::{Expect, expect};
    use std::fs;

    /// Says what becomes of the variables, with the pinned catalog.
    fn check(variables: &[(&str, &str)], expected: Expect) {
        let sources =
            variables.iter().fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
        let mut loaded = Config::load(&sources).expect("it is in order");
        let said = match look_up(&mut loaded, Path::new(""), Catalog::pinned()) {
            Ok(remarks) => {
                let all = [&loaded.config.selection].into_iter().chain(&loaded.config.fallbacks);
                let lines = all.map(line).chain(remarks.into_iter().map(|remark| format!("{remark}\n")));
                lines.collect::<String>()
            }
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&said);
    }

    fn line(selection: &Selection) -> String {
        let Provider::Server(server) = &selection.provider else { return format!("{selection}\n") };
        let limits = server.caps.limits(None);
        let dollars = |micro: domain::MicroUsd| micro.0 as f64 / 1e6;
        let price =
            server.tariff.as_ref().map(|tariff| (dollars(tariff.base.input), dollars(tariff.base.output)));
        let (context, answer) = (limits.context_tokens_max.0, limits.answer_tokens_max.0);
        format!("{selection}: {context} tokens, answers of {answer}, {price:?}\n")
    }

    const OPENAI: (&str, &str) = ("OPENAI_API_KEY", "k");

    #[test]
    fn the_catalog_says_what_a_model_takes_and_costs() {
        check(
            &[OPENAI],
            expect![[r#"
            openai/gpt-4.1-mini: 1047576 tokens, answers of 32768, Some((0.4, 1.6))
        "#]],
        );
        check(
            &[OPENAI, ("OXYDRA__SELECTION__MODEL", "gpt-5")],
            expect![[r#"
            openai/gpt-5: 372000 tokens, answers of 100000, Some((1.25, 10.0))
        "#]],
        );
        check(
            &[],
            expect![[r#"
            rehearsal/rehearsal
        "#]],
        );
    }

    #[test]
    fn what_is_written_beats_the_catalog() {
        let entry = ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__MAX_CONTEXT_TOKENS", "9000");
        check(
            &[OPENAI, entry],
            expect![[r#"
            openai/gpt-4.1-mini: 9000 tokens, answers of 2250, Some((0.4, 1.6))
        "#]],
        );
        let all = ("OXYDRA__CATALOG__PROVIDER_DEFAULTS__OPENAI__MAX_OUTPUT_TOKENS", "700");
        check(
            &[OPENAI, entry, all],
            expect![[r#"
            openai/gpt-4.1-mini: 9000 tokens, answers of 700, Some((0.4, 1.6))
        "#]],
        );
        let own = ("OXYDRA__CATALOG__OVERRIDES__OPENAI/GPT-4.1-MINI__TOOL_CALL", "false");
        check(
            &[OPENAI, own],
            expect![[r#"
            openai/gpt-4.1-mini: 1047576 tokens, answers of 32768, Some((0.4, 1.6))
            openai/gpt-4.1-mini calls no tools: it can talk, and neither read nor write a file
        "#]],
        );
    }

    #[test]
    fn a_model_that_does_not_think_is_not_asked_to() {
        let high = ("OXYDRA__SELECTION__THINKING", "high");
        check(
            &[OPENAI, high],
            expect![[r#"
            `selection.thinking` in the environment variable OXYDRA__SELECTION__THINKING asks for more than openai/gpt-4.1-mini can: it does not think before it answers; leave the key out, choose another model, or say under `catalog.overrides` that it can
        "#]],
        );
        check(
            &[OPENAI, ("OXYDRA__SELECTION__MODEL", "gpt-5"), high],
            expect![[r#"
            openai/gpt-5: 372000 tokens, answers of 100000, Some((1.25, 10.0))
        "#]],
        );
        check(
            &[OPENAI, ("OXYDRA__SELECTION__THINKING", "off")],
            expect![[r#"
            openai/gpt-4.1-mini: 1047576 tokens, answers of 32768, Some((0.4, 1.6))
        "#]],
        );
        let own = ("OXYDRA__CATALOG__OVERRIDES__OPENAI/GPT-4.1-MINI__REASONING", "true");
        check(
            &[OPENAI, high, own],
            expect![[r#"
            openai/gpt-4.1-mini: 1047576 tokens, answers of 32768, Some((0.4, 1.6))
        "#]],
        );
    }

    #[test]
    fn a_schema_is_refused_where_somebody_says_that_it_cannot_be_kept() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = place.path().join("form.json");
        fs::write(&path, r#"{"type":"object"}"#).expect("it is written");
        let form = ("OXYDRA__RUNTIME__ANSWER_SCHEMA", path.to_str().expect("it is text"));
        let claude = [("ANTHROPIC_API_KEY", "k"), ("OXYDRA__SELECTION__MODEL", "claude-opus-4-7"), form];
        let said = |denies: bool| {
            let denied = denies.then_some((
                "OXYDRA__CATALOG__OVERRIDES__ANTHROPIC/CLAUDE-OPUS-4-7__STRUCTURED_OUTPUT",
                "false",
            ));
            let sources = claude.into_iter().chain(denied);
            let sources =
                sources.fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
            let mut loaded = Config::load(&sources).expect("it is in order");
            look_up(&mut loaded, Path::new(""), Catalog::pinned()).map_err(|why| why.to_string())
        };
        assert_eq!(said(false), Ok(Vec::new()));
        assert!(said(true).is_err_and(|why| why.contains("cannot be held to a JSON schema")));
        let gemini = |model: &str| {
            let all = [("GEMINI_API_KEY", "k"), ("OXYDRA__SELECTION__MODEL", model), form];
            let sources = all.into_iter();
            let sources =
                sources.fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
            let mut loaded = Config::load(&sources).expect("it is in order");
            look_up(&mut loaded, Path::new(""), Catalog::pinned()).map_err(|why| why.to_string())
        };
        assert!(
            gemini("gemini-2.5-flash").is_err_and(|why| why.contains("write JSON or call tools, not both"))
        );
        assert_eq!(gemini("gemini-flash-latest"), Ok(Vec::new()));
    }

    #[test]
    fn a_schema_waits_for_the_server_that_may_be_found() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = place.path().join("form.json");
        fs::write(&path, r#"{"type":"object"}"#).expect("it is written");
        let form = ("OXYDRA__RUNTIME__ANSWER_SCHEMA", path.to_str().expect("it is text"));
        let said = |more: &[(&str, &str)]| {
            let sources = [form].into_iter().chain(more.iter().copied());
            let sources =
                sources.fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
            let mut loaded = Config::load(&sources).expect("it is in order");
            let trust = Trust::of(place.path(), &sources);
            (prepare(&mut loaded, place.path(), &trust).is_ok(), fits(&loaded, place.path()).is_ok())
        };
        // Nobody said which model answers: it is the rehearsal only if none is found.
        assert_eq!(said(&[]), (true, false));
        assert_eq!(said(&[("OXYDRA__SELECTION__PROVIDER", "rehearsal")]), (false, false));
    }

    #[test]
    fn whether_a_model_takes_a_schema_is_yes_no_or_not_known() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = place.path().join("form.json");
        fs::write(&path, r#"{"type":"object"}"#).expect("it is written");
        let form = ("OXYDRA__RUNTIME__ANSWER_SCHEMA", path.to_str().expect("it is text"));
        let said = |provider: &str, model: &str, says: Option<&str>| {
            let key = format!("OXYDRA__CATALOG__OVERRIDES__{provider}/{model}__STRUCTURED_OUTPUT");
            let sources =
                Sources::none().variable(form.0, form.1).variable("OXYDRA__SELECTION__PROVIDER", provider);
            let sources = sources.variable("OXYDRA__SELECTION__MODEL", model);
            let sources = sources.variable("OPENAI_API_KEY", "k").variable("ANTHROPIC_API_KEY", "k");
            let sources = says.into_iter().fold(sources, |sources, says| sources.variable(&key, says));
            let mut loaded = Config::load(&sources).expect("it is in order");
            match look_up(&mut loaded, place.path(), Catalog::pinned()) {
                Err(why) => format!("refused: {why}"),
                Ok(_) => format!("sent; {}", unsure(&loaded.config).join(" ")),
            }
        };
        let rows = [
            ("openai", "gpt-4.1-mini", None),
            ("openai", "gpt-4.1-mini", Some("false")),
            ("openai", "gpt-5.4-pro", None),
            ("openai", "gpt-5.4-pro", Some("true")),
            ("anthropic", "claude-haiku-4-5", None),
            ("anthropic", "claude-haiku-4-5", Some("true")),
        ];
        let table: String = rows
            .into_iter()
            .map(|(provider, model, says)| format!("{model} {says:?}: {}\n", said(provider, model, says)))
            .collect();
        expect![[r#"
            gpt-4.1-mini None: sent; 
            gpt-4.1-mini Some("false"): refused: `runtime.answer_schema` in the environment variable OXYDRA__RUNTIME__ANSWER_SCHEMA asks for more than openai/gpt-4.1-mini can: it cannot be held to a JSON schema; leave the key out, choose another model, or say under `catalog.overrides` that it can
            gpt-5.4-pro None: refused: `runtime.answer_schema` in the environment variable OXYDRA__RUNTIME__ANSWER_SCHEMA asks for more than openai/gpt-5.4-pro can: it cannot be held to a JSON schema; leave the key out, choose another model, or say under `catalog.overrides` that it can
            gpt-5.4-pro Some("true"): sent; 
            claude-haiku-4-5 None: sent; nobody knows whether anthropic/claude-haiku-4-5 can be held to a JSON schema; it is sent one all the same, and its answers are checked here. Whoever knows says it: `structured_output = true` or `false` under `catalog.overrides."anthropic/claude-haiku-4-5"`
            claude-haiku-4-5 Some("true"): sent; 
        "#]].assert_eq(&table);
    }

    #[test]
    fn a_list_of_what_a_model_reads_decides_alone() {
        let reads = |more: &[(&str, &str)]| {
            let denied = ("OXYDRA__CATALOG__OVERRIDES__OPENAI/GPT-4.1-MINI__ATTACHMENT", "false");
            let sources = [OPENAI, denied];
            let sources = sources.iter().chain(more);
            let sources =
                sources.fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
            let mut loaded = Config::load(&sources).expect("it is in order");
            look_up(&mut loaded, Path::new(""), Catalog::pinned()).expect("it is listed");
            let Provider::Server(server) = loaded.config.selection.provider else { panic!("it is asked") };
            crate::attach::reads(&server.caps).images
        };
        assert!(!reads(&[]));
        let listed = ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__INPUT_MODALITIES", "text, image");
        assert!(reads(&[listed]));
    }

    #[test]
    fn a_model_that_is_not_listed_is_refused_unless_somebody_says_otherwise() {
        let model = ("OXYDRA__SELECTION__MODEL", "gpt-4.1-mimi");
        check(
            &[OPENAI, model],
            expect![[r#"
            `selection.model` in the environment variable OXYDRA__SELECTION__MODEL is `gpt-4.1-mimi`, which the catalog does not list for openai; did you mean `gpt-4.1-mini`? `oxydra catalog show openai` lists them, `oxydra catalog fetch` makes a newer one, and `catalog.skip_catalog_validation = true` asks it all the same
        "#]],
        );
        check(
            &[OPENAI, model, ("OXYDRA__CATALOG__SKIP_CATALOG_VALIDATION", "true")],
            expect![[r#"
            openai/gpt-4.1-mimi: 128000 tokens, answers of 16384, None
        "#]],
        );
        let own = ("OXYDRA__CATALOG__OVERRIDES__OPENAI/GPT-4.1-MIMI__MAX_CONTEXT_TOKENS", "5000");
        check(
            &[OPENAI, model, own],
            expect![[r#"
            openai/gpt-4.1-mimi: 5000 tokens, answers of 1250, None
        "#]],
        );
        // A server of one's own may have any model, unless its entry says whose they are.
        let elsewhere = ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__BASE_URL", "http://127.0.0.1:9");
        check(
            &[OPENAI, model, elsewhere],
            expect![[r#"
            openai/gpt-4.1-mimi: 128000 tokens, answers of 16384, None
        "#]],
        );
        let whose = ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__CATALOG_PROVIDER", "mistral");
        check(
            &[OPENAI, model, elsewhere, whose],
            expect![[r#"
            `selection.model` in the environment variable OXYDRA__SELECTION__MODEL is `gpt-4.1-mimi`, which the catalog does not list for mistral; `oxydra catalog show mistral` lists them, `oxydra catalog fetch` makes a newer one, and `catalog.skip_catalog_validation = true` asks it all the same
        "#]],
        );
        let fallback = ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__FALLBACK", "openai/gpt-5-mimi");
        check(
            &[OPENAI, fallback],
            expect![[r#"
            `providers.registry.openai.fallback` in the environment variable OXYDRA__PROVIDERS__REGISTRY__OPENAI__FALLBACK is `gpt-5-mimi`, which the catalog does not list for openai; did you mean `gpt-5-mini`? `oxydra catalog show openai` lists them, `oxydra catalog fetch` makes a newer one, and `catalog.skip_catalog_validation = true` asks it all the same
        "#]],
        );
    }
}
