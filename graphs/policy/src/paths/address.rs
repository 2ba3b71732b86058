//! A path as tools write it: `/shared/x`, `/tmp/x`, or `x`, which is in `/shared`. It names a place; whether the place
//! is inside the workspace is decided by the kernel when it is opened.
use super::FileError;
use std::fmt;

/// The longest path the kernel takes.
const PATH_BYTES_MAX: usize = 4095;
/// The longest name a file can have.
const NAME_BYTES_MAX: usize = 255;

/// A part of the workspace that file tools reach. The vault is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mount {
    /// What the user and the agent share.
    Shared,
    /// What may be lost.
    Tmp,
}

impl Mount {
    /// Returns the path that names the mount.
    pub fn as_str(self) -> &'static str {
        match self {
            Mount::Shared => "/shared",
            Mount::Tmp => "/tmp",
        }
    }
}

/// A place in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualPath {
    mount: Mount,
    /// Relative, without `.` and doubled slashes; empty for the mount itself.
    below: String,
}

impl VirtualPath {
    /// Reads a path as a tool was given it.
    ///
    /// # Errors
    /// When it is a path of the host, climbs out, or cannot be a path at all.
    pub fn parse(text: &str) -> Result<VirtualPath, FileError> {
        let refuse = |why: &str| Err(FileError::refused(shown(text), why));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.contains('\0') {
            return refuse("it holds a NUL byte");
        }
        if text.len() > PATH_BYTES_MAX {
            return refuse("it is longer than 4095 bytes");
        }
        let Some((mount, rest)) = mount_of(text) else {
            return refuse(outside(text));
        };
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.iter().any(|part| part.len() > NAME_BYTES_MAX) {
            return refuse("a name in it is longer than 255 bytes");
        }
        if climbs(&parts) {
            return refuse("it climbs out of its directory with `..`");
        }
        Ok(VirtualPath { mount, below: parts.join("/") })
    }

    /// Returns the root of a mount.
    pub fn root(mount: Mount) -> VirtualPath {
        VirtualPath { mount, below: String::new() }
    }

    /// Returns the part of the workspace it is in.
    pub fn mount(&self) -> Mount {
        self.mount
    }

    /// Returns the path below the mount; empty for the mount itself.
    pub(super) fn below(&self) -> &str {
        &self.below
    }

    /// Returns the directory it is in and its name there; `None` for a mount, and where the name is `..`.
    pub fn split(&self) -> Option<(VirtualPath, &str)> {
        let (parent, name) = self.below.rsplit_once('/').unwrap_or(("", &self.below));
        let parent = VirtualPath { mount: self.mount, below: parent.to_owned() };
        (!name.is_empty() && name != "..").then_some((parent, name))
    }

    /// Returns the place of a name in this directory.
    pub(super) fn join(&self, name: &str) -> VirtualPath {
        let below = if self.below.is_empty() { name.to_owned() } else { format!("{}/{name}", self.below) };
        VirtualPath { mount: self.mount, below }
    }
}

impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mount.as_str())?;
        if self.below.is_empty() { Ok(()) } else { write!(f, "/{}", shown(&self.below)) }
    }
}

/// A name as one line: a line break in it must not look like the end of the name.
pub(super) fn shown(name: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut chars = name.chars();
    let short: String = chars.by_ref().take(1000).map(escape).collect();
    if chars.next().is_some() { format!("{short}…") } else { short }
}

fn mount_of(text: &str) -> Option<(Mount, &str)> {
    if !text.starts_with('/') && text != "~" && !text.starts_with("~/") {
        return Some((Mount::Shared, text));
    }
    [Mount::Shared, Mount::Tmp].into_iter().find_map(|mount| {
        let rest = text.strip_prefix(mount.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    })
}

fn outside(text: &str) -> &'static str {
    if text == "/vault" || text.starts_with("/vault/") {
        return "the vault is out of reach of file tools";
    }
    "it is a path of the host; paths begin with /shared or /tmp, or are relative to /shared"
}

fn climbs(parts: &[&str]) -> bool {
    let mut depth = 0_usize;
    !parts.iter().all(|part| {
        let next = if *part == ".." { depth.checked_sub(1) } else { depth.checked_add(1) };
        depth = next.unwrap_or(0);
        next.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        let cases = [
            ("a", "/shared/a"),
            ("./a//b/", "/shared/a/b"),
            ("/shared", "/shared"),
            ("/shared/", "/shared"),
            ("/tmp/x y/ü", "/tmp/x y/ü"),
            ("a/../b", "/shared/a/../b"),
            (".", "/shared"),
            ("two\nlines", "/shared/two\\nlines"),
            ("~file", "/shared/~file"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                VirtualPath::parse(text).map(|p| p.to_string()).ok().as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused_in_words() {
        let long = "x".repeat(256);
        let longer = "x/".repeat(2100);
        let cases = [
            ("", "it is empty"),
            ("a\0b", "NUL"),
            ("..", "climbs"),
            ("../x", "climbs"),
            ("a/../../x", "climbs"),
            ("/shared/../etc/passwd", "climbs"),
            ("/etc/passwd", "path of the host"),
            ("/sharedx/y", "path of the host"),
            ("~/x", "path of the host"),
            ("/", "path of the host"),
            ("/vault/key", "the vault is out of reach"),
            (long.as_str(), "255 bytes"),
            (longer.as_str(), "4095 bytes"),
        ];
        for (text, why) in cases {
            let error = VirtualPath::parse(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
