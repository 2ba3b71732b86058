//! What commands find in a guest: a minimal system of one program, a directory, or an exported container. Owners of a
//! directory become root, because who built it here is nobody there; an archive keeps its own.
use crate::{Archive, ImageError, Kind, Node, failed, room::Room, tarred::tar, whole::whole};
use std::{
    fs,
    io::Read,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

/// Where the root comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// One static program with the usual names, which is copied from here.
    Minimal {
        /// The program.
        busybox: PathBuf,
    },
    /// A directory, copied whole.
    Directory(PathBuf),
    /// An archive, as `docker export` writes it, or packed with gzip, xz or zstd.
    Tar(PathBuf),
}

/// A root in memory must fit into a guest's memory.
const ROOT_BYTES_MAX: u64 = 2 << 30;

impl Root {
    /// Reads the root.
    pub fn read(&self) -> Result<Archive, ImageError> {
        let mut archive = Archive::default();
        for directory in ["dev", "etc", "oxydra", "proc", "root", "run", "sys", "tmp", "workspace"] {
            archive.put(directory, 0o755, Kind::Directory);
        }
        archive.put("dev/console", 0o600, Kind::Device(5, 1));
        archive.put("dev/null", 0o666, Kind::Device(1, 3));
        match self {
            Root::Minimal { busybox } => minimal(&mut archive, busybox)?,
            Root::Directory(root) => directory(&mut archive, &Room { root, bytes_max: ROOT_BYTES_MAX })?,
            Root::Tar(root) => tar(&mut archive, &Room { root, bytes_max: ROOT_BYTES_MAX })?,
        }
        Ok(archive)
    }
}

fn minimal(archive: &mut Archive, busybox: &Path) -> Result<(), ImageError> {
    let program = whole(busybox)?;
    let names = names_in(&program).ok_or_else(|| ImageError::Missing {
        what: format!("{} names no commands that it has", busybox.display()),
        remedy: "name a root with `--root DIRECTORY` or `--root FILE.tar`",
    })?;
    for name in names {
        archive.put(&format!("bin/{name}"), 0o777, Kind::Symlink(b"busybox".to_vec()));
    }
    archive.put("bin/busybox", 0o755, Kind::File(program));
    for (path, target) in [("sbin", "bin"), ("usr/bin", "../bin"), ("usr/sbin", "../bin")] {
        archive.put(path, 0o777, Kind::Symlink(target.as_bytes().to_vec()));
    }
    let files = [("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n")];
    for (path, text) in files {
        archive.put(path, 0o644, Kind::File(text.as_bytes().to_vec()));
    }
    Ok(())
}

