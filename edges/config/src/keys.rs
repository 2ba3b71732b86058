//! Every key of `agent.toml` and `providers.toml`, with what it may hold and whether this version acts on it. A new key
//! is one row here and one field in [`Config`](crate::Config).
use Rule::{Count, Counts, Free, Money, Ratio, Secret, Switch, Text, Texts, Url, Version, Word};
use Use::{Later, Now};

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// Text that is not blank.
    Text,
    /// Text that is not blank and is never printed.
    Secret,
    /// The address of a server.
    Url,
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
    /// It is checked, and has no effect yet.
    Later,
}

/// One key. In its path, `*` stands for a name that the user chooses.
pub(crate) struct Key {
    pub(crate) path: &'static str,
    pub(crate) rule: Rule,
    pub(crate) used: Use,
}

/// More tokens than any model writes in a year.
const TOKENS_MAX: u64 = 1_000_000_000_000;
/// A turn that takes longer than a month waits for nobody any more.
const DURATION_SECS_MAX: u64 = 31 * 86_400;

/// A single await longer than a day is a mistake in the unit.
pub(crate) const TURN_TIMEOUT_SECS_MAX: u64 = 86_400;
/// A turn with more model calls than this is a loop, whatever it costs.
pub(crate) const TURNS_MAX: u64 = 1_000;

const fn now(path: &'static str, rule: Rule) -> Key {
    Key { path, rule, used: Now }
}
const fn later(path: &'static str, rule: Rule) -> Key {
    Key { path, rule, used: Later }
}

/// All keys.
pub(crate) const KEYS: &[Key] = &[
    now("config_version", Version),
    now("selection.provider", Text),
    now("selection.model", Text),
    now("runtime.turn_timeout_secs", Count(1, TURN_TIMEOUT_SECS_MAX)),
    now("runtime.max_turns", Count(1, TURNS_MAX)),
    now("runtime.max_tokens", Count(1, TOKENS_MAX)),
    now("runtime.max_duration_secs", Count(1, DURATION_SECS_MAX)),
    now("runtime.max_cost", Money),
    later("runtime.context_budget.trigger_ratio", Ratio),
    later("runtime.context_budget.safety_buffer_tokens", Counts),
    later("runtime.context_budget.fallback_max_context_tokens", Counts),
    later("runtime.summarization.target_ratio", Ratio),
    later("runtime.summarization.min_turns", Counts),
    later("memory.enabled", Switch),
    later("memory.db_path", Text),
    later("memory.remote_url", Text),
    later("memory.auth_token", Secret),
    later("memory.embedding_backend", Text),
    later("memory.model2vec_model", Text),
    later("memory.retrieval.top_k", Counts),
    later("memory.retrieval.vector_weight", Ratio),
    later("memory.retrieval.fts_weight", Ratio),
    later("memory.retrieval.hnsw_min_rows", Counts),
    now("providers.registry.*.provider_type", Word(&["openai", "anthropic", "gemini", "openai_responses"])),
    now("providers.registry.*.base_url", Url),
    now("providers.registry.*.api_key", Secret),
    now("providers.registry.*.api_key_env", Text),
    now("providers.registry.*.extra_headers.*", Secret),
    later("providers.registry.*.catalog_provider", Text),
    later("providers.registry.*.attachment", Switch),
    later("providers.registry.*.input_modalities", Texts),
    later("providers.registry.*.reasoning", Switch),
    later("providers.registry.*.max_input_tokens", Counts),
    now("providers.registry.*.max_output_tokens", Counts),
    now("providers.registry.*.max_context_tokens", Counts),
    later("reliability.max_attempts", Counts),
    later("reliability.backoff_base_ms", Counts),
    later("reliability.backoff_max_ms", Counts),
    later("reliability.jitter", Switch),
    later("catalog.skip_catalog_validation", Switch),
    later("catalog.pinned_url", Text),
    later("tools.web_search.provider", Word(&["duckduckgo", "google", "searxng"])),
    later("tools.web_search.base_url", Text),
    later("tools.web_search.base_urls", Texts),
    later("tools.web_search.api_key_env", Text),
    later("tools.web_search.engine_id_env", Text),
    later("tools.web_search.query_params", Text),
    later("tools.web_search.engines", Text),
    later("tools.web_search.categories", Text),
    later("tools.web_search.safesearch", Count(0, 255)),
    later("tools.web_search.egress_allowlist", Texts),
    later("tools.shell.enabled", Switch),
    later("tools.shell.allow", Texts),
    later("tools.shell.deny", Texts),
    later("tools.shell.replace_defaults", Switch),
    later("tools.shell.allow_operators", Switch),
    later("tools.shell.env_keys", Texts),
    later("tools.shell.command_timeout_secs", Counts),
    later("tools.browser.enabled", Switch),
    later("tools.browser.cdp_url", Text),
    later("tools.attachment_save.timeout_secs", Counts),
    later("scheduler.enabled", Switch),
    later("scheduler.poll_interval_secs", Counts),
    later("scheduler.max_concurrent", Counts),
    later("scheduler.max_schedules_per_user", Counts),
    later("scheduler.max_turns", Counts),
    later("scheduler.max_cost", Money),
    later("scheduler.max_run_history", Counts),
    later("scheduler.min_interval_secs", Counts),
    later("scheduler.default_timezone", Text),
    later("scheduler.auto_disable_after_failures", Counts),
    later("scheduler.notify_after_failures", Count(0, u64::MAX)),
    later("gateway.max_sessions_per_user", Counts),
    later("gateway.max_concurrent_turns_per_user", Counts),
    later("gateway.session_idle_ttl_hours", Counts),
    later("agents.*.system_prompt", Text),
    later("agents.*.system_prompt_file", Text),
    later("agents.*.selection.provider", Text),
    later("agents.*.selection.model", Text),
    later("agents.*.tools", Texts),
    later("agents.*.max_turns", Counts),
    later("agents.*.max_cost", Money),
    later("mcp", Free),
    later("observability", Free),
];

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
pub(crate) fn find(path: &[String]) -> Found {
    let fits = |segment: &str, name: &String| segment == "*" || segment == name;
    let mut table = false;
    for key in KEYS {
        let mut segments = key.path.split('.');
        let all_fit = path.iter().all(|name| segments.next().is_some_and(|segment| fits(segment, name)));
        if all_fit && segments.next().is_none() {
            return Found::Key(key);
        }
        table |= all_fit;
    }
    if table { Found::Table } else { Found::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> &'static str {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        match find(&path) {
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
            assert_eq!(found(path), leads_to, "{path}");
        }
    }

    #[test]
    fn no_key_is_listed_twice() {
        let mut paths: Vec<_> = KEYS.iter().map(|key| key.path).collect();
        paths.sort_unstable();
        assert!(paths.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
