//! Every way in which a configuration can be wrong, as `oxydra config check` says it: the key, the file with its line, and
//! what would be right. The file beside this one is what it says; `UPDATE_EXPECT=1` writes it anew.
use expect_test::expect_file;
use std::{fs, os::unix::fs::PermissionsExt};
use tests::Place;

/// A class of mistakes: its name, the files of the home, the variables.
struct Case(&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

const DESK: &str = "selection.provider = \"desk\"\nselection.model = \"m\"\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\nfallback = [\"rehearsal/rehearsal\"]\n";

/// A server, and a schema that its answers shall fit.
const FORM: &str = "runtime.answer_schema = \"form.json\"\nselection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\n";

/// A server that is chosen, and its key in a file.
const KEYED: &str = "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\napi_key_file = \"the-key\"\n";

/// A server that nobody chose, and its key in a file.
const UNCHOSEN: &str = "[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\napi_key_file = \"the-key\"\n";

const CASES: &[Case] = &[
    Case("an unknown key", &[("agent.toml", "[runtime]\nmax_turn = 3\n")], &[]),
    Case("an unknown key that is near to nothing", &[("agent.toml", "weather = \"fine\"\n")], &[]),
    Case("a key of another file", &[("agent.toml", "default_tier = \"process\"\n")], &[]),
    Case("a key without its table", &[("agent.toml", "hnsw_min_rows = 3\n")], &[]),
    Case("a number as text", &[("agent.toml", "[runtime]\nmax_turns = \"many\"\n")], &[]),
    Case("a number that is not whole", &[("agent.toml", "[runtime]\nmax_turns = 2.5\n")], &[]),
    Case("a number that is too small", &[("agent.toml", "[runtime]\nmax_turns = 0\n")], &[]),
    Case("a number that is too large", &[("agent.toml", "[runtime]\nturn_timeout_secs = 100000\n")], &[]),
    Case("a number that is no number", &[("agent.toml", "[runtime]\nmax_cost = nan\n")], &[]),
    Case("a ratio above one", &[("agent.toml", "[runtime.context_budget]\ntrigger_ratio = 1.5\n")], &[]),
    Case("a switch as text", &[("agent.toml", "[memory]\nenabled = \"yes\"\n")], &[]),
    Case("text where a list belongs", &[("agent.toml", "[tools.shell]\nallow = \"ls\"\n")], &[]),
    Case("a value where a table belongs", &[("agent.toml", "runtime = 3\n")], &[]),
    Case("a table where a value belongs", &[("agent.toml", "[runtime.max_turns]\nn = 3\n")], &[]),
    Case(
        "a word that is none of its words",
        &[("agent.toml", "[tools.web_search]\nprovider = \"bing\"\n")],
        &[],
    ),
    Case("no TOML", &[("agent.toml", "[runtime]\nmax_turns = = 3\n")], &[]),
    Case("no TOML on two lines", &[("agent.toml", "[runtime\nmax_turns = \"3\nx = 1\n")], &[]),
    Case("a key twice", &[("agent.toml", "[runtime]\nmax_turns = 3\nmax_turns = 4\n")], &[]),
    Case("a table twice", &[("agent.toml", "[runtime]\nmax_turns = 3\n[runtime]\nmax_cost = 1\n")], &[]),
    Case("bytes that are no text", &[("agent.toml", "\u{0}latin1: fr\u{fffd}here\n")], &[]),
    Case("a directory in place of a file", &[("agent.toml/inside", "")], &[]),
    Case("a version that is not ours", &[("agent.toml", "config_version = \"2.0.0\"\n")], &[]),
    Case("a version that is none", &[("agent.toml", "config_version = \"latest\"\n")], &[]),
    Case("a provider that nobody knows", &[("agent.toml", "[selection]\nprovider = \"opanai\"\n")], &[]),
    Case(
        "a provider without a type",
        &[(
            "providers.toml",
            "selection.provider = \"desk\"\n[providers.registry.desk]\nbase_url = \"http://desk\"\n",
        )],
        &[],
    ),
    Case(
        "a type that nobody speaks",
        &[("providers.toml", "[providers.registry.desk]\nprovider_type = \"openia\"\n")],
        &[],
    ),
    Case(
        "no model for a server",
        &[(
            "providers.toml",
            "selection.provider = \"desk\"\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\n",
        )],
        &[],
    ),
    Case(
        "a model that the rehearsal does not have",
        &[("agent.toml", "[selection]\nmodel = \"gpt-4o\"\n")],
        &[],
    ),
    Case("a fallback to the rehearsal", &[("providers.toml", DESK)], &[]),
    Case(
        "a catalog that is no JSON, and a key",
        &[("catalog.json", "{"), ("agent.toml", "weather = 1\n")],
        &[],
    ),
    Case("no key", &[("agent.toml", "[selection]\nprovider = \"openai\"\n")], &[]),
    Case("a key that is blank", &[("providers.toml", "[providers.registry.openai]\napi_key = \" \"\n")], &[]),
    Case(
        "a key that is no text",
        &[("providers.toml", "[providers.registry.openai]\napi_key = [\"sk-secret\"]\n")],
        &[],
    ),
    Case(
        "an address that is none",
        &[("providers.toml", "[providers.registry.openai]\nbase_url = \"desk:80\"\n")],
        &[],
    ),
    Case(
        "a password in an address",
        &[("providers.toml", "[providers.registry.openai]\nbase_url = \"https://me:sk-secret@desk\"\n")],
        &[],
    ),
    Case(
        "a header that cannot be sent",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\nextra_headers = { \"x y\" = \"sk-secret\" }\n",
        )],
        &[],
    ),
    Case(
        "providers that fall back to each other",
        &[(
            "providers.toml",
            "[providers.registry.a]\nprovider_type = \"openai\"\nfallback = [\"b/m\"]\n[providers.registry.b]\nprovider_type = \"openai\"\nfallback = [\"a/m\"]\n",
        )],
        &[],
    ),
    Case(
        "a fallback to nobody",
        &[("providers.toml", "[providers.registry.openai]\nfallback = [\"antropic/m\"]\n")],
        &[],
    ),
    Case(
        "a fallback without a provider",
        &[("providers.toml", "[providers.registry.openai]\nfallback = [\"gpt-4o\"]\n")],
        &[],
    ),
    Case(
        "waits that begin above their end",
        &[("agent.toml", "[reliability]\nbackoff_base_ms = 5000\n")],
        &[],
    ),
    Case(
        "weights that are not one together",
        &[("agent.toml", "[memory.retrieval]\nvector_weight = 0.9\n")],
        &[],
    ),
    Case(
        "a user's file that widens",
        &[("agent.toml", "runtime.max_turns = 6\n"), ("users/default.toml", "[runtime]\nmax_turns = 9\n")],
        &[],
    ),
    Case(
        "another user's file that widens",
        &[("users/ada.toml", "\n\n[behavior]\nsandbox_tier = \"process\"\n")],
        &[],
    ),
    Case("a user's file with a key of the agent", &[("users/ada.toml", "[selection]\nmodel = \"m\"\n")], &[]),
    Case(
        "a user's file that is not there",
        &[("runner.toml", "[users.ada]\nconfig_path = \"users/ada.toml\"\n")],
        &[],
    ),
    Case("a user who cannot be", &[("runner.toml", "[users.\"a/b\"]\nconfig_path = \"x\"\n")], &[]),
    Case("a tier that there is not", &[("runner.toml", "default_tier = \"vm\"\n")], &[]),
    Case(
        "a credential that is not there",
        &[("users/default.toml", "[credential_refs]\nopenai = \"env:ADAS_KEY\"\n")],
        &[],
    ),
    Case(
        "a credential that is no reference",
        &[("users/default.toml", "[credential_refs]\nopenai = \"sk secret\"\n")],
        &[],
    ),
    Case("a schema that is not there", &[("agent.toml", FORM)], &[]),
    Case("a schema that is no JSON", &[("agent.toml", FORM), ("form.json", "{\"type\": ")], &[]),
    Case("a schema that is a list", &[("agent.toml", FORM), ("form.json", "[]")], &[]),
    Case(
        "a schema with a type that there is not",
        &[("agent.toml", FORM), ("form.json", "{\"properties\": {\"city\": {\"type\": \"text\"}}}")],
        &[],
    ),
    Case(
        "a schema that leads elsewhere",
        &[("agent.toml", FORM), ("form.json", "{\"$ref\": \"https://example.com/city.json\"}")],
        &[],
    ),
    Case("a schema that is no text", &[("agent.toml", FORM), ("form.json", "{}\n\u{fffd}")], &[]),
    Case("a directory in place of a schema", &[("agent.toml", FORM), ("form.json/inside", "")], &[]),
    Case(
        "a schema for the rehearsal, and none",
        &[("agent.toml", "runtime.answer_schema = \"form.json\"\nselection.provider = \"rehearsal\"\n")],
        &[],
    ),
    Case("a key file that is not there", &[("providers.toml", KEYED)], &[]),
    Case("a key file that is blank", &[("providers.toml", KEYED), ("the-key", "\n")], &[]),
    Case("a directory in place of a key file", &[("providers.toml", KEYED), ("the-key/inside", "")], &[]),
    Case("a key file of an entry that nobody chose", &[("providers.toml", UNCHOSEN)], &[]),
    Case(
        "a credential in a file that is not there",
        &[("users/default.toml", "[credential_refs]\nopenai = \"file:mine\"\n")],
        &[],
    ),
    Case(
        "another user's credential in a file that is not there",
        &[("users/ada.toml", "[credential_refs]\nopenai = \"file:mine\"\n")],
        &[],
    ),
    Case(
        "an address that is none, of a server that is chosen",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"127.0.0.1:80\"\n",
        )],
        &[],
    ),
    Case(
        "a key where its variable belongs",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\napi_key_env = \"sk-secret-1\"\n",
        )],
        &[],
    ),
    Case(
        "a key that cannot be sent",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\napi_key = \"sk-secret\\nmore\"\n",
        )],
        &[],
    ),
    Case(
        "a header where a table of them belongs",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\nextra_headers = \"x-key: sk-secret\"\n",
        )],
        &[],
    ),
    Case(
        "an entry with a slash in its name",
        &[("providers.toml", "[providers.registry.\"a/b\"]\nprovider_type = \"openai\"\n")],
        &[],
    ),
    Case(
        "an entry without a name",
        &[("providers.toml", "[providers.registry.\"\"]\nprovider_type = \"openai\"\n")],
        &[],
    ),
    Case(
        "a list of fallbacks with a number in it",
        &[(
            "providers.toml",
            "selection = { provider = \"desk\", model = \"m\" }\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\nfallback = [\"desk/n\", 7]\n",
        )],
        &[],
    ),
    Case("a variable with an unknown key", &[], &[("OXYDRA__RUNTIME__MAX_TRUNS", "3")]),
    Case("a variable that does not fit", &[], &[("OXYDRA__RUNTIME__MAX_TURNS", "three")]),
    Case(
        "a model that the catalog does not list",
        &[("agent.toml", "[selection]\nprovider = \"openai\"\nmodel = \"gpt-4.1-mimi\"\n")],
        &[("OPENAI_API_KEY", "key")],
    ),
    Case(
        "a fallback that the catalog does not list",
        &[("providers.toml", "[providers.registry.openai]\nfallback = [\"openai/gpt-6\"]\n")],
        &[("OPENAI_API_KEY", "key")],
    ),
    Case(
        "a catalog that was changed by hand",
        &[("catalog.json", "{\"version\": \"1\", \"providers\": {}}")],
        &[],
    ),
    Case(
        "four mistakes in three places",
        &[("agent.toml", "[runtime]\nmax_turns = 0\nmax_cost = -1\n"), ("providers.toml", "[providers\n")],
        &[("OXYDRA__CATALOG__SKIP_CATALOG_VALIDATION", "maybe")],
    ),
];

