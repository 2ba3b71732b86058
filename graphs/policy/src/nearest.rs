//! The nearest known name, for who has written one wrong. It suggests; it never corrects by itself.

/// Longer names are not compared: nobody mistypes them, and the comparison is quadratic.
const NAME_CHARS_MAX: usize = 128;

/// Returns the name that is likely meant: a third of its characters may differ, case does not count.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(NAME_CHARS_MAX + 1).collect();
    if wanted.is_empty() || wanted.len() > NAME_CHARS_MAX {
        return None;
    }
    let close = |name: &'a str| {
        let chars: Vec<char> = name.to_lowercase().chars().take(NAME_CHARS_MAX + 1).collect();
        // Of a single letter nothing would be left.
        let longer = wanted.len().max(chars.len());
        let bound = longer.div_ceil(3).min(longer - 1);
        let distance = (chars.len() <= NAME_CHARS_MAX).then(|| distance(&wanted, &chars))?;
        (distance <= bound).then_some((distance, name))
    };
    names.filter_map(close).min().map(|(_, name)| name)
}

/// The number of insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let names = ["file_read", "file_write", "file_list", "notes.txt", "d"];
        let cases = [
            ("file_raed", Some("file_read")),
            ("FILE_LIST", Some("file_list")),
            ("fileread", Some("file_read")),
            ("note.txt", Some("notes.txt")),
            ("shell_exec", None),
            ("a", None),
            ("", None),
        ];
        for (wanted, expected) in cases {
            assert_eq!(nearest(wanted, names.into_iter()), expected, "{wanted}");
        }
        assert_eq!(nearest(&"x".repeat(5000), names.into_iter()), None);
    }
}
