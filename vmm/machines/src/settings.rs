//! What a guest is started with, and the file beside it that says so: a snapshot of it is restored with the same. A path
//! that the file could not hold is refused before anything is started with it.
use crate::{Problem, folder::Folder};
use std::path::{Path, PathBuf};

/// The file.
const FILE: &str = "settings";

/// What a guest is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The kernel's program.
    pub kernel: PathBuf,
    /// The first file system.
    pub initrd: PathBuf,
    /// The image's name, which a snapshot must agree with.
    pub image: String,
    /// Memory.
    pub memory_mib: u64,
    /// Processors.
    pub vcpus: u8,
}

impl Settings {
    /// Writes them beside a guest, or into a snapshot.
    pub(crate) fn write(&self, folder: &Folder) -> Result<(), Problem> {
        let Settings { kernel, initrd, image, memory_mib, vcpus } = self;
        let (kernel, initrd) = (line(kernel)?, line(initrd)?);
        let text = format!("{kernel}\n{initrd}\n{image}\n{memory_mib}\n{vcpus}\n");
        folder.write(FILE, &text)
    }

    pub(crate) fn read(folder: &Folder) -> Result<Settings, Problem> {
        let damaged = || {
            let place = folder.place().join(FILE);
            Problem::Refused(format!("{} is damaged or missing: make it again", place.display()))
        };
        let text = folder.read(FILE)?.ok_or_else(damaged)?;
        let text = String::from_utf8(text).map_err(|_| damaged())?;
        let lines: Vec<_> = text.lines().collect();
        let [kernel, initrd, image, memory, vcpus] = lines[..] else { return Err(damaged()) };
        Ok(Settings {
            kernel: kernel.into(),
            initrd: initrd.into(),
            image: image.to_owned(),
            memory_mib: memory.parse().map_err(|_| damaged())?,
            vcpus: vcpus.parse().map_err(|_| damaged())?,
        })
    }
}

/// A path as a line of its own, which comes back as it was.
fn line(path: &Path) -> Result<&str, Problem> {
    path.to_str().filter(|text| !text.contains(['\n', '\r'])).ok_or_else(|| Problem::Missing {
        what: format!(
            "the settings of a guest cannot hold the path {path:?}, which is no UTF-8 or has a line break in it"
        ),
        remedy: "name another directory for guests with `--home` or OXYDRA_GUEST_HOME".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

    #[test]
    fn settings_come_back_and_damaged_ones_are_named() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::home(home.path()).unwrap().unwrap();
        let settings = Settings {
            kernel: "/k".into(),
            initrd: "/i".into(),
            image: "abc".into(),
            memory_mib: 128,
            vcpus: 2,
        };
        settings.write(&folder).unwrap();
        assert_eq!(Settings::read(&folder).unwrap(), settings);
        for bytes in [&b"/k\xff"[..], b"/k\nl", b"/k\r"] {
            let kernel = OsStr::from_bytes(bytes).into();
            let said = Settings { kernel, ..settings.clone() }.write(&folder).unwrap_err().to_string();
            assert!(said.starts_with("the settings of a guest cannot hold the path \"/k\\"), "{said}");
            assert_eq!(Settings::read(&folder).unwrap(), settings, "what was there stays");
        }
        for damaged in ["/k\n/i\nabc\nmuch\n2\n", "", "/k\n"] {
            fs::write(home.path().join(FILE), damaged).unwrap();
            let said = Settings::read(&folder).unwrap_err().to_string();
            assert!(said.ends_with("settings is damaged or missing: make it again"), "{said}");
        }
    }
}
