//! A user's own file narrows, and brings the user's credentials; a home that is not trusted narrows too.
use crate::{Config, Loaded, Provider, Sources};
use domain::UserId;
use expect_test::{Expect, expect};
use http::Secret;
use std::{fs, path::Path};

/// Writes files into a home and loads it for ada.
fn load(files: &[(&str, &str)], more: impl FnOnce(Sources) -> Sources) -> String {
    let place = tempfile::tempdir().expect("a directory for the test");
    let home = place.path().join("home");
    for (name, text) in files {
        let path = home.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("the directory is made");
        fs::write(path, text).expect("the file is written");
    }
    let ada = UserId::parse("ada").expect("a good id");
    let nowhere = [("XDG_CONFIG_HOME".into(), place.path().join("nowhere").into())];
    let sources = more(Sources::usual(&home, nowhere).user(&ada));
    shown(&sources)
        .replace(&format!("{}/", home.display()), "")
        .replace(&place.path().display().to_string(), "")
}

fn shown(sources: &Sources) -> String {
    let Loaded { config, notices, widened_by_home, .. } = match Config::load(sources) {
        Ok(loaded) => loaded,
        Err(error) => return error.to_string(),
    };
    let key = match &config.selection.provider {
        Provider::Rehearsal => None,
        Provider::Server(server) => server.key.as_ref().map(Secret::expose),
    };
    let mut text = format!("{}, key {key:?}, {}", config.selection, config.runtime.max_turns);
    notices.iter().for_each(|notice| text.push_str(&format!("\n{notice}")));
    widened_by_home
        .iter()
        .for_each(|value| text.push_str(&format!("\nwidens: {} = {}", value.key, value.value)));
    text
}

fn check(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&load(files, |sources| sources));
}

#[test]
fn a_users_limits_narrow_whoever_else_speaks() {
    let user = ("users/ada.toml", "[runtime]\nmax_turns = 4\n");
    check(&[user], expect!["rehearsal/rehearsal, key None, 4 turns"]);
    check(
        &[user, ("users/bob.toml", "[runtime]\nmax_turns = 2\n")],
        expect!["rehearsal/rehearsal, key None, 4 turns"],
    );
    // Another's file counts nothing, and neither does a higher number in the environment.
    let higher = load(&[user], |sources| sources.variable("OXYDRA__RUNTIME__MAX_TURNS", "7"));
    expect!["rehearsal/rehearsal, key None, 4 turns"].assert_eq(&higher);
    let lower = load(&[user], |sources| sources.variable("OXYDRA__RUNTIME__MAX_TURNS", "2"));
    expect!["rehearsal/rehearsal, key None, 2 turns"].assert_eq(&lower);
}

