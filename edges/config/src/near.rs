//! The known key that is nearest to an unknown one.
use crate::{FileKind, keys};

/// Returns the known key that a person may have meant, or nothing when all are too far off to be a help.
pub(crate) fn nearest(kind: FileKind, path: &[String]) -> Option<String> {
    let whole = nearest_of(&keys::written(path), kind.keys().iter().map(|key| named_as_in(key.path, path)));
    // Who leaves the table out writes the last name right.
    let last = path.last().map(String::as_str).unwrap_or_default();
    let by_name = || {
        let mut fitting = kind.keys().iter().filter(|key| key.path.rsplit('.').next() == Some(last));
        fitting
            .next()
            .filter(|key| fitting.next().is_none() && !key.path.contains('*'))
            .map(|key| key.path.to_owned())
    };
    whole.or_else(by_name)
}

/// Returns the nearest of some names, or nothing when all are too far off to be a help.
pub fn nearest_of(written: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let (distance, name) = known.into_iter().map(|name| (distance(written, &name), name)).min()?;
    let close_enough = distance <= (written.chars().count() / 3).max(2);
    close_enough.then_some(name)
}

/// Puts the names that the user chose where the key has `*`.
fn named_as_in(key: &str, path: &[String]) -> String {
    let named = key.split('.').enumerate().map(|(i, segment)| match path.get(i) {
        Some(name) if segment == "*" => name.as_str(),
        Some(_) | None => segment,
    });
    keys::written(&named.map(str::to_owned).collect::<Vec<_>>())
}

/// How many characters must be added, dropped or changed to turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key_and_nonsense_finds_none() {
        let near =
            |path: &str| nearest(FileKind::Agent, &path.split('.').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(near("runtime.max_turn").as_deref(), Some("runtime.max_turns"));
        assert_eq!(near("selectoin.model").as_deref(), Some("selection.model"));
        assert_eq!(near("hnsw_min_rows").as_deref(), Some("memory.retrieval.hnsw_min_rows"));
        assert_eq!(near("max_turns").as_deref(), None, "there are several");
        assert_eq!(
            near("providers.registry.mine.apikey").as_deref(),
            Some("providers.registry.mine.api_key")
        );
        assert_eq!(near("weather"), None);
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2), ("x", "x", 0)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
