//! Which package may import which, and why. A new import is one row here, and the row is what a reviewer reads.

/// How far up a package stands: it imports only from below.
pub(super) const LEVELS: &[(&str, u8)] = &[
    ("macros", 0),
    ("tools-macros", 0),
    ("durable", 1),
    ("engine", 2),
    ("domain", 2),
    ("frames", 2),
    ("http", 2),
    ("wire", 2),
    ("microvm", 2),
    ("agent", 3),
    ("image", 3),
    ("guest", 3),
    ("nouns", 2),
    ("asker", 3),
    ("server", 3),
    ("policy", 3),
    ("store", 3),
    ("providers", 3),
    ("config", 3),
    ("catalog", 3),
    ("local", 3),
    ("telemetry", 3),
    ("turn", 4),
    ("branch", 4),
    ("tools", 4),
    ("daemon", 5),
    ("tests", 6),
    ("xtask", 6),
    ("bench", 6),
    ("guests", 6),
];

/// An import: from, to, and the reason for it.
pub(super) type Import = (&'static str, &'static str, &'static str);

/// What packages are built from.
pub(super) const IMPORTS: &[Import] = &[
    ("durable", "macros", "shapes are derived"),
    ("engine", "durable", "the journal holds durable types"),
    ("engine", "macros", "graphs, states and events are declared with macros"),
    ("nouns", "durable", "requests that two graphs share"),
    ("asker", "engine", "a graph that asks, in a package of its own"),
    ("asker", "nouns", "what it asks"),
    ("server", "engine", "a graph that serves, in a package of its own"),
    ("server", "nouns", "what it serves"),
    ("domain", "durable", "requests, outcomes and facts are journalled"),
    ("policy", "durable", "verdicts and stages are journalled"),
    ("policy", "engine", "only the engine's ticket makes an approved call executable"),
    ("policy", "domain", "it judges tool calls"),
    ("turn", "engine", "it is a graph"),
    ("turn", "durable", "its states hold times and the addresses of facts"),
    ("turn", "domain", "its nouns and its ports"),
    ("turn", "policy", "a call passes through its stages"),
    ("branch", "engine", "it is a graph"),
    ("branch", "durable", "its state holds the address of a fact"),
    ("branch", "domain", "it records that a session is forked"),
    ("store", "durable", "rows are made from facts"),
    ("store", "engine", "the view follows the log"),
    ("store", "domain", "it answers the conversation port"),
    ("providers", "domain", "it answers the model port"),
    ("providers", "http", "models are asked over HTTP"),
    ("tools", "domain", "it answers the toolbox port"),
    ("tools", "policy", "it runs what policy approved, on paths that policy resolved"),
    ("tools", "tools-macros", "schemas come from functions"),
    ("config", "domain", "limits are domain units"),
    ("config", "http", "a key is a secret, and an address parsed, from where it is read"),
    ("local", "domain", "windows are counted in tokens"),
    ("local", "http", "servers are asked over HTTP"),
    ("catalog", "domain", "limits and prices are domain units"),
    ("telemetry", "engine", "it observes the engine"),
    ("tests", "frames", "it reads what the program says"),
    ("daemon", "durable", "it prints ids and times"),
    ("daemon", "engine", "it opens the journal and starts runs"),
    ("daemon", "domain", "it asks turns"),
    ("daemon", "policy", "it wires the rules"),
    ("daemon", "turn", "it registers the graph"),
    ("daemon", "branch", "it registers the graph"),
    ("daemon", "store", "it wires the view"),
    ("daemon", "http", "it makes the client"),
    ("daemon", "providers", "it wires the model"),
    ("daemon", "tools", "it wires the tools"),
    ("daemon", "frames", "it speaks to clients"),
    ("daemon", "config", "it reads the configuration"),
    ("daemon", "local", "it finds a model on this machine"),
    ("daemon", "catalog", "it looks up what models can do and cost"),
    ("daemon", "telemetry", "it starts the log"),
    ("agent", "wire", "it speaks with the host"),
    ("image", "wire", "it puts things where the agent looks"),
    ("guest", "wire", "it speaks with the agent"),
    ("bench", "engine", "it measures the engine"),
    ("guests", "image", "it builds images"),
    ("guests", "guest", "it speaks with guests"),
    ("guests", "wire", "it says what to run"),
    ("bench", "providers", "it measures the providers"),
    ("bench", "domain", "it asks models through their port"),
    ("bench", "http", "models are asked over HTTP"),
];

/// What tests are built from besides. A test may import what its package must not.
pub(super) const TEST_IMPORTS: &[Import] = &[
    ("engine", "engine", "its own stories use what it offers to tests of graphs"),
    ("engine", "asker", "graphs in packages of their own ask each other"),
    ("engine", "server", "graphs in packages of their own ask each other"),
    ("engine", "nouns", "what they ask"),
    ("tools", "engine", "a call needs a ticket to run"),
    ("guest", "agent", "both sides are tested against each other"),
    ("wire", "wire", "its own stories use what it offers to fuzzers"),
    ("tests", "domain", "its types go through the codec"),
    ("tests", "engine", "a journal of another build is made with it"),
    ("tests", "policy", "its stages go through the codec"),
    ("tests", "turn", "its states go through the codec"),
];

/// A crate that only some packages may use: the crate, the packages, and the reason.
pub(super) type Confined = (&'static str, &'static [&'static str], &'static str);

/// Crates that would undo a decision if they spread.
pub(super) const CONFINED: &[Confined] = &[
    (
        "bincode",
        &["durable", "engine"],
        "the journal's codec is the only user: its bytes are a format of ours",
    ),
    (
        "serde",
        &["frames", "tools", "microvm", "providers"],
        "what serde attributes write, the journal's codec may be unable to read",
    ),
    ("hyper", &["http", "bench"], "there is one way out; what it costs is measured against hyper itself"),
    ("rustls", &["http"], "there is one way out, and one TLS"),
    ("tiktoken-rs", &["providers"], "a vocabulary takes tens of megabytes: one place loads them"),
    ("lexopt", &["daemon", "microvm", "xtask", "bench", "guests"], "only what has a command line parses one"),
    ("slog-scope", &["telemetry"], "the global logger is for libraries; we pass ours"),
];

/// Packages that must never use a crate: the package, the crates, and the reason.
pub(super) const ABSENT: &[Confined] = &[
    (
        "durable",
        &["tokio", "futures", "serde", "serde_json", "rustix"],
        "it says what a journal can hold and does nothing",
    ),
    ("engine", &["serde", "serde_json", "toml"], "it knows no model, tool, user or socket"),
    (
        "domain",
        &["tokio", "serde", "serde_json", "rustix"],
        "everything recompiles with it, and it does no I/O",
    ),
    (
        "turn",
        &["tokio", "serde", "serde_json", "rustix", "getrandom"],
        "a graph does no I/O: the outside arrives through ports",
    ),
    ("branch", &["tokio", "serde", "serde_json", "rustix", "getrandom"], "a graph does no I/O"),
    ("frames", &["tokio"], "it says what is sent, and sends nothing"),
    (
        "wire",
        &["tokio", "serde", "serde_json", "rustix"],
        "it says what host and guest send, and sends nothing",
    ),
    (
        "microvm",
        &["tokio", "engine", "slog"],
        "it shares a process with an untrusted guest: what is not in it cannot be attacked",
    ),
];
