//! What is known of one model. Prices are whole micro-dollars for a million tokens.
use domain::{ModelLimits, Tariff, Tokens};

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDescriptor {
    /// As its provider calls it in requests.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// The family it belongs to.
    pub family: Option<String>,
    /// What it can do.
    pub flags: Flags,
    /// The field that its thoughts come in, where it writes them between its words.
    pub interleaved: Option<String>,
    /// What it reads, such as `text` and `image`.
    pub reads: Vec<String>,
    /// What it writes.
    pub writes: Vec<String>,
    /// How much it takes.
    pub limits: Limits,
    /// What it costs; `None` when nobody says.
    pub cost: Option<Tariff>,
    /// Until when it knows the world: a month or a day.
    pub knowledge: Option<String>,
    /// The day it came out.
    pub released: String,
    /// The day these facts were last changed.
    pub updated: String,
    /// Whether it is there to stay.
    pub status: Status,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// It takes files.
    pub attachment: bool,
    /// It thinks before it answers.
    pub reasoning: bool,
    /// It calls tools.
    pub tool_call: bool,
    /// It can be held to a JSON schema, or cannot; `None` when nobody says.
    pub structured_output: Option<bool>,
    /// Its temperature can be set.
    pub temperature: bool,
    /// Its weights are published.
    pub open_weights: bool,
}

impl Flags {
    /// What is known that it cannot do: of most flags, not saying means no.
    pub fn denied(&self) -> Option<&'static str> {
        (self.structured_output == Some(false)).then_some("structured_output")
    }

    /// The flags by name, in the order in which they are written.
    pub fn named(&self) -> [(&'static str, bool); 6] {
        let Flags { attachment, reasoning, tool_call, structured_output, temperature, open_weights } = *self;
        [
            ("attachment", attachment),
            ("reasoning", reasoning),
            ("tool_call", tool_call),
            ("structured_output", structured_output == Some(true)),
            ("temperature", temperature),
            ("open_weights", open_weights),
        ]
    }
}

/// How much a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What it reads and writes together.
    pub context: Tokens,
    /// What it reads, if that is less.
    pub input: Option<Tokens>,
    /// What it writes.
    pub output: Tokens,
}

/// Whether a model is there to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Current,
    /// It is tried out by few.
    Alpha,
    /// It is tried out by many.
    Beta,
    /// It goes away.
    Deprecated,
}

impl Status {
    /// As the source calls it; nothing for what is there to stay.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Status::Current => None,
            Status::Alpha => Some("alpha"),
            Status::Beta => Some("beta"),
            Status::Deprecated => Some("deprecated"),
        }
    }
}

impl ModelDescriptor {
    /// Its limits, as whoever asks needs them.
    pub fn model_limits(&self) -> ModelLimits {
        ModelLimits { context_tokens_max: self.limits.context, answer_tokens_max: self.limits.output }
    }

    /// Whether it can hold a conversation: it reads and writes text, and has room for some.
    pub fn talks(&self) -> bool {
        let has_text = |kinds: &[String]| kinds.iter().any(|kind| kind == "text");
        let has_room = self.limits.context.0 > 0 && self.limits.output.0 > 0;
        has_text(&self.reads) && has_text(&self.writes) && has_room
    }
}
