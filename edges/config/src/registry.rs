//! The providers that a configuration names, and where their keys come from. It reads no environment: the variables are
//! handed in. A key that is blank is no key, wherever it stands.
use crate::{Place, Problem, Provider, check::Value, layer::Setting};
use domain::Tokens;
use http::{Header, Secret, Url};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

/// The entry that exists without being written.
pub(crate) const OPENAI: &str = "openai";

const PREFIX: &str = "providers.registry.";
const HEADERS: &str = ".extra_headers.";

/// Where OpenAI is.
const OPENAI_URL: &str = "https://api.openai.com/v1";

/// The variable that holds a key of OpenAI, by everybody's custom.
const OPENAI_KEY: &str = "OPENAI_API_KEY";

/// The variable for whoever has one key. Too many programs read it for it to choose a provider.
const ANY_KEY: &str = "API_KEY";

/// What a model of which nothing is known reads and writes together, and what it writes: nearly all of today can. With
/// a smaller window it writes a quarter of it at most.
const CONTEXT_TOKENS_MAX: Tokens = Tokens(128_000);
const ANSWER_TOKENS_MAX: Tokens = Tokens(16_384);

/// A server that speaks OpenAI's chat completions, with all that asking it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAiServer {
    /// What the configuration calls it.
    pub name: String,
    /// Where it is.
    pub base_url: Url,
    /// The key; a server of one's own may need none.
    pub key: Option<Secret>,
    /// What goes with every request.
    pub headers: Vec<Header>,
    /// What the model reads and writes together.
    pub context_tokens_max: Tokens,
    /// What it writes.
    pub answer_tokens_max: Tokens,
}

impl OpenAiServer {
    /// Says whether this is OpenAI itself: its models are known, and it wants a key.
    pub(crate) fn is_openai(&self) -> bool {
        self.base_url.host() == "api.openai.com"
    }
}

/// What is written about providers.
pub(crate) struct Registry<'a> {
    pub(crate) settings: &'a BTreeMap<String, Setting>,
    pub(crate) variables: &'a [(OsString, OsString)],
}

impl<'a> Registry<'a> {
    /// The names of all entries, the built-in one included.
    pub(crate) fn names(&self) -> BTreeSet<&'a str> {
        let written = self.settings.keys().filter_map(|key| {
            let rest = key.strip_prefix(PREFIX)?;
            let name = rest.split_once(HEADERS).map(|(name, _)| name);
            name.or_else(|| rest.rsplit_once('.').map(|(name, _)| name))
        });
        written.chain([OPENAI]).collect()
    }

    /// The entry whose own key is there, so that it is chosen when nothing else is said: OpenAI's before others.
    pub(crate) fn keyed(&self) -> Option<&'a str> {
        let others = self.names().into_iter().filter(|name| *name != OPENAI);
        let has_key = |name: &&str| {
            let own = self.own_key(name).is_some();
            matches!(self.kind(name), Ok(OPENAI))
                && (own || *name == OPENAI && self.variable(OPENAI_KEY).is_some())
        };
        [OPENAI].into_iter().chain(others).find(has_key)
    }

    /// Resolves an entry.
    pub(crate) fn provider(&self, name: &str, place: &Place) -> Result<Provider, Problem> {
        let names = || self.names().into_iter().map(str::to_owned).collect();
        if !self.names().contains(name) {
            return Err(Problem::NoSuchProvider {
                provider: name.to_owned(),
                place: place.clone(),
                others: names(),
            });
        }
        let kind = self.kind(name)?;
        if kind != OPENAI {
            return Err(Problem::NoSuchType { provider: name.to_owned(), kind: kind.to_owned() });
        }
        let base_url = self.text(name, "base_url").unwrap_or(OPENAI_URL);
        let context_tokens_max = self.tokens(name, "max_context_tokens").unwrap_or(CONTEXT_TOKENS_MAX);
        let usual = ANSWER_TOKENS_MAX.min(Tokens(context_tokens_max.0 / 4));
        let server = OpenAiServer {
            name: name.to_owned(),
            base_url: Url::parse(base_url).expect("addresses are checked where they are read"),
            key: self.key(name),
            headers: self.headers(name)?,
            context_tokens_max,
            answer_tokens_max: self.tokens(name, "max_output_tokens").unwrap_or(usual),
        };
        let opens =
            server.key.is_some() || server.headers.iter().any(|header| header.name() == "authorization");
        if server.is_openai() && !opens {
            return Err(Problem::NoKey { provider: name.to_owned(), variables: self.key_variables(name) });
        }
        Ok(Provider::OpenAi(server))
    }

    /// What an entry speaks: what it says, or what it is called.
    fn kind(&self, name: &str) -> Result<&'a str, Problem> {
        let unsaid = if name == OPENAI { Some(OPENAI) } else { None };
        self.text(name, "provider_type")
            .or(unsaid)
            .ok_or_else(|| Problem::NoType { provider: name.to_owned() })
    }

    /// The entry's key, then what the variables of its type hold.
    fn key(&self, name: &str) -> Option<Secret> {
        self.own_key(name).or_else(|| self.variable(OPENAI_KEY)).or_else(|| self.variable(ANY_KEY))
    }

    fn own_key(&self, name: &str) -> Option<Secret> {
        let written = self.text(name, "api_key").and_then(Secret::new);
        written.or_else(|| self.variable(self.text(name, "api_key_env")?.trim()))
    }

    fn key_variables(&self, name: &str) -> Vec<String> {
        let own = self.text(name, "api_key_env").map(|variable| variable.trim().to_owned());
        own.into_iter().chain([OPENAI_KEY.to_owned(), ANY_KEY.to_owned()]).collect()
    }

    fn headers(&self, name: &str) -> Result<Vec<Header>, Problem> {
        let prefix = format!("{PREFIX}{name}{HEADERS}");
        let header = |(key, setting): (&String, &Setting)| {
            let header = key.strip_prefix(&prefix)?;
            let Value::Text(value) = &setting.value else { return None };
            Some(Header::new(header, value.trim()).map_err(|bad| Problem::BadHeader {
                key: key.clone(),
                place: setting.place.clone(),
                why: bad.to_string(),
            }))
        };
        self.settings.iter().filter_map(header).collect()
    }

    fn text(&self, name: &str, field: &str) -> Option<&'a str> {
        match &self.settings.get(&format!("{PREFIX}{name}.{field}"))?.value {
            Value::Text(text) => Some(text),
            Value::Whole(_) | Value::Number(_) | Value::Switch(_) | Value::Texts(_) | Value::Odd(_) => None,
        }
    }

    fn tokens(&self, name: &str, field: &str) -> Option<Tokens> {
        let setting = self.settings.get(&format!("{PREFIX}{name}.{field}"))?;
        crate::check::whole(&setting.value).map(Tokens)
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        let (_, value) = self.variables.iter().find(|(known, _)| known == name)?;
        Secret::new(value.to_str()?)
    }
}

#[cfg(test)]
mod tests;
