//! The configuration, typed. From here on nobody checks again.
use crate::{
    ConfigError, Notice, Problem, Selection, Sources,
    check::{Value, number, whole},
    keys::Use,
    layer::{Layer, Setting},
    registry::Registry,
};
use domain::{MicroUsd, Tokens, Turns};
use std::{collections::BTreeMap, time::Duration};

/// The files of a directory, in the order in which they are read. They have the same keys: the second exists so that
/// credentials can be kept apart.
const FILES: [&str; 2] = ["agent.toml", "providers.toml"];

/// What an agent is configured to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Which model answers.
    pub selection: Selection,
    /// The limits of a turn.
    pub runtime: Runtime,
}

/// The limits of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// How long one awaited thing may take: an item of a stream, a tool.
    pub turn_timeout: Duration,
    /// How many model round trips a turn may make.
    pub max_turns: Turns,
    /// How many tokens a turn may use, in and out, over all its round trips.
    pub max_tokens: Tokens,
    /// How long a turn may take by the wall clock, waiting for a person included.
    pub max_duration: Duration,
    /// What a turn may cost; `None` is no limit.
    pub max_cost: Option<MicroUsd>,
}

impl Default for Runtime {
    fn default() -> Runtime {
        Runtime {
            turn_timeout: Duration::from_secs(60),
            max_turns: Turns(8),
            max_tokens: Tokens(5_000_000),
            max_duration: Duration::from_secs(86_400),
            max_cost: None,
        }
    }
}

impl Config {
    /// Reads the sources, the weakest first, and returns what they say together.
    ///
    /// # Errors
    /// When a file cannot be read or is not TOML, or with every key and value that is wrong, in all sources at once.
    pub fn load(sources: &Sources) -> Result<(Config, Vec<Notice>), ConfigError> {
        let mut layers = Vec::new();
        for directory in &sources.directories {
            for file in FILES {
                layers.push(Layer::from_file(&directory.join(file))?);
            }
        }
        layers.push(Layer::from_variables(&sources.variables));
        layers.push(Layer::from_flags(&sources.flags));

        let mut problems = Vec::new();
        let mut notices = Vec::new();
        let mut written = Written::default();
        for layer in layers {
            problems.extend(layer.problems);
            for setting in layer.settings {
                match setting.used {
                    Use::Now => written.put(setting),
                    Use::Later => notices.push(Notice { key: setting.key, place: setting.place }),
                }
            }
        }
        let selection =
            written.selection(sources).map_err(|problem| problems.push(problem)).unwrap_or_default();
        if !problems.is_empty() {
            return Err(ConfigError::Invalid(problems));
        }
        Ok((Config { selection, runtime: written.runtime() }, notices))
    }
}

/// What stands after every layer has had its say.
#[derive(Default)]
struct Written(BTreeMap<String, Setting>);

impl Written {
    fn put(&mut self, setting: Setting) {
        self.0.insert(setting.key.clone(), setting);
    }

    fn selection(&self, sources: &Sources) -> Result<Selection, Problem> {
        let text = |key| {
            self.0.get(key).and_then(|setting| match &setting.value {
                Value::Text(text) => Some((text.trim().to_owned(), setting.place.clone())),
                Value::Whole(_) | Value::Number(_) | Value::Switch(_) | Value::Texts(_) | Value::Odd(_) => {
                    None
                }
            })
        };
        let registry = Registry { settings: &self.0, variables: &sources.variables };
        Selection::choose(text("selection.provider"), text("selection.model"), &registry)
    }

    fn runtime(&self) -> Runtime {
        let value = |key| self.0.get(key).map(|setting| &setting.value);
        let default = Runtime::default();
        Runtime {
            turn_timeout: value("runtime.turn_timeout_secs")
                .and_then(whole)
                .map_or(default.turn_timeout, Duration::from_secs),
            max_turns: value("runtime.max_turns").and_then(whole).map_or(default.max_turns, Turns),
            max_tokens: value("runtime.max_tokens").and_then(whole).map_or(default.max_tokens, Tokens),
            max_duration: value("runtime.max_duration_secs")
                .and_then(whole)
                .map_or(default.max_duration, Duration::from_secs),
            max_cost: value("runtime.max_cost").and_then(number).map(micro_usd),
        }
    }
}

