//! The keys of `agent.toml` and `providers.toml`; variables and flags have the same.
use super::{
    CURRENT, Key,
    Power::{Harmless, Number, Switch as OnOff},
    Rule::{
        Count, Counts, Free, Models, Money, Ratio, Secret, Switch, Text, Texts, Url, Urls, Variable, Version,
        Word,
    },
};
use crate::api;

/// More tokens than any model writes in a year.
const TOKENS_MAX: u64 = 1_000_000_000_000;
/// A turn that takes longer than a month waits for nobody any more.
const DURATION_SECS_MAX: u64 = 31 * 86_400;
/// A single await longer than a day is a mistake in the unit.
const TURN_TIMEOUT_SECS_MAX: u64 = 86_400;
/// A turn with more model calls than this is a loop, whatever it costs.
const TURNS_MAX: u64 = 1_000;
/// No API takes a smaller number of tokens to think.
const THINKING_TOKENS_MIN: u64 = 1_024;
/// No model thinks longer.
const THINKING_TOKENS_MAX: u64 = 1_000_000;
/// Who fails so often fails.
const ATTEMPTS_MAX: u64 = 20;
/// Nobody waits longer between two attempts than an hour.
const BACKOFF_MS_MAX: u64 = 3_600_000;

/// What is not built yet, in the words of a notice.
const CONTEXT: &str = "the summary of long conversations";
const MEMORY: &str = "memory over sessions";
const WEB: &str = "web search";
const SHELL: &str = "the shell in a guest";
const BROWSER: &str = "the browser";
const FILES: &str = "a tool that saves what was attached";
const SCHEDULES: &str = "schedules";
const ABILITIES: &str = "questions that use what a model can do besides text and tools";
const GATEWAY: &str = "the gateway";
const AGENTS: &str = "delegation to other agents";
/// The seconds that a server may take.
const SECS: super::Rule = Count(1, TURN_TIMEOUT_SECS_MAX);