fn said(Case(name, files, variables): &Case) -> String {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    for (file, text) in *files {
        let path = place.home().join(file);
        fs::create_dir_all(path.parent().expect("it has one")).expect("the directory is made");
        // A mark for what no text can hold.
        let bytes = text.replace('\u{fffd}', "\u{1}").into_bytes();
        let bytes: Vec<u8> = bytes.into_iter().map(|b| if b == 1 { 0xe9 } else { b }).collect();
        fs::write(path, bytes).expect("the file is written");
    }
    let check = place.oxydra(&["config", "check"]);
    let done = variables.iter().fold(check, |check, (name, value)| check.env(name, value)).done().ended(2);
    assert!(!done.text().contains("secret\"") && !done.text().contains("sk-"), "{name}: {}", done.text());
    assert!(!place.journal().exists(), "nothing is made");
    format!("# {name}\n{}\n", done.text())
}

#[test]
fn each_is_said_with_its_key_its_place_and_what_would_be_right() {
    let text: String = CASES.iter().map(said).collect();
    expect_file!["said.txt"].assert_eq(&text);
    for (Case(name, files, _), said) in CASES.iter().zip(text.split("\n\n")) {
        let names_file = files.iter().any(|(file, _)| said.contains(file.split('/').next().unwrap_or(file)));
        assert!(files.is_empty() || names_file, "{name}: {said}");
    }
}

