//! Which provider is chosen, with which key, and what is said when that cannot be.
use crate::{Config, Provider, Sources};
use expect_test::{Expect, expect};
use http::Secret;
use std::fs;

/// Loads a file and variables and prints the selection. Keys are shown, since they are the test's own.
fn loaded(text: &str, variables: &[(&str, &str)], more: impl FnOnce(Sources) -> Sources) -> String {
    let place = tempfile::tempdir().expect("a directory for the test");
    fs::write(place.path().join("agent.toml"), text).expect("the file is written");
    let sources = Sources::none().directory(place.path());
    let sources = variables.iter().fold(sources, |sources, (name, value)| sources.variable(*name, *value));
    let config = match Config::load(&more(sources)) {
        Ok(loaded) => loaded.config,
        Err(error) => return error.to_string().replace(&format!("{}/", place.path().display()), ""),
    };
    let model = config.selection.model;
    let Provider::Server(server) = config.selection.provider else { return format!("rehearsal {model}") };
    let key = server.key.as_ref().map_or("no key", Secret::expose);
    let headers = server.headers.iter().map(|header| format!(" {}", header.name())).collect::<String>();
    let limits = server.caps.limits(None);
    let limits = format!("{}/{}", limits.context_tokens_max.0, limits.answer_tokens_max.0);
    format!("{} {model} at {} with {key}{headers}, {limits}", server.name, server.base_url)
}
fn check(text: &str, variables: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&loaded(text, variables, |sources| sources));
}

const LOCAL: &str =
    "[providers.registry.local]\nprovider_type = \"openai\"\nbase_url = \"http://localhost:11434\"\n";

#[test]
fn a_key_in_the_environment_picks_the_provider_and_the_generic_one_does_not() {
    check(
        "",
        &[("OPENAI_API_KEY", " sk-1 ")],
        expect!["openai gpt-4.1-mini at https://api.openai.com/v1 with sk-1, 128000/16384"],
    );
    check("", &[("OPENAI_API_KEY", "  ")], expect!["rehearsal rehearsal"]);
    check("", &[("API_KEY", "sk-2")], expect!["rehearsal rehearsal"]);
    check(
        "selection.model = \"gpt-4o\"",
        &[("OPENAI_API_KEY", "sk-1")],
        expect!["openai gpt-4o at https://api.openai.com/v1 with sk-1, 128000/16384"],
    );
    // Whoever asks for the rehearsal gets it.
    check(
        "selection.provider = \"rehearsal\"",
        &[("OPENAI_API_KEY", "sk-1")],
        expect!["rehearsal rehearsal"],
    );
    check("selection.model = \"rehearsal\"", &[("OPENAI_API_KEY", "sk-1")], expect!["rehearsal rehearsal"]);
    // A server without a key of its own is not picked: it has to be named.
    check(LOCAL, &[], expect!["rehearsal rehearsal"]);
    let own = format!("selection.model = \"m\"\n{LOCAL}api_key_env = \"LOCAL_KEY\"\n");
    check(&own, &[("LOCAL_KEY", "k")], expect!["local m at http://localhost:11434 with k, 128000/16384"]);
    check(
        &own,
        &[("LOCAL_KEY", "k"), ("OPENAI_API_KEY", "sk-1")],
        expect!["openai m at https://api.openai.com/v1 with sk-1, 128000/16384"],
    );
}

