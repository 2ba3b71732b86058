//! Whether a value fits its key. The one place that knows how a rule reads in words.
use crate::keys::Rule;

/// A value, wherever it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Switch(bool),
    Texts(Vec<String>),
    /// What no key but a free one holds; printed as it was named.
    Odd(String),
}

impl Value {
    /// The value in words, short.
    pub(crate) fn shown(&self) -> String {
        match self {
            Value::Text(text) => format!("\"{}\"", shortened(text)),
            Value::Whole(whole) => whole.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Switch(switch) => switch.to_string(),
            Value::Texts(texts) => format!("[{}]", shortened(&texts.join(", "))),
            Value::Odd(what) => shortened(what),
        }
    }
}

/// A value in a message may be as long as this; the file has the rest.
const SHOWN_CHARS_MAX: usize = 60;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", text[..cut].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

impl Rule {
    /// Says whether the value fits.
    pub(crate) fn allows(self, value: &Value) -> bool {
        match self {
            Rule::Text | Rule::Secret => matches!(value, Value::Text(text) if !text.trim().is_empty()),
            Rule::Variable => matches!(value, Value::Text(text) if is_variable(text.trim())),
            Rule::Url => matches!(value, Value::Text(text) if http::Url::parse(text).is_ok()),
            Rule::Urls => {
                matches!(value, Value::Texts(texts) if texts.iter().all(|text| http::Url::parse(text).is_ok()))
            }
            Rule::Models => matches!(value, Value::Texts(texts) if texts.iter().all(|text| is_model(text))),
            Rule::Reference => matches!(value, Value::Text(text) if is_reference(text)),
            Rule::Word(words) => matches!(value, Value::Text(text) if words.contains(&text.as_str())),
            Rule::Count(least, most) => whole(value).is_some_and(|n| (least..=most).contains(&n)),
            Rule::Counts => whole(value).is_some_and(|n| n > 0),
            Rule::Ratio => number(value).is_some_and(|n| (0.0..=1.0).contains(&n)),
            Rule::Money => number(value).is_some_and(|n| n.is_finite() && n > 0.0),
            Rule::Switch => matches!(value, Value::Switch(_)),
            Rule::Texts => {
                matches!(value, Value::Texts(texts) if texts.iter().all(|text| !text.trim().is_empty()))
            }
            Rule::Version => matches!(value, Value::Text(text) if is_version_1(text)),
            Rule::Free => true,
        }
    }

    /// Says in words what the key may hold, to stand after "must be".
    pub(crate) fn in_words(self) -> String {
        match self {
            Rule::Text | Rule::Secret => "text that is not blank".to_owned(),
            Rule::Variable => {
                "the name of a variable, such as OPENAI_API_KEY, never the key itself".to_owned()
            }
            Rule::Url => {
                "an address such as https://api.example.com/v1, without a user or a query".to_owned()
            }
            Rule::Urls => "a list of addresses such as http://127.0.0.1:11434".to_owned(),
            Rule::Models => "a list of models, each written `provider/model`".to_owned(),
            Rule::Reference => {
                "where the credential is: `env:NAME` for a variable, `file:PATH` for a file".to_owned()
            }
            Rule::Word(words) => format!("one of {}", words.join(", ")),
            Rule::Count(least, u64::MAX) => format!("a whole number of at least {least}"),
            Rule::Count(least, most) => format!("a whole number from {least} to {most}"),
            Rule::Counts => "a whole number of at least 1".to_owned(),
            Rule::Ratio => "a number from 0 to 1".to_owned(),
            Rule::Money => "an amount of US dollars above 0".to_owned(),
            Rule::Switch => "true or false".to_owned(),
            Rule::Texts => "a list of texts that are not blank".to_owned(),
            Rule::Version => "a version such as \"1.1.0\" whose first number is 1".to_owned(),
            Rule::Free => "anything".to_owned(),
        }
    }

    /// Reads a value from the environment, where everything is text: as the key's own type if it can be one.
    pub(crate) fn read(self, text: &str) -> Value {
        let as_written = || Value::Text(text.to_owned());
        let trimmed = text.trim();
        match self {
            Rule::Text
            | Rule::Secret
            | Rule::Variable
            | Rule::Url
            | Rule::Word(_)
            | Rule::Reference
            | Rule::Version
            | Rule::Free => as_written(),
            Rule::Count(..) | Rule::Counts => trimmed.parse().map_or_else(|_| as_written(), Value::Whole),
            Rule::Ratio | Rule::Money => trimmed.parse().map_or_else(|_| as_written(), Value::Number),
            Rule::Switch => trimmed.parse().map_or_else(|_| as_written(), Value::Switch),
            Rule::Texts | Rule::Urls | Rule::Models if trimmed.is_empty() => Value::Texts(Vec::new()),
            Rule::Texts | Rule::Urls | Rule::Models => {
                Value::Texts(text.split(',').map(|item| item.trim().to_owned()).collect())
            }
        }
    }
}