#[test]
fn what_may_not_be_read_is_named_unless_it_may_be() {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    let file = place.home().join("agent.toml");
    fs::write(&file, "runtime.max_turns = 3\n").expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("it is ours");
    let done = place.run(&["config", "check"]);
    // Root reads it all the same.
    let may = fs::read(&file).is_ok();
    let done = done.ended(if may { 0 } else { 2 });
    assert!(
        may || done.text().contains("agent.toml: Permission denied") && done.text().contains("chmod u+r"),
        "{done:?}"
    );
}

#[test]
fn what_is_in_order_is_said_too_and_an_empty_file_is() {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::write(place.home().join("agent.toml"), "").expect("the file is written");
    let done = place.run(&["config", "check"]).ended(0);
    assert_eq!(done.text(), "the configuration is in order; rehearsal/rehearsal answers\n");
    // As editors of another system write it.
    fs::write(place.home().join("agent.toml"), "\u{feff}[runtime]\r\nmax_turns = 3\r\n")
        .expect("the file is written");
    place.run(&["config", "check"]).ended(0);
    let json = place.run(&["config", "check", "--json"]).ended(0).text();
    assert!(json.contains("\"ok\":true") && json.contains("\"problems\":[]"), "{json}");
}

#[test]
fn a_program_gets_problems_with_their_places() {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::write(place.home().join("agent.toml"), "\n[runtime]\nmax_turns = 0\n").expect("the file is written");
    let json = place.run(&["config", "check", "--json"]).ended(2).text();
    for part in
        ["\"ok\":false", "\"key\":\"runtime.max_turns\"", "\"file\":\".oxydra/agent.toml\"", "\"line\":3"]
    {
        assert!(json.contains(part), "{part}: {json}");
    }
}

