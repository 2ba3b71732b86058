//! Host paths become the virtual paths that tools accept. Nothing else about a path changes.
use super::text::is_word;

/// Host paths with their virtual ones, longest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Vec<(String, String)>);

impl Hosts {
    pub(super) fn new(paths: impl IntoIterator<Item = (String, String)>) -> Hosts {
        let trimmed = |(host, virtual_): (String, String)| (host.trim_end_matches('/').to_owned(), virtual_);
        let mut paths: Vec<_> = paths.into_iter().map(trimmed).filter(|(host, _)| !host.is_empty()).collect();
        paths.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        Hosts(paths)
    }

    pub(super) fn map(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (host, virtual_)| replace(text, host, virtual_))
    }
}

fn replace(text: String, host: &str, virtual_: &str) -> String {
    let mut mapped = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(host) {
        if begins_path(&text, at) && ends_name(&text[at + host.len()..]) {
            mapped.push_str(&text[from..at]);
            mapped.push_str(virtual_);
            from = at + host.len();
        }
    }
    mapped.push_str(&text[from..]);
    mapped
}

/// Says whether a path can begin at `at`: not in the middle of a longer one, but behind `file://`.
fn begins_path(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let in_path = before.ends_with(|c: char| c.is_alphanumeric() || "_-./~".contains(c));
    !in_path || before.ends_with("://")
}

/// Says whether a file's name has ended where `rest` begins: `/ws/shared` is not a part of `/ws/shared2`.
fn ends_name(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    match bytes.next() {
        None => true,
        Some(b'.') => bytes.next().is_none_or(|b| !is_word(b)),
        Some(b) => !is_word(b) && b != b'-' && b.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_host_path_wins_and_names_stay_whole() {
        let pairs = [("/home/ann/ws", "~"), ("/home/ann/ws/shared/", "/shared"), ("", "never")];
        let hosts = Hosts::new(pairs.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let cases = [
            ("cat /home/ann/ws/shared/a b: /home/ann/ws/shared.", "cat /shared/a b: /shared."),
            ("/home/ann/ws/vault", "~/vault"),
            ("/home/ann/ws/shared2 /home/ann/ws-old", "~/shared2 /home/ann/ws-old"),
            ("/mnt/home/ann/ws file:///home/ann/ws/shared/x", "/mnt/home/ann/ws file:///shared/x"),
            ("\"/home/ann/ws/shared\"", "\"/shared\""),
            ("/home/ann/ws/shared.bak", "~/shared.bak"),
        ];
        for (text, expected) in cases {
            assert_eq!(hosts.map(text), expected);
            assert_eq!(hosts.map(expected), expected, "twice");
        }
    }
}
