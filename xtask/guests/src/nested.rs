//! The lane with everything in it: QEMU emulates a machine on which KVM works, Debian's kernel boots there, and in it our
//! monitor boots the same kernel again, filters on. What runs within is what a user with real KVM runs.
use crate::{Fallible, commands::lane_image, failed, machine::program, qemu::Qemu, work::close};
use image::{Image, KernelSource, Recipe, Root, Wanted, build, find_busybox};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// It takes a minute and a half of one processor; a machine that is busy with other things gets four times that.
const PATIENCE: Duration = Duration::from_secs(420);
/// Room for the first level, a file system in memory with a snapshot, and the pages that clones write.
const MEMORY_MIB: u64 = 2048;
/// What the first level loads: KVM as the emulated processor has it.
const MODULES: &[Wanted] = &[Wanted { name: "kvm_amd", required: true }];
/// The first level's first process.
const INIT: &str = "#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs -o size=75% tmp /tmp
mkdir -p /dev/pts /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup
while read -r module; do insmod /oxydra/$module || echo LANE FAILED module $module; done </oxydra/modules
ip link set lo up
export OXYDRA_VMM=/bin/oxydra-vmm
/bin/guests inside
poweroff -f
";

/// Runs the lane.
pub(crate) fn lane(home: &Path, kernel: &KernelSource) -> Fallible<ExitCode> {
    let since = Instant::now();
    let second = lane_image(home, kernel, &[])?;
    let first = first_level(home, kernel, &second)?;
    let append = "console=ttyS0 panic=-1 reboot=t quiet loglevel=3";
    let mut qemu = Qemu::start(&first.kernel, &first.initrd, append, MEMORY_MIB, &[], PATIENCE)?;
    let mut steps = 0;
    let outcome = watch(&mut qemu, since, &mut steps).map_err(|why| qemu.explained(why));
    close(steps, outcome, since.elapsed())
}

/// Prints steps as they come, with the time of this machine, and counts them.
fn watch(qemu: &mut Qemu, since: Instant, steps: &mut usize) -> Fallible<()> {
    let (mut failure, mut is_whole) = (None, false);
    while let Some(line) = qemu.line()? {
        // The console may put something of its own in front.
        let Some((_, said)) = line.split_once("LANE ") else { continue };
        println!("{:6.1} s  {said}", since.elapsed().as_secs_f64());
        if said.starts_with("ok ") {
            *steps += 1;
        } else if said.starts_with("FAILED ") {
            failure.get_or_insert(said.to_owned());
        }
        is_whole |= said == "whole";
    }
    match failure {
        Some(failure) => Err(failure),
        None if is_whole => Ok(()),
        None => Err("the machine ended before the lane did".to_owned()),
    }
}

fn first_level(home: &Path, kernel: &KernelSource, second: &Image) -> Fallible<Image> {
    let init = home.join("first-level-init");
    fs::write(&init, INIT).map_err(failed("write the first process"))?;
    fs::set_permissions(&init, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(failed("make it a program"))?;
    let here = |name: &str| program(name, "");
    let mut files: Vec<(String, PathBuf)> = vec![
        ("bin/oxydra-vmm".into(), here("OXYDRA_VMM")),
        ("bin/guests".into(), here("OXYDRA_GUESTS")),
        ("second/vmlinux".into(), second.kernel.clone()),
        ("second/initrd".into(), second.initrd.clone()),
    ];
    if let Some((name, place)) = files.iter().find(|(_, place)| !place.is_file()) {
        return Err(format!(
            "{name} is to come from `{}`, which is not there: start this by `cargo xtask`",
            place.display()
        ));
    }
    files.sort();
    let busybox = find_busybox(home).map_err(failed("make a root"))?;
    let recipe = Recipe {
        kernel: kernel.clone(),
        root: Root::Minimal { busybox },
        init,
        modules: MODULES.to_vec(),
        files,
    };
    build(&recipe, home).map_err(failed("build the first level"))
}
