//! The workspace as commands see it: an overlay. The lower layer is the host's tree as it was pushed; the upper one holds
//! what was changed since, and nothing else. Keeping or dropping changes is the host's decision; here it is carried out.
//!
//! A layer must not change under a mounted overlay, so the overlay is taken down for that, which the kernel refuses while
//! a process is in it: then the host is told to end the process or to wait.
use crate::{
    changes,
    push::{self, Push},
    sessions::refused,
};
use rustix::{
    io::Errno,
    mount::{MountFlags, UnmountFlags, mount, unmount},
};
use std::{ffi::CString, fs, io, os::unix::ffi::OsStrExt, path::PathBuf};
use wire::{Directory, Entry, PushBegin, Refusal, Refused, Settle, Tally};

/// The workspace.
#[derive(Debug)]
pub struct Workspace {
    /// Where the layers are, on one file system.
    layers: PathBuf,
    /// Where the overlay is mounted; without it the upper layer is all there is, which is what tests on a host see.
    mounted_at: Option<PathBuf>,
}

fn failed(error: io::Error) -> Refused {
    refused(Refusal::Failed, format!("the workspace failed: {error}"))
}

impl Workspace {
    /// Makes the layers in a directory, and mounts them.
    pub fn new(layers: PathBuf, mounted_at: Option<PathBuf>) -> io::Result<Workspace> {
        for layer in ["lower", "upper", "work"] {
            fs::create_dir_all(layers.join(layer))?;
        }
        let workspace = Workspace { layers, mounted_at };
        workspace.mount()?;
        Ok(workspace)
    }

    fn lower(&self) -> PathBuf {
        self.layers.join("lower")
    }

    /// Where changes are.
    pub fn upper(&self) -> PathBuf {
        self.layers.join("upper")
    }

    fn mount(&self) -> io::Result<()> {
        let Some(at) = &self.mounted_at else { return Ok(()) };
        let layers = self.layers.as_os_str().as_bytes().escape_ascii();
        // What is renamed is copied: an upper layer that refers to the lower one could not be carried to the host.
        let options = format!(
            "lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work,redirect_dir=off,metacopy=off,index=off,xino=off"
        );
        let options = CString::new(options).expect("a path holds no zero byte");
        Ok(mount("workspace", at, "overlay", MountFlags::empty(), Some(options.as_c_str()))?)
    }

    /// Does something to the layers while nobody sees them.
    fn unmounted<T>(&self, act: impl FnOnce() -> io::Result<T>) -> Result<T, Refused> {
        if let Some(at) = &self.mounted_at {
            unmount(at, UnmountFlags::empty()).map_err(|error| match error {
                Errno::BUSY => {
                    refused(Refusal::Busy, "a process is still in the workspace: end its session first")
                }
                other => failed(other.into()),
            })?;
        }
        let done = act();
        self.mount().map_err(failed)?;
        done.map_err(failed)
    }

    /// Begins a push. The workspace is not there until it ended, for better or worse.
    pub fn push(
        &self,
        begin: &PushBegin,
        fill: impl FnOnce(&mut Push) -> io::Result<()>,
    ) -> Result<Tally, Refused> {
        if !changes::is_empty(&self.upper()).map_err(failed)? {
            return Err(refused(Refusal::Busy, "there are changes: keep or drop them before a push"));
        }
        self.unmounted(|| {
            let mut push = Push::begin(&self.lower(), begin.is_fresh)?;
            fill(&mut push)?;
            push.end()
        })
    }

    /// Keeps or drops what was changed.
    pub fn settle(&self, settle: &Settle) -> Result<(), Refused> {
        self.unmounted(|| {
            if settle.keep {
                self.merge()?;
            }
            // The kernel's own directory may be of no use for another upper layer.
            push::empty(&self.upper())?;
            push::empty(&self.layers.join("work"))
        })
    }

    fn merge(&self) -> io::Result<()> {
        let (lower, upper) = (self.lower(), self.upper());
        let mut push = Push::begin(&lower, false)?;
        changes::walk(&upper, |entry, place| {
            match &entry {
                // Both layers are on one file system: bytes stay where they are.
                Entry::File(file) => {
                    let into = lower.join(file.path.as_path());
                    push::remove(&into)?;
                    fs::rename(place, into)
                }
                Entry::Directory(Directory { .. })
                | Entry::Symlink(_)
                | Entry::Removed(_)
                | Entry::Skipped(_) => push.entry(entry),
            }
        })?;
        push.end().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_kept_or_dropped_and_forbid_a_push_until_then() {
        let layers = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(layers.path().to_owned(), None).unwrap();
        let place = |name: &str| layers.path().join(name);
        fs::write(place("lower/both"), "old").unwrap();
        fs::create_dir(place("upper/d")).unwrap();
        fs::write(place("upper/d/new"), "new").unwrap();
        fs::write(place("upper/both"), "changed").unwrap();
        let refusal = workspace.push(&PushBegin { is_fresh: true }, |_| Ok(())).unwrap_err();
        assert_eq!(refusal.kind, Refusal::Busy);

        workspace.settle(&Settle { keep: true }).unwrap();
        assert_eq!(fs::read(place("lower/both")).unwrap(), b"changed");
        assert_eq!(fs::read(place("lower/d/new")).unwrap(), b"new");
        assert!(changes::is_empty(&workspace.upper()).unwrap());

        fs::write(place("upper/both"), "changed again").unwrap();
        workspace.settle(&Settle { keep: false }).unwrap();
        assert_eq!(fs::read(place("lower/both")).unwrap(), b"changed");
        let tally = workspace.push(&PushBegin { is_fresh: true }, |_| Ok(())).unwrap();
        assert_eq!(tally, Tally { entries: 0, bytes: 0 });
        assert!(!place("lower/both").exists());
    }
}