/// Returns the commands of a busybox: a sorted list of names within it, of which `[` and `[[` are the first. The program is not
/// asked: it lies in a cache that may have come with somebody's checkout, and nothing of an image runs on the host.
fn names_in(program: &[u8]) -> Option<Vec<String>> {
    const FIRST: &[u8] = b"\0[\0[[\0";
    let at = program.windows(FIRST.len()).position(|window| window == FIRST)?;
    let is_plain = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"[_-.+".contains(&byte);
        !name.is_empty() && name.bytes().all(plain)
    };
    let words = program[at + 1..].split(|byte| *byte == 0).map_while(|word| std::str::from_utf8(word).ok());
    let mut names: Vec<String> = Vec::new();
    for name in words {
        if !is_plain(name) || names.last().is_some_and(|last| name <= last.as_str()) {
            break;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

fn directory(archive: &mut Archive, room: &Room<'_>) -> Result<(), ImageError> {
    let mut open = vec![room.root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).map_err(failed("read", &directory))? {
            let place = entry.map_err(failed("read", &directory))?.path();
            let path = place.strip_prefix(room.root).expect("it was found beneath it");
            let path = path.as_os_str().as_bytes();
            let about = fs::symlink_metadata(&place).map_err(failed("look at", &place))?;
            let kind = if about.is_dir() {
                open.push(place.clone());
                Kind::Directory
            } else if about.is_file() {
                room.holds(archive, path, about.len())?;
                // It may have grown, or be longer than it says, as files that a kernel makes up are.
                let mut bytes = Vec::new();
                let file = fs::File::open(&place).map_err(failed("open", &place))?;
                file.take(room.bytes_max + 1).read_to_end(&mut bytes).map_err(failed("read", &place))?;
                Kind::File(bytes)
            } else if about.is_symlink() {
                let target = fs::read_link(&place).map_err(failed("read", &place))?;
                Kind::Symlink(target.as_os_str().as_bytes().to_vec())
            } else {
                // Devices and sockets of this machine mean nothing in another.
                continue;
            };
            let mode = about.permissions().mode() & 0o7777;
            room.put(archive, path, Node { mode, owner: (0, 0), kind })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_commands_of_a_busybox_are_read_and_never_asked_for() {
        let home = tempfile::tempdir().unwrap();
        let busybox = home.path().join("busybox");
        fs::write(&busybox, b"\x7fELF\0x\0[\0[[\0ash\0cat\0sh\0\0/etc/passwd\0").unwrap();
        let archive = Root::Minimal { busybox: busybox.clone() }.read().unwrap();
        for name in ["[", "[[", "ash", "cat", "sh"] {
            let place = format!("bin/{name}");
            assert_eq!(archive.get(place.as_bytes()).unwrap().kind, Kind::Symlink(b"busybox".to_vec()));
        }
        assert!(archive.get(b"bin/x").is_none() && archive.get(b"bin/etc").is_none());
        assert!(matches!(archive.get(b"bin/busybox").unwrap().kind, Kind::File(_)));
        assert_eq!(names_in(b"..\0[\0[[\0b\0a\0c\0"), Some(vec!["[".into(), "[[".into(), "b".into()]));
        fs::write(&busybox, "#!/bin/sh\ntouch /tmp/it-ran\n").unwrap();
        let error = Root::Minimal { busybox }.read().unwrap_err().to_string();
        assert!(error.contains("names no commands that it has; name a root"), "{error}");
    }

    #[test]
    fn a_directory_is_taken_whole() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("opt/tool")).unwrap();
        fs::write(root.path().join("opt/tool/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(root.path().join("opt/tool/run"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("tool", root.path().join("opt/link")).unwrap();
        let archive = Root::Directory(root.path().to_owned()).read().unwrap();
        let run = archive.get(b"opt/tool/run").unwrap();
        assert_eq!((run.mode, run.owner, &run.kind), (0o750, (0, 0), &Kind::File(b"#!/bin/sh\n".to_vec())));
        assert_eq!(archive.get(b"opt/link").unwrap().kind, Kind::Symlink(b"tool".to_vec()));
        assert_eq!(archive.get(b"workspace").unwrap().kind, Kind::Directory);
    }

    #[test]
    fn a_name_that_the_kernel_would_not_read_behind_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("TRAILER!!!"), "").unwrap();
        let said = Root::Directory(root.path().to_owned()).read().unwrap_err().to_string();
        assert!(said.contains("nothing behind that name"), "{said}");
    }

    #[test]
    fn a_directory_has_the_same_bound() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), vec![7; 2 << 20]).unwrap();
        let room = Room { root: root.path(), bytes_max: 1 << 20 };
        let said = directory(&mut Archive::default(), &room).unwrap_err().to_string();
        assert!(said.contains("holds more than 1 MiB, as of `a`"), "{said}");
    }

    #[test]
    fn a_root_that_is_not_there_is_an_error_that_names_it() {
        let error = Root::Tar("/nowhere/root.tar".into()).read().unwrap_err().to_string();
        assert_eq!(error, "cannot open /nowhere/root.tar: No such file or directory (os error 2)");
    }
}
