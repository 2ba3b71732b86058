//! The keys of `users/<id>.toml`. Such a file narrows what the user's agent may do, and names the user's credentials.
use super::{
    CURRENT, Key,
    Power::{Harmless, Number, Switch as OnOff},
    Rule::{Count, Counts, Free, Money, Reference, Switch, Text, Version, Word},
    runner::TIERS,
};

const GUESTS: &str = "guests";

/// All keys.
pub(super) const KEYS: &[Key] = &[
    Key::now("config_version", Version, CURRENT, "the version of this file's keys").power(Harmless),
    Key::now("runtime.turn_timeout_secs", Counts, "", "how long a model may say nothing, at most")
        .power(Number),
    Key::now("runtime.max_turns", Counts, "", "model round trips in one turn, at most").power(Number),
    Key::now("runtime.max_tokens", Counts, "", "tokens in one turn, at most").power(Number),
    Key::now("runtime.max_duration_secs", Counts, "", "how long one turn may take, at most").power(Number),
    Key::now("runtime.max_cost", Money, "", "what one turn may cost, at most, in US dollars").power(Number),
    Key::later("mounts.shared", Text, "", "where `/shared` is", GUESTS),
    Key::later("mounts.tmp", Text, "", "where `/tmp` is", GUESTS),
    Key::later("mounts.vault", Text, "", "where `/vault` is", GUESTS),
    Key::later("resources.max_vcpus", Count(1, 65_535), "", "processors of the guest", GUESTS).power(Number),
    Key::later("resources.max_memory_mib", Counts, "", "memory of the guest", GUESTS).power(Number),
    Key::later("resources.max_processes", Count(1, 4_294_967_295), "", "processes of the guest", GUESTS)
        .power(Number),
    Key::now("credential_refs.*", Reference, "", "where this user's key for a provider of the registry is"),
    Key::later("behavior.sandbox_tier", Word(TIERS), "", "what tools run in", GUESTS),
    Key::later("behavior.shell_enabled", Switch, "", "`false` takes the shell away", GUESTS).power(OnOff),
    Key::later("behavior.browser_enabled", Switch, "", "`false` takes the browser away", GUESTS).power(OnOff),
    Key::later("behavior.timezone", Text, "", "the user's time zone", "schedules").power(Harmless),
    Key::later("channels", Free, "", "where else the user is met", "channels"),
];
