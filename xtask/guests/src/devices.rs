//! The devices that commands do not name, under a real kernel: a disk, random numbers and the balloon, in a guest whose golden
//! snapshot is written when its agent knocks and taken at the next start. Each is asked by what the kernel makes of it.
use crate::{
    Fallible, failed,
    place::Place,
    step::{Step, next},
    work::{SESSION, done, require, text},
};
use guest::Conversation;
use machines::session;
use std::{fs, process::Child};

const SECTOR: usize = 512;
/// A disk of 4 MiB, each sector of which says which it is.
const SECTORS: usize = 8192;
/// What the balloon asks for, of 128 MiB.
const BALLOON_MIB: u64 = 32;
/// The kernel's own needs move meanwhile.
const NEARLY_KIB: u64 = 8 << 10;
/// How often a guest is asked how much memory it has: each question takes a while, and pages go in the thousands.
const QUESTIONS_MAX: usize = 10_000;

/// Runs the steps.
pub(crate) fn devices() -> Fallible<()> {
    let place = Place::new("/tmp/devices")?;
    let sectors = (0..SECTORS).flat_map(|number| format!("sector {number:<504}\n").into_bytes());
    let image: Vec<u8> = sectors.collect();
    let disk = place.path("disk");
    fs::write(&disk, &image).map_err(failed("make a disk"))?;
    let flags = ["--disk-rw", disk.to_str().expect("the path is ours"), "--agent", "lane"];
    let begun = |start: &str| -> Fallible<(Child, Conversation)> {
        let (child, mut guest) = place.begun(start, &flags)?;
        guest.ask(&session(SESSION)).map_err(failed("open a session"))?;
        Ok((child, guest))
    };
    next(Step::Boot);
    let (child, mut guest) = begun("golden=gold")?;
    next(Step::Snapshot);
    // Whoever writes it down answers when it is written.
    let pages = place.count("snapshot_pages")?;
    let is_there = place.path("snapshots/gold/state").exists();
    require(is_there && pages > 0, || format!("the golden snapshot has {pages} pages, or is not there"))?;
    done("a golden snapshot is written when the agent knocks");
    next(Step::Command);
    random_numbers(&mut guest)?;
    drop(guest);
    next(Step::PowerOff);
    place.power_off(child)?;

    next(Step::Restore);
    let (child, mut guest) = begun("golden=gold")?;
    disk_is_written(&mut guest)?;
    balloon(&place, &mut guest)?;
    drop(guest);
    next(Step::Snapshot);
    // A guest that booted has nothing that it could differ from.
    place.ask("\"do\":\"snapshot\",\"name\":\"wrote\",\"extent\":\"difference\"")?;
    done("the golden snapshot is taken at the next start");
    next(Step::PowerOff);
    place.stop(child)?;

    next(Step::Restore);
    let (child, mut guest) = begun("restore=wrote")?;
    let seen = text(&mut guest, &format!("{FORGET}; {}; {}", sector(100), sector(101)))?;
    require(seen == "written\nsector 101", || format!("the restored guest reads {seen}"))?;
    drop(guest);
    next(Step::PowerOff);
    place.stop(child)?;
    let still = fs::read(&disk).map_err(failed("read the disk"))?;
    require(still == image, || "the image of the disk was written".to_owned())?;
    done("what was written to a disk comes back with its snapshot, and its image is as it was");
    Ok(())
}

/// What the kernel keeps of a disk goes, so that the next read is the device's.
const FORGET: &str = "sync; echo 3 >/proc/sys/vm/drop_caches";

/// A script that prints what a sector begins with.
fn sector(number: usize) -> String {
    format!("dd if=/dev/vda bs={SECTOR} skip={number} count=1 2>/dev/null | head -n 1 | sed 's/ *$//'")
}

fn disk_is_written(guest: &mut Conversation) -> Fallible<()> {
    let last = SECTORS - 1;
    let before = text(guest, &format!("cat /sys/block/vda/size; {}; {}", sector(100), sector(last)))?;
    require(before == format!("{SECTORS}\nsector 100\nsector {last}"), || format!("the disk says {before}"))?;
    let write = format!("echo written | dd of=/dev/vda bs={SECTOR} seek=100 conv=notrunc,sync 2>/dev/null");
    let after = text(guest, &format!("{write}; {FORGET}; {}; {}", sector(100), sector(101)))?;
    require(after == "written\nsector 101", || format!("the written disk says {after}"))?;
    done("a disk is read and written");
    Ok(())
}

fn random_numbers(guest: &mut Conversation) -> Fallible<()> {
    let source = text(guest, "cat /sys/class/misc/hw_random/rng_current")?;
    require(source.starts_with("virtio_rng"), || format!("random numbers come from {source}"))?;
    let draw = "head -c 16 /dev/hwrng | od -An -tx1 | tr -d ' \\n'";
    let (one, other) = (text(guest, draw)?, text(guest, draw)?);
    let is_drawn = one.len() == 32 && one != other && other.bytes().any(|byte| byte != b'0');
    require(is_drawn, || format!("{one} and {other} were drawn"))?;
    done("random numbers come from the host");
    Ok(())
}

/// The guest gives memory back when it is asked to, and gets it again.
fn balloon(place: &Place, guest: &mut Conversation) -> Fallible<()> {
    let before = free_kib(guest)?;
    let asked = BALLOON_MIB << 10;
    place.ask(&format!("\"do\":\"balloon\",\"mib\":{BALLOON_MIB}"))?;
    let given = until(guest, |free| free + asked <= before + NEARLY_KIB)?;
    place.ask("\"do\":\"balloon\",\"mib\":0")?;
    until(guest, |free| free + NEARLY_KIB >= before)?;
    done(&format!("the balloon takes {} MiB and gives them back", before.saturating_sub(given) >> 10));
    Ok(())
}

fn free_kib(guest: &mut Conversation) -> Fallible<u64> {
    Ok(guest.status().map_err(failed("ask for the status"))?.memory_free_kib)
}

fn until(guest: &mut Conversation, holds: impl Fn(u64) -> bool) -> Fallible<u64> {
    let mut free = 0;
    for _ in 0..QUESTIONS_MAX {
        free = free_kib(guest)?;
        if holds(free) {
            return Ok(free);
        }
    }
    Err(format!("the balloon leaves the guest {free} KiB"))
}
