//! Which boot of the machine this is: after a crash of the process the page cache survives, after one of the machine
//! it does not, and a view that was not closed is then not trusted.
use std::fs;

/// Where Linux names its boot.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// One boot of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootId(pub u128);

impl BootId {
    /// Returns the boot that runs now, or `None` where the system does not name it: a view that was not closed is
    /// then rebuilt.
    pub fn current() -> Option<BootId> {
        fs::read_to_string(BOOT_ID_FILE).ok().and_then(|text| BootId::parse(&text))
    }

    fn parse(text: &str) -> Option<BootId> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(BootId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_is_a_uuid_and_nothing_else() {
        assert_eq!(BootId::parse("00000000-0000-0000-0000-00000000002a\n"), Some(BootId(42)));
        for text in
            ["", "2a", "g0000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000002a0"]
        {
            assert_eq!(BootId::parse(text), None, "{text}");
        }
    }
}