/// The whole number, if the value is one that is not negative.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Whole(whole) => u64::try_from(*whole).ok(),
        Value::Text(_) | Value::Number(_) | Value::Switch(_) | Value::Texts(_) | Value::Odd(_) => None,
    }
}

impl Value {
    /// The text, if it is one, without the blanks around it.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text.trim()),
            Value::Whole(_) | Value::Number(_) | Value::Switch(_) | Value::Texts(_) | Value::Odd(_) => None,
        }
    }

    /// The texts, if it is a list of them.
    pub(crate) fn texts(&self) -> Option<&[String]> {
        match self {
            Value::Texts(texts) => Some(texts),
            Value::Text(_) | Value::Whole(_) | Value::Number(_) | Value::Switch(_) | Value::Odd(_) => None,
        }
    }

    /// Whether it is on, if it is a switch.
    pub(crate) fn switch(&self) -> Option<bool> {
        match self {
            Value::Switch(switch) => Some(*switch),
            Value::Text(_) | Value::Whole(_) | Value::Number(_) | Value::Texts(_) | Value::Odd(_) => None,
        }
    }
}

/// The number: TOML writes 1 dollar as `1` or `1.0`.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        // Exact up to 2^53, and what is above is refused or absurd.
        Value::Whole(whole) => Some(*whole as f64),
        Value::Text(_) | Value::Switch(_) | Value::Texts(_) | Value::Odd(_) => None,
    }
}

fn is_model(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(provider, model)| !provider.trim().is_empty() && !model.trim().is_empty())
}

fn is_variable(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_reference(text: &str) -> bool {
    crate::credential::Reference::parse(text).is_some()
}

fn is_version_1(text: &str) -> bool {
    let mut numbers = text.split('.').map(str::parse::<u32>);
    numbers.next() == Some(Ok(1)) && numbers.all(|number| number.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_allow_their_values_and_no_others() {
        let text = |text: &str| Value::Text(text.into());
        for (rule, good, bad) in [
            (Rule::Text, vec![text("a")], vec![text(" "), Value::Whole(1)]),
            (Rule::Word(&["a", "b"]), vec![text("b")], vec![text("c"), text("")]),
            (
                Rule::Count(1, 8),
                vec![Value::Whole(1), Value::Whole(8)],
                vec![Value::Whole(0), Value::Whole(9), Value::Whole(-1), Value::Number(2.0), text("2")],
            ),
            (
                Rule::Ratio,
                vec![Value::Whole(1), Value::Number(0.85)],
                vec![Value::Number(1.1), Value::Number(f64::NAN)],
            ),
            (
                Rule::Money,
                vec![Value::Number(0.5), Value::Whole(3)],
                vec![Value::Number(0.0), Value::Number(f64::INFINITY), Value::Number(-1.0)],
            ),
            (
                Rule::Url,
                vec![text("http://localhost:8080"), text("https://a/v1")],
                vec![text("localhost"), text("https://me:pw@a"), text("https://a?k=1"), Value::Whole(1)],
            ),
            (Rule::Switch, vec![Value::Switch(false)], vec![text("yes")]),
            (Rule::Texts, vec![Value::Texts(vec![])], vec![Value::Texts(vec![" ".into()]), text("a")]),
            (
                Rule::Version,
                vec![text("1"), text("1.0.0")],
                vec![text("2.0"), text("1.x"), text("one"), text("")],
            ),
            (
                Rule::Models,
                vec![Value::Texts(vec!["a/b/c".into()])],
                vec![Value::Texts(vec!["a".into()]), Value::Texts(vec!["/b".into()]), text("a/b")],
            ),
            (
                Rule::Variable,
                vec![text("OPENAI_API_KEY"), text(" _k2 ")],
                vec![text("sk-secret"), text("2K"), text(""), text("A B"), Value::Whole(1)],
            ),
            (
                Rule::Reference,
                vec![text("env:A"), text("file:k"), text("MY_KEY")],
                vec![text("a b"), text("env:")],
            ),
            (Rule::Free, vec![Value::Odd("a table".into())], vec![]),
        ] {
            good.iter().for_each(|value| assert!(rule.allows(value), "{rule:?} {value:?}"));
            bad.iter().for_each(|value| assert!(!rule.allows(value), "{rule:?} {value:?}"));
        }
    }

    #[test]
    fn text_of_the_environment_becomes_what_the_key_holds() {
        assert_eq!(Rule::Counts.read(" 12 "), Value::Whole(12));
        assert_eq!(Rule::Counts.read("many"), Value::Text("many".into()));
        assert_eq!(Rule::Text.read("12"), Value::Text("12".into()));
        assert_eq!(Rule::Switch.read("true"), Value::Switch(true));
        assert_eq!(Rule::Texts.read("a, b"), Value::Texts(vec!["a".into(), "b".into()]));
        assert_eq!(Rule::Urls.read(" "), Value::Texts(vec![]));
    }

    #[test]
    fn a_message_shows_a_short_clean_value() {
        let shown = Value::Text("x\n".repeat(100)).shown();
        assert!(shown.ends_with("…\"") && !shown.contains('\n'), "{shown}");
    }
}
