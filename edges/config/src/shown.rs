//! Values as they are shown to a person: never a secret, always with the place that set them.
use crate::{
    FileKind, Place,
    check::Value,
    keys::{self, Use},
    layer::Setting,
    written::Written,
};

/// A value of the configuration, fit to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// The value as TOML writes it; a secret is masked.
    pub value: String,
    /// Who set it.
    pub place: Place,
    /// Whether this version acts on it.
    pub counts: bool,
}

impl Shown {
    pub(crate) fn of(setting: &Setting) -> Shown {
        Shown {
            key: keys::written(&setting.path),
            value: if setting.key.is_secret() { "\"[secret]\"".to_owned() } else { toml(&setting.value) },
            place: setting.place.clone(),
            counts: setting.key.used == Use::Now,
        }
    }

    pub(crate) fn all(written: &Written) -> Vec<Shown> {
        written.all().map(Shown::of).collect()
    }
}

fn toml(value: &Value) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    match value {
        Value::Text(text) => quoted(text),
        Value::Whole(whole) => whole.to_string(),
        Value::Number(number) => toml::Value::from(*number).to_string(),
        Value::Switch(switch) => switch.to_string(),
        Value::Texts(texts) => {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
        Value::Odd(what) => what.clone(),
    }
}

/// A key as a listing describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Which file has it.
    pub file: FileKind,
    /// Its path; `*` stands for a name that the user chooses.
    pub key: &'static str,
    /// What it may hold, in words.
    pub holds: String,
    /// What stands when nobody writes it; empty for nothing.
    pub default: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether this version acts on it, in words.
    pub status: String,
}

/// Describes every key that there is: those that count, those that wait for something, those that moved or are gone.
pub fn described() -> Vec<Described> {
    let of = |file: FileKind| {
        file.keys().iter().map(move |key| Described {
            file,
            key: key.path,
            holds: key.rule.in_words(),
            default: key.default,
            about: key.about,
            status: match key.used {
                Use::Now => "works".to_owned(),
                Use::Later(until) => format!("waits for {until}"),
                Use::Moved(to) => format!("is now `{to}`"),
                Use::Gone(why) => format!("no effect: {why}"),
            },
        })
    };
    FileKind::ALL.into_iter().flat_map(of).collect()
}