#[test]
fn what_a_users_file_widens_is_refused() {
    check(
        &[
            ("agent.toml", "[runtime]\nmax_turns = 6\n"),
            ("users/ada.toml", "[runtime]\nmax_turns = 9\nmax_cost = 1\n"),
        ],
        expect![
            "`runtime.max_turns` in users/ada.toml line 2 is 9, and 6 is allowed (agent.toml line 2): a user's file can only narrow, so write no more than that or leave it out"
        ],
    );
    check(
        &[("users/ada.toml", "[behavior]\nsandbox_tier = \"process\"\n")],
        expect![[
            r#"`behavior.sandbox_tier` in users/ada.toml line 2 is "process", and "micro_vm" is allowed (the defaults): a user's file can only narrow, so write no more than that or leave it out"#
        ]],
    );
    check(
        &[
            ("runner.toml", "default_tier = \"process\"\n"),
            ("users/ada.toml", "[behavior]\nsandbox_tier = \"process\"\nshell_enabled = false\n"),
        ],
        expect![[r#"
            rehearsal/rehearsal, key None, 8 turns
            `default_tier` in runner.toml line 1 has no effect yet: it waits for guests
            `behavior.sandbox_tier` in users/ada.toml line 2 has no effect yet: it waits for guests
            `behavior.shell_enabled` in users/ada.toml line 3 has no effect yet: it waits for guests"#]],
    );
    check(
        &[("users/ada.toml", "selection.model = \"x\"\n")],
        expect!["unknown key `selection` in users/ada.toml line 1; it belongs into agent.toml"],
    );
}

#[test]
fn the_runners_file_says_where_a_users_file_is() {
    let runner = |path: &str| format!("[users.ada]\nconfig_path = \"{path}\"\n");
    let file = ("users/a.toml", "runtime.max_turns = 3\n");
    for path in ["users/a.toml", "home/users/a.toml"] {
        check(&[("runner.toml", &runner(path)), file], expect!["rehearsal/rehearsal, key None, 3 turns"]);
    }
    check(
        &[("runner.toml", &runner("users/b.toml")), file],
        expect![
            "`users.ada.config_path` in runner.toml line 2 must be the path of a file that is there: `users/b.toml` is not"
        ],
    );
}

#[test]
fn a_users_credential_is_found_and_only_then_used() {
    let provider = (
        "providers.toml",
        "selection.provider = \"desk\"\nselection.model = \"m\"\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\napi_key = \"sk-shared\"\n",
    );
    check(
        &[provider],
        expect![[r#"
        desk/m, key Some("sk-shared"), 8 turns
        widens: providers.registry.desk.api_key = "[secret]"
        widens: providers.registry.desk.base_url = "http://desk"
        widens: providers.registry.desk.provider_type = "openai"
        widens: selection.model = "m"
        widens: selection.provider = "desk""#]],
    );
    let mine = ("users/ada.toml", "[credential_refs]\ndesk = \"env:ADA_KEY\"\n");
    let with_key = load(&[provider, mine], |sources| sources.variable("ADA_KEY", "sk-ada"));
    expect![[r#"
        desk/m, key Some("sk-ada"), 8 turns
        widens: providers.registry.desk.api_key = "[secret]"
        widens: providers.registry.desk.base_url = "http://desk"
        widens: providers.registry.desk.provider_type = "openai"
        widens: selection.model = "m"
        widens: selection.provider = "desk"
        widens: credential_refs.desk = "env:ADA_KEY""#]]
    .assert_eq(&with_key);
    check(
        &[provider, mine],
        expect![
            "`credential_refs.desk` in users/ada.toml line 2 leads to no credential: the variable ADA_KEY is not set or blank; put it there, or take the line out"
        ],
    );
    check(
        &[provider, ("users/ada.toml", "[credential_refs]\nelsewhere = \"env:ADA_KEY\"\n")],
        expect![[r#"
            desk/m, key Some("sk-shared"), 8 turns
            `credential_refs.elsewhere` in users/ada.toml line 2 has no effect: no provider of the registry is called so
            widens: providers.registry.desk.api_key = "[secret]"
            widens: providers.registry.desk.base_url = "http://desk"
            widens: providers.registry.desk.provider_type = "openai"
            widens: selection.model = "m"
            widens: selection.provider = "desk"
            widens: credential_refs.elsewhere = "env:ADA_KEY""#]],
    );
}

#[test]
fn a_users_key_in_a_file_is_renewed_as_one_of_an_entry_is() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let renewed = |entry: &str, user: &str| {
        let server = format!(
            "selection = {{ provider = \"desk\", model = \"m\" }}\n[providers.registry.desk]\nprovider_type = \"openai\"\nbase_url = \"http://desk\"\n{entry}"
        );
        fs::create_dir_all(place.path().join("users")).expect("the directory is made");
        for (name, text) in
            [("agent.toml", server.as_str()), ("users/ada.toml", user), ("shared", "s-1"), ("mine", "m-1")]
        {
            fs::write(place.path().join(name), text).expect("the file is written");
        }
        let ada = UserId::parse("ada").expect("a good id");
        let nowhere =
            [("XDG_CONFIG_HOME".into(), place.path().join("nowhere").into()), ("KEY".into(), "v-1".into())];
        let loaded = Config::load(&Sources::usual(place.path(), nowhere).user(&ada)).expect("it is in order");
        let Provider::Server(server) = loaded.config.selection.provider else { panic!("the desk is chosen") };
        let file =
            server.key_file.map(|path| path.strip_prefix(place.path()).expect("in the home").to_owned());
        (server.key.as_ref().map(|key| key.expose().to_owned()), file.map(|file| file.display().to_string()))
    };
    let found = |key: &str, file: Option<&str>| (Some(key.to_owned()), file.map(str::to_owned));
    let shared = "api_key_file = \"shared\"\n";
    let mine = "[credential_refs]\ndesk = \"file:mine\"\n";
    assert_eq!(renewed(shared, ""), found("s-1", Some("shared")));
    assert_eq!(renewed(shared, mine), found("m-1", Some("mine")));
    assert_eq!(renewed("api_key = \"written\"\n", mine), found("m-1", Some("mine")));
    assert_eq!(renewed("api_key = \"written\"\napi_key_file = \"shared\"\n", ""), found("written", None));
    assert_eq!(renewed(shared, "[credential_refs]\ndesk = \"env:KEY\"\n"), found("v-1", None));
}

#[test]
fn a_home_that_is_not_trusted_narrows_and_gives_nothing() {
    let files = [
        (
            "agent.toml",
            "[runtime]\nmax_turns = 5\nmax_cost = 2.0\nturn_timeout_secs = 600\n[selection]\nprovider = \"openai\"\n",
        ),
        ("providers.toml", "[providers.registry.openai]\nbase_url = \"http://elsewhere\"\n"),
        ("runner.toml", "workspace_root = \"/\"\n"),
        ("users/ada.toml", "runtime.max_turns = 4\ncredential_refs.openai = \"file:/etc/passwd\"\n"),
    ];
    let files = files.map(|(name, text)| (name, text));
    let untrusted = load(&files, |sources| sources.untrusted().variable("OPENAI_API_KEY", "sk-mine"));
    expect![[r#"
        openai/gpt-4.1-mini, key Some("sk-mine"), 4 turns
        `runtime.turn_timeout_secs` in agent.toml line 4 is left out: the file came with a checkout and is not trusted; `oxydra config trust` trusts it
        `selection.provider` in agent.toml line 6 is left out: the file came with a checkout and is not trusted; `oxydra config trust` trusts it
        `providers.registry.openai.base_url` in providers.toml line 2 is left out: the file came with a checkout and is not trusted; `oxydra config trust` trusts it
        `workspace_root` in runner.toml line 1 has no effect: workspaces lie in `workspaces/` of the home, which `--home` names
        `credential_refs.openai` in users/ada.toml line 2 is left out: the file came with a checkout and is not trusted; `oxydra config trust` trusts it"#]].assert_eq(&untrusted);
    // What only narrows needs no trust, and neither does what a flag takes back.
    check(&[("agent.toml", "[runtime]\nmax_turns = 5\n")], expect!["rehearsal/rehearsal, key None, 5 turns"]);
    // A number turns thinking on: where none stands, it gives.
    let thinking = [("agent.toml", "selection.thinking_tokens = 1000000\n")];
    expect![[r#"
        rehearsal/rehearsal, key None, 8 turns
        `selection.thinking_tokens` in agent.toml line 1 is left out: the file came with a checkout and is not trusted; `oxydra config trust` trusts it"#]].assert_eq(&load(&thinking, Sources::untrusted));
    let taken_back = load(&files[..1], |sources| sources.model("rehearsal"));
    expect![[r#"
        rehearsal/rehearsal, key None, 5 turns
        widens: runtime.turn_timeout_secs = 600"#]]
    .assert_eq(&taken_back);
}

#[test]
fn files_of_the_system_may_widen() {
    let place = tempfile::tempdir().expect("a directory for the test");
    let at = |name: &str| place.path().join(name);
    fs::create_dir_all(at("config/oxydra")).expect("the directory is made");
    fs::write(at("config/oxydra/agent.toml"), "runtime.max_turns = 500\n").expect("the file is written");
    let of = |home: &Path| Sources::usual(home, [("XDG_CONFIG_HOME".into(), at("config").into())]);
    expect!["rehearsal/rehearsal, key None, 500 turns"].assert_eq(&shown(&of(&at("home")).untrusted()));
}