#[test]
fn what_counts_is_shown_with_who_set_it_and_without_secrets() {
    let place = Place::new();
    fs::create_dir_all(place.home().join("users")).expect("the home is made");
    fs::write(place.home().join("agent.toml"), "[runtime]\nmax_turns = 5\nmax_cost = 2\n")
        .expect("it is written");
    fs::write(
        place.home().join("providers.toml"),
        "[providers.registry.desk]\nprovider_type = \"openai\"\napi_key = \"sk-very-secret\"\n",
    )
    .expect("it is written");
    fs::write(place.home().join("users/default.toml"), "[runtime]\nmax_cost = 0.5\n").expect("it is written");
    let show = place.oxydra(&["config", "show", "--origin", "runtime", "providers"]);
    let done = show.env("OXYDRA__RUNTIME__TURN_TIMEOUT_SECS", "30").done().ended(0);
    expect_test::expect![[r#"
        providers.registry.desk.api_key = "[secret]"                 # .oxydra/providers.toml line 3
        providers.registry.desk.provider_type = "openai"             # .oxydra/providers.toml line 2
        runtime.context_budget.fallback_max_context_tokens = 128000  # the defaults; no effect yet
        runtime.context_budget.safety_buffer_tokens = 1024           # the defaults; no effect yet
        runtime.context_budget.trigger_ratio = 0.85                  # the defaults; no effect yet
        runtime.max_cost = 0.5                                       # .oxydra/users/default.toml line 2
        runtime.max_duration_secs = 86400                            # the defaults
        runtime.max_tokens = 5000000                                 # the defaults
        runtime.max_turns = 5                                        # .oxydra/agent.toml line 2
        runtime.summarization.min_turns = 6                          # the defaults; no effect yet
        runtime.summarization.target_ratio = 0.5                     # the defaults; no effect yet
        runtime.turn_timeout_secs = 30                               # the environment variable OXYDRA__RUNTIME__TURN_TIMEOUT_SECS
    "#]].assert_eq(&done.text());
    place.run(&["config", "show", "weather"]).refused(2, &["weather", "config keys"]);
}
