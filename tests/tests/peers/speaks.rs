//! The APIs that the peer speaks, and what differs between them from its side.

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Chat,
    Responses,
    Messages,
    Gemini,
}

impl Speaks {
    pub(crate) const ALL: [Speaks; 4] = [Speaks::Chat, Speaks::Responses, Speaks::Messages, Speaks::Gemini];

    /// What a configuration calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Speaks::Chat => "openai",
            Speaks::Responses => "openai_responses",
            Speaks::Messages => "anthropic",
            Speaks::Gemini => "gemini",
        }
    }

    /// Where it is asked.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Speaks::Chat => "/v1/chat/completions",
            Speaks::Responses => "/v1/responses",
            Speaks::Messages => "/v1/messages",
            Speaks::Gemini => "/v1beta/models/o4-mini:streamGenerateContent?alt=sse",
        }
    }

    /// The header with the key.
    pub(crate) fn key_header(self) -> &'static str {
        match self {
            Speaks::Chat | Speaks::Responses => "authorization",
            Speaks::Messages => "x-api-key",
            Speaks::Gemini => "x-goog-api-key",
        }
    }

    /// Whether what was said is sent each time: else the server is taken to remember.
    pub(crate) fn sends_all(self) -> bool {
        match self {
            Speaks::Chat | Speaks::Messages | Speaks::Gemini => true,
            Speaks::Responses => false,
        }
    }
}
