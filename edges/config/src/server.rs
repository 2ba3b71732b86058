//! An entry of the registry, resolved: all that asking a model there needs. It asks nothing.
use crate::{
    Api,
    api::{ANSWER_TOKENS_MAX, CONTEXT_TOKENS_MAX},
};
use domain::{ModelLimits, Tariff, Tokens};
use http::{Header, Secret, Url};
use std::{path::PathBuf, time::Duration};

/// A server that models are asked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What the configuration calls it.
    pub name: String,
    /// What it speaks.
    pub api: Api,
    /// Where it is.
    pub base_url: Url,
    /// The key; a server of one's own may need none.
    pub key: Option<Secret>,
    /// Where the key is renewed, if it came from a file: one that its entry names, or the user's own.
    pub key_file: Option<PathBuf>,
    /// What goes with every request. One that carries a key takes the place of [`key`](Server::key).
    pub headers: Vec<Header>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What the configuration says of its models; it beats what a catalog says.
    pub caps: Caps,
    /// Where the catalog lists its models; `None` when nobody can know them.
    pub catalog_provider: Option<String>,
    /// What the chosen model costs, once a catalog was asked.
    pub tariff: Option<Tariff>,
}

/// How long a server may take; `None` is the client's own measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Option<Duration>,
    /// Until an answer begins.
    pub head: Option<Duration>,
    /// Between two pieces of an answer; `None` is `runtime.turn_timeout_secs`.
    pub idle: Option<Duration>,
    /// For a whole answer.
    pub total: Option<Duration>,
}

/// What a model can do, as far as it is written. What is not written is left to whoever knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caps {
    /// What it reads and writes together.
    pub context_tokens_max: Option<Tokens>,
    /// What it reads.
    pub input_tokens_max: Option<Tokens>,
    /// What it writes.
    pub answer_tokens_max: Option<Tokens>,
    /// Whether it thinks before it answers.
    pub reasoning: Option<bool>,
    /// Whether it takes files.
    pub attachment: Option<bool>,
    /// Whether it calls tools.
    pub tool_call: Option<bool>,
    /// Whether it can be held to a JSON schema.
    pub structured_output: Option<bool>,
    /// Whether its temperature can be set.
    pub temperature: Option<bool>,
    /// What it reads besides text, such as `image`.
    pub input_modalities: Option<Vec<String>>,
}

impl Caps {
    /// What is written here, and where nothing is, what is written there.
    pub fn or(self, other: Caps) -> Caps {
        Caps {
            context_tokens_max: self.context_tokens_max.or(other.context_tokens_max),
            input_tokens_max: self.input_tokens_max.or(other.input_tokens_max),
            answer_tokens_max: self.answer_tokens_max.or(other.answer_tokens_max),
            reasoning: self.reasoning.or(other.reasoning),
            attachment: self.attachment.or(other.attachment),
            tool_call: self.tool_call.or(other.tool_call),
            structured_output: self.structured_output.or(other.structured_output),
            temperature: self.temperature.or(other.temperature),
            input_modalities: self.input_modalities.or(other.input_modalities),
        }
    }

    /// The limits of a model: what is written, else what is known of it, else what nearly all models of today can. Whoever
    /// writes a window and no answer gets a quarter of the window at most.
    pub fn limits(&self, known: Option<ModelLimits>) -> ModelLimits {
        let usual =
            ModelLimits { context_tokens_max: CONTEXT_TOKENS_MAX, answer_tokens_max: ANSWER_TOKENS_MAX };
        let known = known.unwrap_or(usual);
        let window = self.context_tokens_max.unwrap_or(known.context_tokens_max);
        let written = self.answer_tokens_max.unwrap_or(known.answer_tokens_max);
        let context_tokens_max = match self.input_tokens_max {
            // What may be read is less than the window: the rest of it is for the answer.
            Some(input) => window.min(Tokens(input.0.saturating_add(written.0))),
            None => window,
        };
        let quarter = Tokens((context_tokens_max.0 / 4).max(1));
        let answer = self.answer_tokens_max.unwrap_or(known.answer_tokens_max.min(quarter));
        ModelLimits { context_tokens_max, answer_tokens_max: answer }
    }
}

impl Server {
    /// Says whether it is the API's owner who answers there: the models are known, and a key is needed.
    pub fn is_owners(&self) -> bool {
        self.base_url.host() == self.api.own_host()
    }

    /// Says whether something that goes with every request opens the door.
    pub(crate) fn has_key(&self) -> bool {
        let opens = |header: &Header| self.api.key_headers().contains(&header.name());
        self.key.is_some() || self.headers.iter().any(opens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_beats_what_is_known() {
        let limits = |context, input, answer, known: Option<(u64, u64)>| {
            let caps = Caps {
                context_tokens_max: context,
                input_tokens_max: input,
                answer_tokens_max: answer,
                ..Caps::default()
            };
            let known = known.map(|(context, answer)| ModelLimits {
                context_tokens_max: Tokens(context),
                answer_tokens_max: Tokens(answer),
            });
            let limits = caps.limits(known);
            (limits.context_tokens_max.0, limits.answer_tokens_max.0)
        };
        let tokens = |n| Some(Tokens(n));
        assert_eq!(limits(None, None, None, None), (128_000, 16_384));
        assert_eq!(limits(tokens(8_192), None, None, None), (8_192, 2_048));
        assert_eq!(limits(tokens(8_192), None, tokens(8_000), None), (8_192, 8_000));
        assert_eq!(limits(None, None, None, Some((1_000_000, 64_000))), (1_000_000, 64_000));
        assert_eq!(limits(None, tokens(272_000), None, Some((400_000, 90_000))), (362_000, 90_000));
        assert_eq!(limits(tokens(3), None, None, None), (3, 1));
    }
}
