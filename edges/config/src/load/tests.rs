//! Sources in, one configuration out; or everything that is wrong, at once.
use crate::{Config, Loaded, Problem, Runtime, Selection, Sources};
use domain::Tokens;
use expect_test::{Expect, expect};
use std::{fs, path::Path, time::Duration};

/// Writes the files into directories of their own, weakest first, and prints what comes of them.
fn loaded(files: &[(&str, &str)], more: impl FnOnce(Sources) -> Sources) -> String {
    let place = tempfile::tempdir().expect("a directory for the test");
    let mut sources = Sources::none();
    for (name, text) in files {
        let path = place.path().join(name);
        let directory = path.parent().expect("names have a directory");
        fs::create_dir_all(directory).expect("the directory is made");
        fs::write(&path, text).expect("the file is written");
        if !sources.directories.iter().any(|known| known == directory) {
            sources = sources.directory(directory);
        }
    }
    shown(place.path(), &more(sources))
}

fn shown(root: &Path, sources: &Sources) -> String {
    let text = match Config::load(sources) {
        Ok(Loaded { config, notices, .. }) => {
            let Runtime {
                turn_timeout,
                max_turns,
                max_cost,
                max_tokens: _,
                max_duration: _,
                answer_schema: _,
            } = config.runtime;
            let notices: Vec<_> = notices.iter().map(|notice| format!("\n{notice}")).collect();
            let Selection { provider, model } = config.selection;
            format!("{provider}/{model}, {turn_timeout:?}, {max_turns}, {max_cost:?}{}", notices.join(""))
        }
        Err(error) => format!("{error}"),
    };
    text.replace(&format!("{}/", root.display()), "")
}

fn check(files: &[(&str, &str)], variables: &[(&str, &str)], expected: Expect) {
    let add = |sources: Sources| variables.iter().fold(sources, |s, (name, value)| s.variable(name, value));
    expected.assert_eq(&loaded(files, add));
}

#[test]
fn with_nothing_configured_it_rehearses() {
    check(&[], &[], expect!["rehearsal/rehearsal, 60s, 8 turns, None"]);
    check(
        &[("home/agent.toml", "")],
        &[("PATH", "/bin"), ("OXYDRA_OTHER", "x")],
        expect!["rehearsal/rehearsal, 60s, 8 turns, None"],
    );
}

