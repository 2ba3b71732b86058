//! The APIs that an entry of the registry can speak, and what each is by itself: its address, its variable, its models. It
//! speaks none of them.
use domain::Tokens;
use std::fmt;

/// An API of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// OpenAI's chat completions, as most servers speak them.
    OpenAi,
    /// OpenAI's responses.
    OpenAiResponses,
    /// Anthropic's messages.
    Anthropic,
    /// Google's `generateContent`.
    Gemini,
}

/// The values of `provider_type`.
pub(crate) const WORDS: &[&str] = &["openai", "anthropic", "gemini", "openai_responses"];

/// The entries that are there without being written, in the order in which a key in the environment picks one.
pub(crate) const BUILT_IN: [Api; 3] = [Api::OpenAi, Api::Anthropic, Api::Gemini];

/// What a model reads and writes when nobody says it: nearly all of today can.
pub(crate) const CONTEXT_TOKENS_MAX: Tokens = Tokens(128_000);
/// See [`CONTEXT_TOKENS_MAX`]; with a smaller window it writes a quarter of it at most.
pub(crate) const ANSWER_TOKENS_MAX: Tokens = Tokens(16_384);

impl Api {
    /// Reads a `provider_type`.
    pub(crate) fn parse(word: &str) -> Option<Api> {
        [Api::OpenAi, Api::OpenAiResponses, Api::Anthropic, Api::Gemini]
            .into_iter()
            .find(|api| api.word() == word)
    }

    /// Its `provider_type`.
    pub fn word(self) -> &'static str {
        match self {
            Api::OpenAi => "openai",
            Api::OpenAiResponses => "openai_responses",
            Api::Anthropic => "anthropic",
            Api::Gemini => "gemini",
        }
    }

    /// Where its owner offers it.
    pub fn own_url(self) -> &'static str {
        match self {
            Api::OpenAi | Api::OpenAiResponses => "https://api.openai.com/v1",
            Api::Anthropic => "https://api.anthropic.com/v1",
            Api::Gemini => "https://generativelanguage.googleapis.com/v1beta",
        }
    }

    /// The host of [`own_url`](Api::own_url): keys of the environment go there and nowhere else.
    pub fn own_host(self) -> &'static str {
        match self {
            Api::OpenAi | Api::OpenAiResponses => "api.openai.com",
            Api::Anthropic => "api.anthropic.com",
            Api::Gemini => "generativelanguage.googleapis.com",
        }
    }

    /// The variable that holds a key for it, by everybody's custom.
    pub fn key_variable(self) -> &'static str {
        match self {
            Api::OpenAi | Api::OpenAiResponses => "OPENAI_API_KEY",
            Api::Anthropic => "ANTHROPIC_API_KEY",
            Api::Gemini => "GEMINI_API_KEY",
        }
    }

    /// What the catalog calls its owner.
    pub fn catalog_provider(self) -> &'static str {
        match self {
            Api::OpenAi | Api::OpenAiResponses => "openai",
            Api::Anthropic => "anthropic",
            Api::Gemini => "google",
        }
    }

    /// The model of its owner when none is named: calls tools well, and a first try costs next to nothing.
    pub(crate) fn first_model(self) -> &'static str {
        match self {
            Api::OpenAi | Api::OpenAiResponses => "gpt-4.1-mini",
            Api::Anthropic => "claude-haiku-4-5",
            Api::Gemini => "gemini-2.5-flash",
        }
    }

    /// The header that carries a key, besides `authorization`.
    pub(crate) fn key_headers(self) -> &'static [&'static str] {
        match self {
            Api::OpenAi | Api::OpenAiResponses => &["authorization"],
            Api::Anthropic => &["x-api-key", "authorization"],
            Api::Gemini => &["x-goog-api-key", "authorization"],
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_an_api_with_an_address_of_its_own_host() {
        for word in WORDS {
            let api = Api::parse(word).expect("it is one");
            assert_eq!(api.word(), *word);
            let url = http::Url::parse(api.own_url()).expect("it is an address");
            assert_eq!(url.host(), api.own_host());
        }
        assert_eq!(Api::parse("OpenAI"), None);
    }
}