#[test]
fn keys_are_looked_for_in_order_and_blanks_are_none() {
    let text = |key: &str| {
        format!("selection.provider = \"openai\"\n[providers.registry.openai]\napi_key_env = \"MINE\"\n{key}")
    };
    let all = [("MINE", "sk-mine"), ("OPENAI_API_KEY", "sk-type"), ("API_KEY", "sk-any")];
    check(
        &text("api_key = \"sk-written\"\n"),
        &all,
        expect!["openai gpt-4.1-mini at https://api.openai.com/v1 with sk-written, 128000/16384"],
    );
    check(
        &text(""),
        &all,
        expect!["openai gpt-4.1-mini at https://api.openai.com/v1 with sk-mine, 128000/16384"],
    );
    check(
        &text(""),
        &[("MINE", " "), all[1], all[2]],
        expect!["openai gpt-4.1-mini at https://api.openai.com/v1 with sk-type, 128000/16384"],
    );
    check(
        &text(""),
        &[("OPENAI_API_KEY", ""), all[2]],
        expect!["openai gpt-4.1-mini at https://api.openai.com/v1 with sk-any, 128000/16384"],
    );
    check(
        &text(""),
        &[("API_KEY", " ")],
        expect![
            "there is no key for `openai` in agent.toml line 3: set one of the variables MINE, OPENAI_API_KEY, API_KEY, or `providers.registry.openai.api_key` (`--model rehearsal` needs none)"
        ],
    );
}

#[test]
fn a_server_of_ones_own_needs_a_model_and_no_key() {
    let named = format!("selection.provider = \"local\"\n{LOCAL}max_context_tokens = 8192\n");
    check(
        &named,
        &[],
        expect!["`selection.model` must say which model of `local` answers, which agent.toml line 1 chooses"],
    );
    let model = |text: &str, model: &'static str| loaded(text, &[], |sources| sources.model(model));
    expect!["local qwen3:8b at http://localhost:11434 with no key, 8192/2048"]
        .assert_eq(&model(&named, "qwen3:8b"));
    expect!["local meta/llama at http://localhost:11434 with no key, 128000/100"]
        .assert_eq(&model(&format!("{LOCAL}max_output_tokens = 100"), "local/meta/llama"));
    let with_headers = format!(
        "{LOCAL}[providers.registry.local.extra_headers]\nX-Title = \"house\"\nAuthorization = \"Basic x\"\n"
    );
    expect!["local m at http://localhost:11434 with no key authorization x-title, 128000/16384"]
        .assert_eq(&model(&with_headers, "local/m"));
    let from_variables = [
        ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__BASE_URL", "http://127.0.0.1:9/v1"),
        ("OXYDRA__SELECTION__MODEL", "m"),
        ("OPENAI_API_KEY", "k"),
    ];
    check("", &from_variables, expect!["openai m at http://127.0.0.1:9/v1 with no key, 128000/16384"]);
    let named = [
        from_variables[0],
        from_variables[1],
        from_variables[2],
        ("OXYDRA__PROVIDERS__REGISTRY__OPENAI__API_KEY_ENV", "OPENAI_API_KEY"),
    ];
    check("", &named, expect!["openai m at http://127.0.0.1:9/v1 with k, 128000/16384"]);
}

#[test]
fn what_cannot_be_used_is_said_without_its_secrets() {
    check(
        "[providers.registry.local]\nbase_url = \"https://me:sk-1@a\"",
        &[],
        expect![
            "`providers.registry.local.base_url` in agent.toml line 2 must be an address such as https://api.example.com/v1, without a user or a query; what it holds is something else, and not shown"
        ],
    );
    check(
        "selection.provider = \"local\"\n[providers.registry.local]\nbase_url = \"http://a\"",
        &[],
        expect![[
            r#"`providers.registry.local` in agent.toml line 3 must say what it speaks: `provider_type = "openai"`, anthropic, gemini or openai_responses"#
        ]],
    );
    check(
        "selection.provider = \"other\"\n[providers.registry.other]\nprovider_type = \"gemini\"",
        &[],
        expect![
            "there is no key for `other` in agent.toml line 3: set one of the variables GEMINI_API_KEY, API_KEY, or `providers.registry.other.api_key` (`--model rehearsal` needs none)"
        ],
    );
    let header = "selection.provider = \"local\"\nselection.model = \"m\"\n";
    check(
        &format!("{header}{LOCAL}[providers.registry.local.extra_headers]\n\"x y\" = \"sk-1\"\n"),
        &[],
        expect![[
            r#"`providers.registry.local.extra_headers."x y"` in agent.toml line 7 cannot be sent: `x y` is no name of a header; mend it or take it out"#
        ]],
    );
    check(
        &format!("{header}{LOCAL}[providers.registry.local.extra_headers]\nHost = \"sk-1\"\n"),
        &[],
        expect![
            "`providers.registry.local.extra_headers.Host` in agent.toml line 7 cannot be sent: the header `host` is written by the client itself; mend it or take it out"
        ],
    );
}

