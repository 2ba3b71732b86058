//! Fields of a JSON document, read with their path, so that a wrong one is named. No fact is guessed.
use domain::{MicroUsd, Tokens};
use serde_json::{Map, Value};

/// A catalog or a source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCatalog {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// A field is not what it has to be.
    #[error("`{path}` must be {expected}")]
    Field {
        /// Where.
        path: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Its facts are not those that its version stands for.
    #[error(
        "its version is {found} and its facts are those of {made}: it was changed by hand; `oxydra catalog fetch` makes a new one"
    )]
    Stamp {
        /// What it says.
        found: String,
        /// What it is.
        made: String,
    },
}

/// The fields of an object, and its path.
pub(crate) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value, path: String) -> Result<Fields<'a>, BadCatalog> {
        match value {
            Value::Object(map) => Ok(Fields { path, map }),
            _other => Err(BadCatalog::Field { path, expected: "an object" }),
        }
    }

    /// The objects in it, by name.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Result<(&'a str, Fields<'a>), BadCatalog>> {
        self.map
            .iter()
            .map(|(name, value)| Ok((name.as_str(), Fields::of(value, format!("{}.{name}", self.path))?)))
    }

    pub(crate) fn wrong(&self, name: &str, expected: &'static str) -> BadCatalog {
        BadCatalog::Field { path: format!("{}.{name}", self.path), expected }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, BadCatalog> {
        let at = format!("{}.{name}", self.path);
        self.get(name).map(|value| Fields::of(value, at)).transpose()
    }

    pub(crate) fn needed(&self, name: &str) -> Result<Fields<'a>, BadCatalog> {
        self.object(name)?.ok_or_else(|| self.wrong(name, "an object"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, BadCatalog> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| !text.trim().is_empty() && !text.contains(char::is_control));
        text.map(|text| Some(text.to_owned())).ok_or_else(|| self.wrong(name, "text on one line"))
    }

    pub(crate) fn needed_text(&self, name: &str) -> Result<String, BadCatalog> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "text on one line"))
    }

    /// What is not said means no.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, BadCatalog> {
        Ok(self.said(name)?.unwrap_or(false))
    }

    /// Yes, no, or not said.
    pub(crate) fn said(&self, name: &str) -> Result<Option<bool>, BadCatalog> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "true or false"))
    }

    pub(crate) fn tokens(&self, name: &str) -> Result<Option<Tokens>, BadCatalog> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let tokens = value.as_u64().map(Tokens);
        tokens.map(Some).ok_or_else(|| self.wrong(name, "a whole number of tokens"))
    }

    pub(crate) fn needed_tokens(&self, name: &str) -> Result<Tokens, BadCatalog> {
        self.tokens(name)?.ok_or_else(|| self.wrong(name, "a whole number of tokens"))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, BadCatalog> {
        let wrong = || self.wrong(name, "a list of texts");
        let items = self.get(name).and_then(Value::as_array).ok_or_else(wrong)?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// Dollars for a million tokens, as micro-dollars.
    pub(crate) fn dollars(&self, name: &str) -> Result<Option<MicroUsd>, BadCatalog> {
        /// More than any model costs; less than what a sum could not hold.
        const DOLLARS_MAX: f64 = 1e6;
        let Some(value) = self.get(name) else { return Ok(None) };
        let dollars = value.as_f64().filter(|dollars| (0.0..=DOLLARS_MAX).contains(dollars));
        let micro = dollars.map(|dollars| MicroUsd((dollars * 1e6).round() as u64));
        micro.map(Some).ok_or_else(|| self.wrong(name, "a price in US dollars"))
    }

    /// Whole micro-dollars.
    pub(crate) fn micro_usd(&self, name: &str) -> Result<Option<MicroUsd>, BadCatalog> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().map(|n| Some(MicroUsd(n))).ok_or_else(|| self.wrong(name, "whole micro-dollars"))
    }
}
