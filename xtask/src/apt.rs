//! Fetches what a lane needs from the distribution: Debian, Ubuntu and their kin. Elsewhere it says that there is no apt.
use crate::{Fallible, cargo};
use std::process::Command;

/// Installs packages. The lists of what there is may be missing or out of date: then they are fetched, and it tries again.
pub(crate) fn install(packages: &[&str]) -> Fallible<()> {
    let arguments = [&["install", "-qq", "--yes", "--no-install-recommends"], packages].concat();
    apt_get(&arguments).or_else(|_| {
        update()?;
        apt_get(&arguments)
    })
}

/// Fetches the lists of what there is.
pub(crate) fn update() -> Fallible<()> {
    apt_get(&["update", "-qq"])
}

/// Whether the lists name a package.
pub(crate) fn knows(package: &str) -> bool {
    let asked = Command::new("apt-cache").args(["show", package]).output();
    asked.is_ok_and(|answer| answer.status.success())
}

fn apt_get(arguments: &[&str]) -> Fallible<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.args(["-n", "apt-get"]);
    }
    cargo::succeed(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
