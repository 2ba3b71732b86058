//! The keys of every file, with what each may hold, what it is when nobody writes it, and whether this version acts on it.
//! A new key is one row in [`agent`], [`runner`] or [`user`]; schema, checks, defaults and listings follow from it.
mod agent;
mod runner;
mod user;

pub(crate) use runner::TIERS;

/// The version of the keys of today. Until 1.1, providers had tables of their own instead of a registry.
pub(crate) const CURRENT: &str = "1.1.0";

/// Which file has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// `agent.toml` and `providers.toml`, and the variables and flags.
    Agent,
    /// `runner.toml`.
    Runner,
    /// `users/<id>.toml`.
    User,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 3] = [FileKind::Agent, FileKind::Runner, FileKind::User];

    /// Its name, as a person says it.
    pub fn word(self) -> &'static str {
        match self {
            FileKind::Agent => "agent",
            FileKind::Runner => "runner",
            FileKind::User => "user",
        }
    }

    /// The files that have its keys, as a person is told of them.
    pub(crate) fn files(self) -> &'static str {
        match self {
            FileKind::Agent => "agent.toml",
            FileKind::Runner => "runner.toml",
            FileKind::User => "users/<id>.toml",
        }
    }

    /// The rows.
    pub(crate) fn keys(self) -> &'static [Key] {
        match self {
            FileKind::Agent => agent::KEYS,
            FileKind::Runner => runner::KEYS,
            FileKind::User => user::KEYS,
        }
    }
}

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// Text that is not blank.
    Text,
    /// Text that is not blank and is never printed.
    Secret,
    /// The name of a variable of the environment.
    Variable,
    /// The address of a server.
    Url,
    /// Addresses of servers.
    Urls,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, both ends included.
    Count(u64, u64),
    /// A whole number of at least one.
    Counts,
    /// A number from 0 to 1.
    Ratio,
    /// A finite number of US dollars above 0.
    Money,
    /// `true` or `false`.
    Switch,
    /// A list of texts.
    Texts,
    /// A list of models, each `provider/model`.
    Models,
    /// Where a credential is: `env:NAME` or `file:PATH`.
    Reference,
    /// Dotted digits with the major version 1.
    Version,
    /// Anything: whatever is below this key belongs to somebody else.
    Free,
}

/// Whether this version acts on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It does.
    Now,
    /// It is checked, and has no effect until this is built.
    Later(&'static str),
    /// It is read as this key, which has the same meaning.
    Moved(&'static str),
    /// It is accepted and never will have an effect; why.
    Gone(&'static str),
}

/// What writing a key gives to whoever writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// It may widen what an agent can do, cost or reach: only an owner's word counts.
    Widens,
    /// A smaller number is less power, and a larger one is more.
    Number,
    /// `false` is less power, and `true` is more.
    Switch,
    /// It changes no power.
    Harmless,
}

/// One key. In its path, `*` stands for a name that the user chooses.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) path: &'static str,
    pub(crate) rule: Rule,
    pub(crate) used: Use,
    pub(crate) power: Power,
    /// As text of the environment; empty for none.
    pub(crate) default: &'static str,
    pub(crate) about: &'static str,
}

impl Key {
    const fn now(path: &'static str, rule: Rule, default: &'static str, about: &'static str) -> Key {
        Key { path, rule, used: Use::Now, power: Power::Widens, default, about }
    }
    const fn later(
        path: &'static str,
        rule: Rule,
        default: &'static str,
        about: &'static str,
        until: &'static str,
    ) -> Key {
        Key { path, rule, used: Use::Later(until), power: Power::Widens, default, about }
    }
    const fn moved(path: &'static str, rule: Rule, to: &'static str) -> Key {
        Key { path, rule, used: Use::Moved(to), power: Power::Widens, default: "", about: "an older name" }
    }
    const fn gone(path: &'static str, rule: Rule, why: &'static str) -> Key {
        Key { path, rule, used: Use::Gone(why), power: Power::Harmless, default: "", about: why }
    }
    /// The same key, when more of it is more power.
    const fn power(self, power: Power) -> Key {
        Key { power, ..self }
    }

    /// Whether its value is never printed.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.rule, Rule::Secret)
    }
}