/// Rounds up: a limit of a millionth of a cent is a limit, not none.
fn micro_usd(dollars: f64) -> MicroUsd {
    MicroUsd((dollars * 1e6).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::{fs, path::Path};

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
            Ok((config, notices)) => {
                let Runtime { turn_timeout, max_turns, max_cost, max_tokens: _, max_duration: _ } =
                    config.runtime;
                let notices: Vec<_> = notices.iter().map(|notice| format!("\n{notice}")).collect();
                let Selection { provider, model } = config.selection;
                format!("{provider}/{model}, {turn_timeout:?}, {max_turns}, {max_cost:?}{}", notices.join(""))
            }
            Err(error) => format!("{error}"),
        };
        text.replace(&format!("{}/", root.display()), "")
    }

    fn check(files: &[(&str, &str)], variables: &[(&str, &str)], expected: Expect) {
        let add =
            |sources: Sources| variables.iter().fold(sources, |s, (name, value)| s.variable(name, value));
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
                `memory.enabled` in home/agent.toml line 8 must be true or false, not 1
                `runtime.max_cost` in home/agent.toml line 5 must be an amount of US dollars above 0, not NaN
                unknown key `runtime.max_turn` in home/agent.toml line 2; did you mean `runtime.max_turns`?
                `runtime.max_turns` in home/agent.toml line 3 must be a whole number from 1 to 1000, not 0
                `runtime.turn_timeout_secs` in home/agent.toml line 4 must be a whole number from 1 to 86400, not "long"
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
                `config_version` in home/agent.toml line 1 must be a version such as "1.0.0" whose first number is 1, not "2.0.0"
                unknown key `weather` in home/agent.toml line 2"#]],
        );
    }

    #[test]
    fn a_provider_or_model_that_is_not_there_is_named_with_what_is() {
        let selection = "[selection]\nprovider = \"anthropic\"\nmodel = \"some-model\"\n";
        check(
            &[("home/agent.toml", selection)],
            &[],
            expect![
                "`selection.provider` in home/agent.toml line 2 is `anthropic`, which nobody knows; there are rehearsal, openai; others are named in `providers.registry`"
            ],
        );
        let forced = loaded(&[("home/agent.toml", selection)], |sources| sources.model("rehearsal"));
        expect!["rehearsal/rehearsal, 60s, 8 turns, None"].assert_eq(&forced);
        let other = loaded(&[], |sources| sources.model("gpt-4o-mini"));
        expect!["`selection.model` in --model is `gpt-4o-mini`, which the provider `rehearsal` does not have; available: rehearsal; another provider needs its key or `selection.provider`"].assert_eq(&other);
        let both = loaded(&[], |sources| sources.model("anthropic/some-model"));
        expect!["`selection.provider` in --model is `anthropic`, which nobody knows; there are rehearsal, openai; others are named in `providers.registry`"].assert_eq(&both);
    }

    #[test]
    fn keys_of_later_versions_are_noticed_and_secrets_never_shown() {
        let text = "[providers.registry.mine]\napi_key = \"sk-1\"\nprovider_type = \"openai\"\n[[mcp.servers]]\nname = \"x\"\n";
        check(
            &[("home/providers.toml", text)],
            &[("OXYDRA__SCHEDULER__MAX_CONCURRENT", "2")],
            expect![[r#"
                mine/gpt-4.1-mini, 60s, 8 turns, None
                `mcp` in home/providers.toml line 4 is not used by this version
                `scheduler.max_concurrent` in the environment variable OXYDRA__SCHEDULER__MAX_CONCURRENT is not used by this version"#]],
        );
        check(
            &[("home/providers.toml", "[providers.registry.mine]\napi_key = [\"sk-1\"]\n")],
            &[],
            expect![
                "`providers.registry.mine.api_key` in home/providers.toml line 2 must be text that is not blank, not something else (not shown)"
            ],
        );
    }

    #[test]
    fn a_directory_or_a_huge_file_in_the_place_of_a_file_is_refused() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let sources = Sources::none().directory(place.path());
        fs::create_dir(place.path().join("agent.toml")).expect("the directory is made");
        expect!["cannot read the configuration file agent.toml"].assert_eq(&shown(place.path(), &sources));
        fs::remove_dir(place.path().join("agent.toml")).expect("the directory goes");
        fs::write(place.path().join("agent.toml"), "#".repeat(2 << 20)).expect("the file is written");
        expect!["cannot read the configuration file agent.toml"].assert_eq(&shown(place.path(), &sources));
    }

    #[test]
    fn tokens_and_time_have_limits_too() {
        let variables = |tokens: &str, seconds: &str| {
            Sources::none()
                .variable("OXYDRA__RUNTIME__MAX_TOKENS", tokens)
                .variable("OXYDRA__RUNTIME__MAX_DURATION_SECS", seconds)
        };
        let (config, _) = Config::load(&variables("9000", "60")).expect("both are limits");
        assert_eq!(
            (config.runtime.max_tokens, config.runtime.max_duration),
            (Tokens(9000), Duration::from_secs(60))
        );
        assert!(Config::load(&variables("0", "60")).is_err());
        assert!(Config::load(&variables("1", "for ever")).is_err());
    }
}
