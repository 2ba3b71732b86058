//! What became of a call that was cut off, decided by what was seen before it and what is there now. It claims neither
//! outcome where both differ: somebody else was there, or the call got halfway.
use crate::{Evidence, Found};

/// Decides; `said` is what the tool says of a call that happened.
pub(super) fn settle(before: &Evidence, now: &str, said: String) -> Found {
    if before.after.as_deref() == Some(now) {
        return Found::Happened(said);
    }
    if before.before.as_deref() == Some(now) { Found::NotYet } else { Found::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: [&str; 2], now: &str, found: &Found) {
        let [before, after] = before.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        let before = Evidence { before, after };
        assert_eq!(&settle(&before, now, "said".into()), found, "{before:?} {now}");
    }

    #[test]
    fn only_what_shows_is_claimed() {
        check(["a", "b"], "b", &Found::Happened("said".into()));
        check(["", "b"], "b", &Found::Happened("said".into()));
        check(["a", "b"], "a", &Found::NotYet);
        check(["a", ""], "a", &Found::NotYet);
        check(["a", "b"], "c", &Found::Unknown);
        check(["a", ""], "c", &Found::Unknown);
        check(["", "b"], "a", &Found::Unknown);
        check(["", ""], "a", &Found::Unknown);
    }
}
