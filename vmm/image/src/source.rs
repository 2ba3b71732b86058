//! Where a kernel and the minimal root's program come from: the distribution's packages by its own client, else what this
//! machine boots, else a path. It installs nothing: packages are unpacked into the cache.
use crate::{ImageError, failed, fresh::Fresh, whole::whole};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A kernel's image and its modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The image.
    pub image: PathBuf,
    /// `lib/modules/<release>`.
    pub modules: PathBuf,
    /// The release, which is the name of that directory.
    pub release: String,
}

/// Where to look for a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelSource {
    /// In the distribution's package for virtual machines, else in `/boot`.
    Distribution,
    /// The one that this machine boots.
    Boot,
    /// Named by its user.
    Path {
        /// The image.
        image: PathBuf,
        /// `lib/modules/<release>`.
        modules: PathBuf,
    },
}

/// The packages that stand for the newest kernel for virtual machines: Debian's and Ubuntu's.
const KERNEL_PACKAGES: [&str; 2] = ["linux-image-cloud-amd64", "linux-image-virtual"];
const BUSYBOX_PACKAGE: &str = "busybox-static";
const KERNEL_WAYS_OUT: &str =
    "run `apt-get update` where apt is, or name a kernel with `--kernel FILE --modules DIRECTORY`";
const BUSYBOX_WAYS_OUT: &str =
    "install `busybox-static`, or name a root with `--root DIRECTORY` or `--root FILE.tar`";

/// Finds a kernel. `tell` hears of a download before it begins.
pub fn find_kernel(
    source: &KernelSource,
    cache: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<Kernel, ImageError> {
    match source {
        KernelSource::Path { image, modules } => named(image, modules),
        KernelSource::Boot => boot(),
        KernelSource::Distribution => distribution(cache, tell).or_else(|first| {
            let both = |second: ImageError| ImageError::Missing {
                what: format!("there is no kernel: {first}; and {second}"),
                remedy: KERNEL_WAYS_OUT,
            };
            boot().map_err(both)
        }),
    }
}

fn named(image: &Path, modules: &Path) -> Result<Kernel, ImageError> {
    let release = modules.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for place in [image, modules] {
        fs::metadata(place).map_err(failed("look at", place))?;
    }
    Ok(Kernel { image: image.to_owned(), modules: modules.to_owned(), release })
}

fn boot() -> Result<Kernel, ImageError> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_err(failed("read", "/proc/sys/kernel/osrelease"))?;
    let release = release.trim();
    let image = Path::new("/boot").join(format!("vmlinuz-{release}"));
    named(&image, &Path::new("/lib/modules").join(release))
}

fn distribution(cache: &Path, tell: &mut dyn FnMut(&str)) -> Result<Kernel, ImageError> {
    let mut missing = String::new();
    for name in KERNEL_PACKAGES {
        match apt(&["depends", name]).map(|said| first_dependency(&said)) {
            Ok(Some(real)) => return in_package(&package(&real, cache, tell)?),
            Ok(None) => missing += &format!("`{name}` needs no kernel; "),
            Err(error) => missing += &format!("{error}; "),
        }
    }
    Err(ImageError::Missing {
        what: format!("no package has a kernel for virtual machines: {}", missing.trim_end_matches("; ")),
        remedy: KERNEL_WAYS_OUT,
    })
}

fn first_dependency(said: &str) -> Option<String> {
    let name = said.lines().find_map(|line| line.trim().strip_prefix("Depends: "))?;
    name.starts_with("linux-image-").then(|| name.to_owned())
}

/// Finds image and modules in an unpacked package; either may be in `/usr` or not.
fn in_package(root: &Path) -> Result<Kernel, ImageError> {
    let places = ["lib/modules", "usr/lib/modules"].map(|place| root.join(place));
    let releases = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    let modules = releases.map(|entry| entry.path()).next().ok_or_else(|| ImageError::Missing {
        what: format!("the package in {} has no modules", root.display()),
        remedy: KERNEL_WAYS_OUT,
    })?;
    let release = modules.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let images = [root.join("boot").join(format!("vmlinuz-{release}")), modules.join("vmlinuz")];
    let image = images.iter().find(|image| image.exists()).unwrap_or(&images[0]);
    named(image, &modules)
}