#[test]
fn a_configuration_that_is_printed_shows_no_key() {
    let sources = Sources::none().variable("OPENAI_API_KEY", "sk-do-not-print");
    let config = Config::load(&sources).expect("it is complete").config;
    let shown = format!("{config:?}");
    assert!(shown.contains("[secret]") && !shown.contains("do-not-print"), "{shown}");
}

#[test]
fn a_key_may_be_in_a_file_which_is_read_again() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let loaded = |file: &str, more: &str| {
        let text = format!(
            "selection.provider = \"local\"\nselection.model = \"m\"\n{LOCAL}api_key_file = \"{file}\"\n{more}"
        );
        fs::write(place.path().join("agent.toml"), text).expect("the file is written");
        let mut sources = Sources::none().directory(place.path());
        sources.home = Some(place.path().to_owned());
        match Config::load(&sources.variable("LOCAL_KEY", "from a variable")) {
            Ok(loaded) => match loaded.config.selection.provider {
                Provider::Server(server) => {
                    let renewed = server.key_file.map(|path| path.file_name().map(ToOwned::to_owned));
                    format!("{} {renewed:?}", server.key.as_ref().map_or("no key", Secret::expose))
                }
                Provider::Rehearsal => "rehearsal".to_owned(),
            },
            Err(error) => error.to_string().replace(&format!("{}/", place.path().display()), ""),
        }
    };
    fs::write(place.path().join("key"), " k-1\n").expect("it is written");
    fs::write(place.path().join("blank"), "\n").expect("it is written");
    expect![[r#"k-1 Some(Some("key"))"#]].assert_eq(&loaded("key", ""));
    expect![[r#"k-1 Some(Some("key"))"#]].assert_eq(&loaded("key", "api_key_env = \"LOCAL_KEY\"\n"));
    expect![[r#"written None"#]].assert_eq(&loaded("key", "api_key = \"written\"\n"));
    expect![[r#"written None"#]].assert_eq(&loaded("gone", "api_key = \"written\"\n"));
    expect![
        "`providers.registry.local.api_key_file` in agent.toml line 6 leads to no credential: blank is blank; put it there, or take the line out"
    ]
    .assert_eq(&loaded("blank", ""));
    expect!["`providers.registry.local.api_key_file` in agent.toml line 6 leads to no credential: cannot read gone: No such file or directory (os error 2); put it there, or take the line out"].assert_eq(&loaded("gone", ""));
}

#[test]
fn a_variable_that_is_not_set_is_noticed_and_not_said() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let notices = |more: &str, variable: Option<&str>| {
        let text = format!("selection.provider = \"local\"\nselection.model = \"m\"\n{LOCAL}{more}");
        fs::write(place.path().join("agent.toml"), text).expect("the file is written");
        let sources = Sources::none().directory(place.path());
        let sources = variable
            .into_iter()
            .fold(sources, |sources, value| sources.variable("sk_in_the_wrong_place", value));
        let loaded = Config::load(&sources).expect("it is in order");
        let said: String = loaded.notices.iter().map(|notice| format!("{notice}\n")).collect();
        said.replace(&format!("{}/", place.path().display()), "")
    };
    let named = "api_key_env = \"sk_in_the_wrong_place\"\n";
    expect![[r#"
        `providers.registry.local.api_key_env` in agent.toml line 6 names a variable that is not set: no key of it is sent
    "#]].assert_eq(&notices(named, None));
    assert_eq!(notices(named, Some("k")), "");
    assert_eq!(notices(&format!("{named}api_key = \"k\"\n"), None), "");
    assert_eq!(notices("", None), "");
}
