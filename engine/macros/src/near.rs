//! Whether one word is likely a slip of another.

/// One letter added, left out or changed, in words of at least `letters_min`.
pub(crate) fn is_near(a: &str, b: &str, letters_min: usize) -> bool {
    let (short, long) =
        if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    if short.len() < letters_min || long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let skipped = usize::from(short.len() == long.len());
    short[(same + skipped).min(short.len())..] == *long.get(same + 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn one_letter_is_a_slip_and_two_are_another_word() {
        for (a, b) in [
            ("end", "ends"),
            ("start", "stat"),
            ("after", "aftor"),
            ("lap", "Lap"),
            ("on", "onn"),
            ("on", "on"),
        ] {
            assert!(is_near(a, b, 2) && is_near(b, a, 2), "{a} {b}");
        }
        for (a, b) in [("end", "ended"), ("on", "n"), ("stop", "start"), ("was", "sad"), ("", "")] {
            assert!(!is_near(a, b, 2) && !is_near(b, a, 2), "{a} {b}");
        }
    }
}