/// Finds the minimal root's program: a package's, else this machine's, if it is static.
pub fn find_busybox(cache: &Path, tell: &mut dyn FnMut(&str)) -> Result<PathBuf, ImageError> {
    let packaged = package(BUSYBOX_PACKAGE, cache, tell).map(|root| {
        let places = ["bin/busybox", "usr/bin/busybox"].map(|place| root.join(place));
        places.into_iter().find(|place| place.exists())
    });
    if let Ok(Some(busybox)) = packaged {
        return Ok(busybox);
    }
    let here = ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from);
    let is_static = |place: &PathBuf| whole(place).is_ok_and(|bytes| !names_a_loader(&bytes));
    here.into_iter().find(is_static).ok_or_else(|| ImageError::Missing {
        what: match packaged {
            Err(error) => format!("there is no static busybox: {error}"),
            Ok(_) => format!("the package `{BUSYBOX_PACKAGE}` has no busybox"),
        },
        remedy: BUSYBOX_WAYS_OUT,
    })
}

/// Says whether a program needs a loader, which the minimal root does not have.
fn names_a_loader(program: &[u8]) -> bool {
    const LOADER: &[u8] = b"/ld-linux";
    const HEAD: usize = 4096;
    program[..program.len().min(HEAD)].windows(LOADER.len()).any(|window| window == LOADER)
}

/// Downloads a package and unpacks it beneath the cache; does neither if it is there in the version that the lists name.
pub fn package(name: &str, cache: &Path, tell: &mut dyn FnMut(&str)) -> Result<PathBuf, ImageError> {
    let said = apt(&["show", "--no-all-versions", name])?;
    let version = said.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("unknown");
    let plain: String = version
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-+~".contains(c) { c } else { '_' })
        .collect();
    let place = cache.join("packages").join(format!("{name}_{plain}"));
    if place.exists() {
        return Ok(place);
    }
    tell(&format!("fetching the package {name} {version}"));
    // Unpacked beside its place and then moved: what is there is whole.
    let fresh = Fresh::beside(&place, tell)?;
    let (deb, root) = (fresh.path().join("deb"), fresh.path().join("root"));
    fs::create_dir(&deb).map_err(failed("make", &deb))?;
    run(Command::new("apt-get").args(["download", "-qq", name]).current_dir(&deb))?;
    unpack(&deb, &root)?;
    fresh.moved("root")?;
    Ok(place)
}

fn unpack(downloads: &Path, root: &Path) -> Result<(), ImageError> {
    for entry in fs::read_dir(downloads).map_err(failed("read", downloads))? {
        let file = entry.map_err(failed("read", downloads))?.path();
        run(Command::new("dpkg-deb").arg("-x").arg(file).arg(root))?;
    }
    Ok(())
}

fn apt(arguments: &[&str]) -> Result<String, ImageError> {
    run(Command::new("apt-cache").args(arguments))
}

fn run(command: &mut Command) -> Result<String, ImageError> {
    let name = format!("{command:?}").replace('"', "");
    let missing = |what: String| ImageError::Missing { what, remedy: KERNEL_WAYS_OUT };
    let output = command
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| missing(format!("`{name}` cannot be started: {error}")))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(missing(format!("`{name}` failed: {}", words.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_that_stands_for_the_newest_names_it() {
        let said = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-42-cloud-amd64\n  Conflicts: x\n";
        assert_eq!(first_dependency(said).as_deref(), Some("linux-image-6.1.0-42-cloud-amd64"));
        assert_eq!(first_dependency("linux-doc\n  Depends: perl\n"), None);
    }

    #[test]
    fn a_kernel_is_found_in_both_layouts_and_missed_aloud() {
        for (image, modules) in
            [("boot/vmlinuz-6.1", "lib/modules/6.1"), ("usr/lib/modules/6.1/vmlinuz", "usr/lib/modules/6.1")]
        {
            let root = tempfile::tempdir().unwrap();
            for place in [image, &format!("{modules}/modules.builtin")] {
                fs::create_dir_all(root.path().join(place).parent().unwrap()).unwrap();
                fs::write(root.path().join(place), "").unwrap();
            }
            let kernel = in_package(root.path()).unwrap();
            assert_eq!(kernel.image, root.path().join(image));
            assert_eq!(kernel.release, "6.1");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(
            in_package(empty.path())
                .unwrap_err()
                .to_string()
                .contains("has no modules; run `apt-get update`")
        );
        let source = KernelSource::Path { image: "/nowhere/vmlinuz".into(), modules: "/nowhere/6.1".into() };
        let error = find_kernel(&source, empty.path(), &mut |_| ()).unwrap_err().to_string();
        assert_eq!(error, "cannot look at /nowhere/vmlinuz: No such file or directory (os error 2)");
    }

    #[test]
    fn a_program_that_needs_a_loader_is_told_from_one_that_does_not() {
        assert!(names_a_loader(b"\x7fELF...../lib64/ld-linux-x86-64.so.2\0"));
        assert!(!names_a_loader(b"\x7fELF....."));
    }
}
