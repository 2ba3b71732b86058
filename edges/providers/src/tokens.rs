//! Counts tokens. One vocabulary at most is in memory: each takes tens of megabytes and a quarter of a second to load, so
//! it is loaded when it is first needed, beside the async threads. It caches no count: [`Fitted`](crate::Fitted) does.
use domain::Tokens;
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use tiktoken_rs::CoreBPE;

/// Tokens could not be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncountable {
    /// The vocabulary cannot be loaded.
    #[error("the vocabulary cannot be loaded: {0}")]
    NoVocabulary(String),
    /// The counting panicked or was shut down.
    #[error("the counting was ended: {0}")]
    Ended(String),
}

/// Counts the tokens of texts.
pub trait TokenCounter: Send + Sync {
    /// What tells its counts from those of another: the vocabulary, and what is made of it.
    fn name(&self) -> &str;

    /// Counts each text, in order. What a server adds around them is not counted.
    ///
    /// # Errors
    /// When it cannot count at all.
    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<Tokens>, Uncountable>>;
}

/// Counts with OpenAI's vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiktoken {
    vocabulary: Vocabulary,
    kinship: Kinship,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    O200k,
    Cl100k,
}

/// Whether the vocabulary is the model's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinship {
    Own,
    /// Counts are raised by a quarter: vocabularies of one size differ by less on prose and code. An estimate, not a bound.
    Foreign,
}

/// What begins like this is counted with its own vocabulary.
const FAMILIES: &[(&str, Vocabulary)] = &[
    ("gpt-3.5", Vocabulary::Cl100k),
    ("gpt-4-", Vocabulary::Cl100k),
    ("gpt-4o", Vocabulary::O200k),
    ("gpt-4.", Vocabulary::O200k),
    ("gpt-5", Vocabulary::O200k),
    ("gpt-oss", Vocabulary::O200k),
    ("chatgpt-", Vocabulary::O200k),
    ("o1", Vocabulary::O200k),
    ("o3", Vocabulary::O200k),
    ("o4", Vocabulary::O200k),
];

/// The one that is loaded.
static LOADED: Mutex<Option<(Vocabulary, Arc<CoreBPE>)>> = Mutex::new(None);

impl Tiktoken {
    /// Chooses the vocabulary for a model. `vendor/model`, as gateways write it, is judged by the model.
    pub fn of(model: &str) -> Tiktoken {
        let model = model.rsplit('/').next().unwrap_or(model);
        let family = FAMILIES
            .iter()
            .find(|(prefix, _)| model == prefix.trim_end_matches('-') || model.starts_with(prefix));
        match family {
            Some((_, vocabulary)) => Tiktoken { vocabulary: *vocabulary, kinship: Kinship::Own },
            None => Tiktoken { vocabulary: Vocabulary::Cl100k, kinship: Kinship::Foreign },
        }
    }

    fn count_now(self, texts: &[String]) -> Result<Vec<Tokens>, Uncountable> {
        let vocabulary = self.vocabulary.loaded()?;
        let count = |text: &String| self.kinship.raised(vocabulary.count_ordinary(text) as u64);
        Ok(texts.iter().map(count).collect())
    }
}

impl TokenCounter for Tiktoken {
    fn name(&self) -> &str {
        match (self.vocabulary, self.kinship) {
            (Vocabulary::O200k, Kinship::Own) => "o200k",
            (Vocabulary::Cl100k, Kinship::Own) => "cl100k",
            (Vocabulary::O200k, Kinship::Foreign) => "o200k and a quarter",
            (Vocabulary::Cl100k, Kinship::Foreign) => "cl100k and a quarter",
        }
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<Tokens>, Uncountable>> {
        let counter = *self;
        Box::pin(async move {
            let counted = tokio::task::spawn_blocking(move || counter.count_now(&texts));
            counted.await.map_err(|error| Uncountable::Ended(error.to_string()))?
        })
    }
}

impl Vocabulary {
    /// Loads it, unless it is loaded. Whoever else needs one waits: two loads at once would be two in memory.
    fn loaded(self) -> Result<Arc<CoreBPE>, Uncountable> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((which, vocabulary)) = &*loaded
            && *which == self
        {
            return Ok(vocabulary.clone());
        }
        // The other goes first.
        *loaded = None;
        let vocabulary = match self {
            Vocabulary::O200k => tiktoken_rs::o200k_base(),
            Vocabulary::Cl100k => tiktoken_rs::cl100k_base(),
        };
        let vocabulary = Arc::new(vocabulary.map_err(|error| Uncountable::NoVocabulary(error.to_string()))?);
        *loaded = Some((self, vocabulary.clone()));
        Ok(vocabulary)
    }
}

impl Kinship {
    fn raised(self, count: u64) -> Tokens {
        match self {
            Kinship::Own => Tokens(count),
            Kinship::Foreign => Tokens(count + count.div_ceil(4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_counted_with_its_own_vocabulary_where_there_is_one() {
        for (model, vocabulary, kinship) in [
            ("gpt-4o-mini", Vocabulary::O200k, Kinship::Own),
            ("gpt-4.1", Vocabulary::O200k, Kinship::Own),
            ("gpt-4", Vocabulary::Cl100k, Kinship::Own),
            ("gpt-4-turbo", Vocabulary::Cl100k, Kinship::Own),
            ("openai/gpt-5-mini", Vocabulary::O200k, Kinship::Own),
            ("o3", Vocabulary::O200k, Kinship::Own),
            ("anthropic/claude-sonnet-4.5", Vocabulary::Cl100k, Kinship::Foreign),
            ("llama3.3:70b", Vocabulary::Cl100k, Kinship::Foreign),
        ] {
            assert_eq!(Tiktoken::of(model), Tiktoken { vocabulary, kinship }, "{model}");
        }
    }

    /// Loads both, one after the other: in one test, since each takes its time.
    #[tokio::test]
    async fn counts_are_those_of_the_vocabulary() {
        let count = async |model: &str, texts: &[&str]| {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            Tiktoken::of(model).count(texts).await.expect("the vocabulary is compiled in")
        };
        let texts = ["tiktoken is great!", "", "<|endoftext|>", "今天天气很好"];
        assert_eq!(count("gpt-4", &texts).await, [6, 0, 7, 8].map(Tokens));
        assert_eq!(count("some-model", &texts[..2]).await, [8, 0].map(Tokens));
        assert_eq!(count("gpt-4o", &texts).await, [6, 0, 7, 4].map(Tokens));
        let loaded = LOADED.lock().unwrap().as_ref().map(|(which, _)| *which);
        assert_eq!(loaded, Some(Vocabulary::O200k), "the other is gone");
    }
}
