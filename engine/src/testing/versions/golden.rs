//! Golden journals: what a version left behind when its process was killed, as text, so that a change of a single byte is
//! seen in a review. They are read into memory; a journal of files is another matter, and not here.
use crate::{
    graph::Meta,
    log::{Group, Lsn},
};
use std::{fmt::Write, fs, path::Path};

/// The journal of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// Which version wrote it.
    pub version: u32,
    /// What was durable when its process was killed.
    pub groups: Vec<Group>,
}

/// Writing into a string has no way to fail.
const INTO_MEMORY: &str = "a string takes what is written to it";

pub(super) fn write(path: &Path, meta: &Meta, groups: &[Group]) {
    let said = |error| panic!("cannot write {}: {error}", path.display());
    path.parent().map(fs::create_dir_all).transpose().unwrap_or_else(said);
    fs::write(path, text(meta, groups))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

#[track_caller]
pub(super) fn read(path: &Path, version: u32) -> Golden {
    let way_out = "`UPDATE_SHAPES=1 cargo test` makes that of the version that is there now; an older one is in the history";
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("cannot read the golden journal {}: {error}; {way_out}", path.display())
    });
    let groups = parse(&text).unwrap_or_else(|line| panic!("{}: line {line} is no record", path.display()));
    Golden { version, groups }
}

/// A group is a line `group` and one line of hexadecimal digits for each of its records.
fn text(meta: &Meta, groups: &[Group]) -> String {
    let mut text =
        format!("# What a killed process of `{}` v{} left behind. Never changed.\n", meta.name, meta.version);
    for group in groups {
        text.push_str("group\n");
        for record in &group.records {
            record.iter().for_each(|byte| write!(text, "{byte:02x}").expect(INTO_MEMORY));
            text.push('\n');
        }
    }
    text
}

fn parse(text: &str) -> Result<Vec<Group>, usize> {
    let (mut groups, mut next): (Vec<Group>, _) = (Vec::new(), Lsn(1));
    for (number, line) in (1usize..).zip(text.lines()) {
        match line {
            "" => {}
            comment if comment.starts_with('#') => {}
            "group" => groups.push(Group { first: next, records: Vec::new() }),
            record => {
                let group = groups.last_mut().ok_or(number)?;
                group.records.push(bytes(record).ok_or(number)?);
                next = Lsn(next.0 + 1);
            }
        }
    }
    Ok(groups)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.is_ascii() && hex.len().is_multiple_of(2);
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    digits.then(|| (0..hex.len()).step_by(2).map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let group = |first, records: &[&[u8]]| Group {
            first: Lsn(first),
            records: records.iter().map(|r| r.to_vec()).collect(),
        };
        let groups = vec![group(1, &[&[0, 255], &[7]]), group(3, &[&[1]])];
        let meta = <crate::testing::versions::tests::Nap as crate::Graph>::META;
        assert_eq!(parse(&text(&meta, &groups)), Ok(groups));
    }

    #[test]
    fn what_is_no_record_is_refused_by_line() {
        for (text, line) in [("00", 1), ("group\n0", 2), ("group\n\n0g", 3), ("group\n00\nö0", 3)] {
            assert_eq!(parse(text), Err(line), "{text}");
        }
    }
}