#[test]
fn later_sources_beat_earlier_ones_key_by_key() {
    let files = [
        ("etc/agent.toml", "[runtime]\nmax_turns = 1\nturn_timeout_secs = 5\nmax_cost = 0.25"),
        ("home/agent.toml", "[runtime]\nmax_turns = 2\n"),
        ("home/providers.toml", "runtime.max_turns = 3"),
    ];
    check(&files, &[], expect!["rehearsal/rehearsal, 5s, 3 turns, Some(MicroUsd(250000))"]);
    let variable = [("OXYDRA__RUNTIME__MAX_TURNS", "12")];
    check(&files, &variable, expect!["rehearsal/rehearsal, 5s, 12 turns, Some(MicroUsd(250000))"]);
    let with_flag = loaded(&files, |sources| {
        sources.variable("OXYDRA__RUNTIME__MAX_TURNS", "12").flag("--max-turns", "runtime.max_turns", "4")
    });
    expect!["rehearsal/rehearsal, 5s, 4 turns, Some(MicroUsd(250000))"].assert_eq(&with_flag);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_key_file_and_line() {
    let text = "[runtime]\nmax_turn = 3\nmax_turns = 0\nturn_timeout_secs = \"long\"\nmax_cost = nan\n\n[memory]\nenabled = 1\n";
    check(
        &[("home/agent.toml", text)],
        &[("OXYDRA__RUNTIME__MAX_TURNS", "many"), ("OXYDRA__RUNTIM__MAX_TURNS", "1")],
        expect![[r#"
            unknown key `runtime.max_turn` in home/agent.toml line 2; did you mean `runtime.max_turns`?
            `runtime.max_turns` in home/agent.toml line 3 must be a whole number from 1 to 1000, not 0
            `runtime.turn_timeout_secs` in home/agent.toml line 4 must be a whole number from 1 to 86400, not "long"
            `runtime.max_cost` in home/agent.toml line 5 must be an amount of US dollars above 0, not NaN
            `memory.enabled` in home/agent.toml line 8 must be true or false, not 1
            `runtime.max_turns` in the environment variable OXYDRA__RUNTIME__MAX_TURNS must be a whole number from 1 to 1000, not "many"
            unknown key `runtim.max_turns` in the environment variable OXYDRA__RUNTIM__MAX_TURNS; did you mean `runtime.max_turns`?"#]],
    );
}

#[test]
fn what_is_no_toml_or_no_table_is_refused_where_it_is() {
    check(
        &[("home/agent.toml", "[runtime]\nmax_turns = = 3\n")],
        &[],
        expect!["home/agent.toml line 2, column 13 is not TOML: extra `=`, expected nothing"],
    );
    check(
        &[("home/agent.toml", "runtime = 3\nselection = \"rehearsal\"")],
        &[],
        expect![[r#"
            `runtime` in home/agent.toml line 1 must be a table, not 3
            `selection` in home/agent.toml line 2 must be a table, not "rehearsal""#]],
    );
    check(
        &[("home/agent.toml", "config_version = \"2.0.0\"\nweather = true")],
        &[],
        expect![[r#"
            `config_version` in home/agent.toml line 1 must be a version such as "1.1.0" whose first number is 1, not "2.0.0"
            unknown key `weather` in home/agent.toml line 2; `oxydra config keys` lists those that there are"#]],
    );
}

#[test]
fn a_provider_or_model_that_is_not_there_is_named_with_what_is() {
    let selection = "[selection]\nprovider = \"anthropic\"\nmodel = \"some-model\"\n";
    check(
        &[("home/agent.toml", selection)],
        &[],
        expect![
            "there is no key for `anthropic` in home/agent.toml line 2: set one of the variables ANTHROPIC_API_KEY, API_KEY, or `providers.registry.anthropic.api_key` (`--model rehearsal` needs none)"
        ],
    );
    let forced = loaded(&[("home/agent.toml", selection)], |sources| sources.model("rehearsal"));
    expect!["rehearsal/rehearsal, 60s, 8 turns, None"].assert_eq(&forced);
    let other = loaded(&[], |sources| sources.model("gpt-4o-mini"));
    expect!["`selection.model` in --model is `gpt-4o-mini`, which the provider `rehearsal` does not have; available: rehearsal; for a model of another provider set `selection.provider`, or a key such as OPENAI_API_KEY"].assert_eq(&other);
    let both = loaded(&[], |sources| sources.model("anthropic/some-model"));
    expect!["there is no key for `anthropic` in --model: set one of the variables ANTHROPIC_API_KEY, API_KEY, or `providers.registry.anthropic.api_key` (`--model rehearsal` needs none)"].assert_eq(&both);
}

#[test]
fn keys_of_later_versions_are_noticed_and_secrets_never_shown() {
    let text = "[providers.registry.mine]\napi_key = \"sk-1\"\nprovider_type = \"openai\"\n[[mcp.servers]]\nname = \"x\"\n";
    check(
        &[("home/providers.toml", text)],
        &[("OXYDRA__SCHEDULER__MAX_CONCURRENT", "2")],
        expect![[r#"
            mine/gpt-4.1-mini, 60s, 8 turns, None
            `mcp` in home/providers.toml line 4 has no effect yet: it waits for the Model Context Protocol
            `scheduler.max_concurrent` in the environment variable OXYDRA__SCHEDULER__MAX_CONCURRENT has no effect yet: it waits for schedules"#]],
    );
    check(
        &[("home/providers.toml", "[providers.registry.mine]\napi_key = [\"sk-1\"]\n")],
        &[],
        expect![
            "`providers.registry.mine.api_key` in home/providers.toml line 2 must be text that is not blank; what it holds is something else, and not shown"
        ],
    );
}

#[test]
fn a_directory_or_a_huge_file_in_the_place_of_a_file_is_refused() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let sources = Sources::none().directory(place.path());
    fs::create_dir(place.path().join("agent.toml")).expect("the directory is made");
    expect!["cannot read the configuration file agent.toml: it is a directory; move it away"]
        .assert_eq(&shown(place.path(), &sources));
    fs::remove_dir(place.path().join("agent.toml")).expect("the directory goes");
    fs::write(place.path().join("agent.toml"), "#".repeat(2 << 20)).expect("the file is written");
    expect!["cannot read the configuration file agent.toml: it is larger than 1048576 bytes"]
        .assert_eq(&shown(place.path(), &sources));
}

#[test]
fn tokens_and_time_have_limits_too() {
    let variables = |tokens: &str, seconds: &str| {
        Sources::none()
            .variable("OXYDRA__RUNTIME__MAX_TOKENS", tokens)
            .variable("OXYDRA__RUNTIME__MAX_DURATION_SECS", seconds)
    };
    let config = Config::load(&variables("9000", "60")).expect("both are limits").config;
    assert_eq!(
        (config.runtime.max_tokens, config.runtime.max_duration),
        (Tokens(9000), Duration::from_secs(60))
    );
    assert!(Config::load(&variables("0", "60")).is_err());
    assert!(Config::load(&variables("1", "for ever")).is_err());
}

#[test]
fn an_address_that_is_refused_is_not_said_to_lack_a_key_too() {
    let sources = [
        ("OXYDRA__SELECTION__PROVIDER", "desk"),
        ("OXYDRA__SELECTION__MODEL", "m"),
        ("OXYDRA__PROVIDERS__REGISTRY__DESK__PROVIDER_TYPE", "openai"),
        ("OXYDRA__PROVIDERS__REGISTRY__DESK__BASE_URL", "http://user:pass@127.0.0.1:9"),
    ];
    let sources =
        sources.iter().fold(Sources::none(), |sources, (name, value)| sources.variable(name, value));
    let refused = Config::load(&sources).expect_err("it is refused");
    let keys: Vec<_> = refused.problems.iter().filter_map(Problem::key).collect();
    assert_eq!(keys, ["providers.registry.desk.base_url"]);
}