/// All keys.
pub(super) const KEYS: &[Key] = &[
    Key::now("config_version", Version, CURRENT, "the version of this file's keys").power(Harmless),
    Key::now(
        "selection.provider",
        Text,
        "",
        "whose model answers: an entry of `providers.registry`, or rehearsal",
    ),
    Key::now("selection.model", Text, "", "which model answers"),
    Key::now(
        "selection.thinking",
        Word(crate::thinking::WORDS),
        "",
        "how much the model thinks before it answers; a model that cannot is refused",
    ),
    Key::now(
        "selection.thinking_tokens",
        Count(THINKING_TOKENS_MIN, THINKING_TOKENS_MAX),
        "",
        // A number turns thinking on, which costs: where none stands, it is not less.
        "how many tokens it may think, where the API takes a number",
    ),
    Key::now(
        "runtime.turn_timeout_secs",
        Count(1, TURN_TIMEOUT_SECS_MAX),
        "60",
        "how long a model may say nothing",
    )
    .power(Number),
    Key::now("runtime.max_turns", Count(1, TURNS_MAX), "8", "model round trips in one turn").power(Number),
    Key::now("runtime.max_tokens", Count(1, TOKENS_MAX), "5000000", "tokens in one turn, in and out")
        .power(Number),
    Key::now(
        "runtime.max_duration_secs",
        Count(1, DURATION_SECS_MAX),
        "86400",
        "how long one turn may take, waiting for a person included",
    )
    .power(Number),
    Key::now("runtime.max_cost", Money, "", "what one turn may cost, in US dollars").power(Number),
    Key::now(
        "runtime.answer_schema",
        Text,
        "",
        "the file with a JSON schema that every answer fits, from the home on",
    ),
    Key::later(
        "runtime.context_budget.trigger_ratio",
        Ratio,
        "0.85",
        "how full the window is when a summary is made",
        CONTEXT,
    ),
    Key::later(
        "runtime.context_budget.safety_buffer_tokens",
        Counts,
        "1024",
        "tokens of the window that stay free",
        CONTEXT,
    ),
    Key::later(
        "runtime.context_budget.fallback_max_context_tokens",
        Counts,
        "128000",
        "the window of a model that nobody knows",
        CONTEXT,
    ),
    Key::later(
        "runtime.summarization.target_ratio",
        Ratio,
        "0.5",
        "how full the window is after a summary",
        CONTEXT,
    ),
    Key::later("runtime.summarization.min_turns", Counts, "6", "turns that are never summarised", CONTEXT),
    Key::later("memory.enabled", Switch, "false", "whether the agent remembers over sessions", MEMORY)
        .power(OnOff),
    Key::gone(
        "memory.db_path",
        Text,
        "memory is a view of the journal in the home: it has no file of its own",
    ),
    Key::gone("memory.remote_url", Text, "memory stays in the home: there is no remote database"),
    Key::gone("memory.auth_token", Secret, "memory stays in the home: there is no remote database"),
    Key::later("memory.embedding_backend", Text, "", "what turns text into vectors", MEMORY),
    Key::later("memory.model2vec_model", Text, "", "which embedding", MEMORY),
    Key::later("memory.retrieval.top_k", Counts, "8", "how many finds a search returns", MEMORY),
    Key::later("memory.retrieval.vector_weight", Ratio, "0.7", "the weight of meaning in a search", MEMORY),
    Key::later("memory.retrieval.fts_weight", Ratio, "0.3", "the weight of words in a search", MEMORY),
    Key::later(
        "memory.retrieval.hnsw_min_rows",
        Counts,
        "100000",
        "from so many rows on, vectors are indexed",
        MEMORY,
    ),
    Key::now("providers.registry.*.provider_type", Word(api::WORDS), "", "which API the server speaks"),
    Key::now("providers.registry.*.base_url", Url, "", "where the server is; the API's owner when left out"),
    Key::now("providers.registry.*.api_key", Secret, "", "the key itself; a variable is a better place"),
    Key::now("providers.registry.*.api_key_env", Variable, "", "the variable that holds the key"),
    Key::now(
        "providers.registry.*.api_key_file",
        Text,
        "",
        "the file that holds the key, from the home on; read again when the server turns the key down",
    ),
    Key::now("providers.registry.*.extra_headers.*", Secret, "", "a header that goes with every request"),
    Key::now(
        "providers.registry.*.fallback",
        Models,
        "",
        "models that are asked when this provider fails, in order",
    ),
    Key::now("providers.registry.*.connect_timeout_secs", SECS, "", "how long a connection may take"),
    Key::now("providers.registry.*.head_timeout_secs", SECS, "", "how long an answer may take to begin"),
    Key::now("providers.registry.*.idle_timeout_secs", SECS, "", "how long an answer may pause"),
    Key::now("providers.registry.*.total_timeout_secs", SECS, "", "how long a whole answer may take"),
    Key::now(
        "providers.registry.*.catalog_provider",
        Text,
        "",
        "whose models the catalog lists for this server",
    ),
    Key::now("providers.registry.*.attachment", Switch, "", "whether its models take files"),
    Key::now(
        "providers.registry.*.input_modalities",
        Texts,
        "",
        "what its models read, such as text, image and pdf",
    ),
    Key::now("providers.registry.*.reasoning", Switch, "", "whether its models think before they answer"),
    Key::now("providers.registry.*.max_input_tokens", Counts, "", "what its models read"),
    Key::now("providers.registry.*.max_output_tokens", Counts, "", "what its models write"),
    Key::now(
        "providers.registry.*.max_context_tokens",
        Counts,
        "",
        "what its models read and write together",
    ),
    Key::moved("providers.openai.base_url", Url, "providers.registry.openai.base_url"),
    Key::moved("providers.openai.api_key", Secret, "providers.registry.openai.api_key"),
    Key::moved("providers.openai.api_key_env", Variable, "providers.registry.openai.api_key_env"),
    Key::moved("providers.anthropic.base_url", Url, "providers.registry.anthropic.base_url"),
    Key::moved("providers.anthropic.api_key", Secret, "providers.registry.anthropic.api_key"),
    Key::moved("providers.anthropic.api_key_env", Variable, "providers.registry.anthropic.api_key_env"),
    Key::now(
        "reliability.max_attempts",
        Count(1, ATTEMPTS_MAX),
        "3",
        "how often one model is asked for an answer; then another stands in, or the turn fails",
    ),
    Key::now(
        "reliability.backoff_base_ms",
        Count(1, BACKOFF_MS_MAX),
        "250",
        "the wait before the second attempt",
    ),
    Key::now(
        "reliability.backoff_max_ms",
        Count(1, BACKOFF_MS_MAX),
        "2000",
        "the longest wait between attempts",
    ),
    Key::now("reliability.jitter", Switch, "false", "whether waits are spread"),
    Key::now(
        "reliability.breaker_failures",
        Count(0, 1_000),
        "5",
        "failures after which a provider rests; 0 is never",
    ),
    Key::now("reliability.breaker_pause_secs", Count(1, 86_400), "30", "how long it rests"),
    Key::now(
        "catalog.skip_catalog_validation",
        Switch,
        "false",
        "whether models that the catalog does not list are asked",
    ),
    Key::now("catalog.pinned_url", Url, "", "where `oxydra catalog fetch` looks by itself"),
    Key::now("catalog.provider_defaults.*.tool_call", Switch, "", "whether the provider's models call tools"),
    Key::now("catalog.provider_defaults.*.reasoning", Switch, "", "whether they think before they answer"),
    Key::now("catalog.provider_defaults.*.attachment", Switch, "", "whether they take files"),
    Key::now(
        "catalog.provider_defaults.*.structured_output",
        Switch,
        "",
        "whether they can be held to a JSON schema",
    ),
    Key::later(
        "catalog.provider_defaults.*.temperature",
        Switch,
        "",
        "whether their temperature can be set",
        ABILITIES,
    ),
    Key::now("catalog.provider_defaults.*.max_input_tokens", Counts, "", "what they read"),
    Key::now("catalog.provider_defaults.*.max_output_tokens", Counts, "", "what they write"),
    Key::now(
        "catalog.provider_defaults.*.max_context_tokens",
        Counts,
        "",
        "what they read and write together",
    ),
    Key::now("catalog.overrides.*.tool_call", Switch, "", "whether the model `provider/model` calls tools"),
    Key::now("catalog.overrides.*.reasoning", Switch, "", "whether it thinks before it answers"),
    Key::now("catalog.overrides.*.attachment", Switch, "", "whether it takes files"),
    Key::now("catalog.overrides.*.structured_output", Switch, "", "whether it can be held to a JSON schema"),
    Key::later(
        "catalog.overrides.*.temperature",
        Switch,
        "",
        "whether its temperature can be set",
        ABILITIES,
    ),
    Key::now("catalog.overrides.*.max_input_tokens", Counts, "", "what it reads"),
    Key::now("catalog.overrides.*.max_output_tokens", Counts, "", "what it writes"),
    Key::now("catalog.overrides.*.max_context_tokens", Counts, "", "what it reads and writes together"),
    Key::now(
        "local.servers",
        Urls,
        "http://127.0.0.1:11434,http://127.0.0.1:8080,http://127.0.0.1:1234",
        "where a model on this machine is looked for when no provider is configured; empty: nowhere",
    ),
    Key::later(
        "tools.web_search.provider",
        Word(&["duckduckgo", "google", "searxng"]),
        "duckduckgo",
        "who searches",
        WEB,
    ),
    Key::later("tools.web_search.base_url", Text, "", "where they are", WEB),
    Key::later("tools.web_search.base_urls", Texts, "", "where else they are", WEB),
    Key::later("tools.web_search.api_key_env", Text, "", "the variable that holds their key", WEB),
    Key::later("tools.web_search.engine_id_env", Text, "", "the variable that holds the engine's id", WEB),
    Key::later("tools.web_search.query_params", Text, "", "what goes with every search", WEB),
    Key::later("tools.web_search.engines", Text, "", "the engines to ask", WEB),
    Key::later("tools.web_search.categories", Text, "", "the categories to ask", WEB),
    Key::later("tools.web_search.safesearch", Count(0, 255), "", "how strict it is", WEB),
    Key::later("tools.web_search.egress_allowlist", Texts, "", "hosts that may be fetched", WEB),
    Key::later("tools.shell.enabled", Switch, "true", "whether there is a shell", SHELL).power(OnOff),
    Key::later("tools.shell.allow", Texts, "*", "commands that may run", SHELL),
    Key::later("tools.shell.deny", Texts, "", "commands that may not", SHELL).power(Harmless),
    Key::later("tools.shell.replace_defaults", Switch, "false", "whether the lists stand alone", SHELL),
    Key::later("tools.shell.allow_operators", Switch, "true", "whether commands may be joined", SHELL)
        .power(OnOff),
    Key::later("tools.shell.env_keys", Texts, "", "variables that the shell sees", SHELL),
    Key::later("tools.shell.command_timeout_secs", Counts, "60", "how long a command may take", SHELL)
        .power(Number),
    Key::later("tools.browser.enabled", Switch, "true", "whether there is a browser", BROWSER).power(OnOff),
    Key::later("tools.browser.cdp_url", Text, "", "where a browser is", BROWSER),
    Key::later("tools.attachment_save.timeout_secs", Counts, "60", "how long saving a file may take", FILES)
        .power(Number),
    Key::later("scheduler.enabled", Switch, "false", "whether there are schedules", SCHEDULES).power(OnOff),
    Key::gone("scheduler.poll_interval_secs", Counts, "schedules are durable timers: nothing polls"),
    Key::later("scheduler.max_concurrent", Counts, "2", "scheduled turns at once", SCHEDULES).power(Number),
    Key::later("scheduler.max_schedules_per_user", Counts, "50", "schedules of one user", SCHEDULES)
        .power(Number),
    Key::later("scheduler.max_turns", Counts, "10", "model round trips of a scheduled turn", SCHEDULES)
        .power(Number),
    Key::later("scheduler.max_cost", Money, "0.5", "what a scheduled turn may cost", SCHEDULES).power(Number),
    Key::later("scheduler.max_run_history", Counts, "20", "past runs that are kept", SCHEDULES)
        .power(Harmless),
    Key::later("scheduler.min_interval_secs", Counts, "60", "the shortest interval", SCHEDULES),
    Key::later(
        "scheduler.default_timezone",
        Text,
        "UTC",
        "the time zone of a schedule that names none",
        SCHEDULES,
    )
    .power(Harmless),
    Key::later(
        "scheduler.auto_disable_after_failures",
        Counts,
        "5",
        "failures after which a schedule stops",
        SCHEDULES,
    )
    .power(Number),
    Key::later(
        "scheduler.notify_after_failures",
        Count(0, u64::MAX),
        "3",
        "failures after which its user is told",
        SCHEDULES,
    )
    .power(Harmless),
    Key::later("gateway.max_sessions_per_user", Counts, "50", "sessions of one user", GATEWAY).power(Number),
    Key::later("gateway.max_concurrent_turns_per_user", Counts, "10", "turns of one user at once", GATEWAY)
        .power(Number),
    Key::later("gateway.session_idle_ttl_hours", Counts, "48", "when an idle session is put away", GATEWAY)
        .power(Harmless),
    Key::later("agents.*.system_prompt", Text, "", "what the agent is told first", AGENTS),
    Key::later("agents.*.system_prompt_file", Text, "", "a file with it", AGENTS),
    Key::later("agents.*.selection.provider", Text, "", "whose model answers for it", AGENTS),
    Key::later("agents.*.selection.model", Text, "", "which", AGENTS),
    Key::later("agents.*.tools", Texts, "", "what it may call", AGENTS),
    Key::later("agents.*.max_turns", Counts, "", "its model round trips in one turn", AGENTS).power(Number),
    Key::later("agents.*.max_cost", Money, "", "what one of its turns may cost", AGENTS).power(Number),
    Key::later("mcp", Free, "", "tools of other servers", "the Model Context Protocol"),
    Key::later("observability", Free, "", "traces and metrics", "traces and metrics"),
];