/// What a path leads to.
pub(crate) enum Found {
    /// A key that holds a value.
    Key(&'static Key),
    /// A table: keys lie below it.
    Table,
    /// Nothing.
    Nothing,
}

/// Looks a path up.
pub(crate) fn find(kind: FileKind, path: &[String]) -> Found {
    let fits = |segment: &str, name: &String| segment == "*" || segment == name;
    let mut table = false;
    for key in kind.keys() {
        let mut segments = key.path.split('.');
        let all_fit = path.iter().all(|name| segments.next().is_some_and(|segment| fits(segment, name)));
        if all_fit && segments.next().is_none() {
            return Found::Key(key);
        }
        table |= all_fit;
    }
    if table { Found::Table } else { Found::Nothing }
}

/// A path as it is written in TOML: a name that is no bare key stands in quotes.
pub(crate) fn written(path: &[String]) -> String {
    let is_bare = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let names = path.iter().map(|name| if is_bare(name) { name.clone() } else { format!("{name:?}") });
    names.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: FileKind, path: &str) -> &'static str {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        match find(kind, &path) {
            Found::Key(key) => key.path,
            Found::Table => "(table)",
            Found::Nothing => "(nothing)",
        }
    }

    #[test]
    fn a_path_leads_to_a_key_a_table_or_nothing() {
        for (path, leads_to) in [
            ("runtime.max_turns", "runtime.max_turns"),
            ("runtime", "(table)"),
            ("runtime.context_budget", "(table)"),
            ("providers.registry.mine.api_key", "providers.registry.*.api_key"),
            ("providers.registry.mine", "(table)"),
            ("runtime.max_turns.twice", "(nothing)"),
            ("runtime.max_turn", "(nothing)"),
            ("run", "(nothing)"),
        ] {
            assert_eq!(found(FileKind::Agent, path), leads_to, "{path}");
        }
        assert_eq!(found(FileKind::Runner, "users.ada.config_path"), "users.*.config_path");
        assert_eq!(found(FileKind::User, "behavior.sandbox_tier"), "behavior.sandbox_tier");
        assert_eq!(found(FileKind::User, "selection.model"), "(nothing)");
    }

    #[test]
    fn no_key_is_listed_twice_and_every_default_fits() {
        for kind in FileKind::ALL {
            let mut paths: Vec<_> = kind.keys().iter().map(|key| key.path).collect();
            paths.sort_unstable();
            assert!(paths.windows(2).all(|pair| pair[0] != pair[1]));
            for key in kind.keys() {
                assert!(!key.about.is_empty() && !key.about.ends_with('.'), "{}", key.path);
                let default = key.rule.read(key.default);
                assert!(key.default.is_empty() || key.rule.allows(&default), "{}: {}", key.path, key.default);
            }
        }
    }

    /// Every key that the documents promise which this program is built from.
    const PROMISED: [(FileKind, &str); 3] = [
        (
            FileKind::Agent,
            "config_version selection.provider selection.model runtime.turn_timeout_secs runtime.max_turns \
             runtime.max_cost runtime.context_budget.trigger_ratio runtime.context_budget.safety_buffer_tokens \
             runtime.context_budget.fallback_max_context_tokens runtime.summarization.target_ratio \
             runtime.summarization.min_turns memory.enabled memory.db_path memory.remote_url memory.auth_token \
             memory.retrieval.top_k memory.retrieval.vector_weight memory.retrieval.fts_weight \
             providers.openai.base_url providers.openai.api_key providers.anthropic.base_url \
             providers.anthropic.api_key providers.registry.x.provider_type providers.registry.x.base_url \
             providers.registry.x.api_key providers.registry.x.api_key_env providers.registry.x.extra_headers.y \
             providers.registry.x.catalog_provider reliability.max_attempts reliability.backoff_base_ms \
             reliability.backoff_max_ms reliability.jitter catalog.skip_catalog_validation scheduler.enabled \
             scheduler.poll_interval_secs scheduler.max_concurrent scheduler.max_schedules_per_user \
             scheduler.max_turns scheduler.max_cost scheduler.max_run_history scheduler.min_interval_secs \
             scheduler.default_timezone scheduler.auto_disable_after_failures mcp",
        ),
        (
            FileKind::Runner,
            "workspace_root default_tier guest_images.oxydra_vm guest_images.shell_vm \
             guest_images.firecracker_oxydra_vm_config guest_images.firecracker_shell_vm_config users.x.config_path",
        ),
        (
            FileKind::User,
            "mounts.shared mounts.tmp mounts.vault resources.max_vcpus resources.max_memory_mib \
             resources.max_processes credential_refs.x behavior.sandbox_tier behavior.shell_enabled \
             behavior.browser_enabled",
        ),
    ];

    #[test]
    fn what_was_promised_is_honoured_renamed_or_explained() {
        for (kind, keys) in PROMISED {
            for key in keys.split_whitespace() {
                assert_ne!(found(kind, key), "(nothing)", "{key}");
            }
        }
    }

    #[test]
    fn what_moved_has_a_place_and_the_same_rule_there() {
        let moved = FileKind::ALL.into_iter().flat_map(|kind| kind.keys().iter().map(move |key| (kind, key)));
        for (kind, key) in moved {
            let Use::Moved(to) = key.used else { continue };
            let path: Vec<String> = to.split('.').map(str::to_owned).collect();
            let Found::Key(new) = find(kind, &path) else { panic!("{to} is no key") };
            assert_eq!((new.rule, new.used), (key.rule, Use::Now), "{to}");
        }
    }

    #[test]
    fn a_name_that_is_no_bare_key_stands_in_quotes() {
        let path = ["catalog", "overrides", "openai/gpt-4.1", "tool_call"].map(str::to_owned);
        assert_eq!(written(&path), "catalog.overrides.\"openai/gpt-4.1\".tool_call");
    }
}
