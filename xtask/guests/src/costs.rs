//! What a guest costs, told within the first level, where a kernel boots on our monitor: a boot, restores, conversations, and
//! the same bytes without any of it. Whoever started the emulator holds the clock; this says when things begin and end.
use crate::{
    Fallible, failed,
    place::{MEMORY_MIB, Place},
    spans::{Spans, begin, count, end},
    work::{SESSION, require, stream},
};
use guest::Conversation;
use machines::{plain, session};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Child, ExitCode},
    thread,
    time::Duration,
};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap};
use wire::{Arguments, Ending, Program};

/// How often a snapshot is restored, and the same bytes are mapped.
const RESTORES: usize = 5;
/// Round trips that are timed together: one is shorter than a line on the console.
const TRIPS: usize = 20;
/// The span of a restore that needs no program.
const TO_AGENT: &str = "restore, to the first answer of the agent";
/// How long the agent needs for itself after a command, on a busy machine.
const SETTLED: Duration = Duration::from_secs(1);

/// Runs it.
pub(crate) fn run() -> Fallible<ExitCode> {
    match costs() {
        Ok(()) => {
            println!("LANE whole");
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            println!("LANE FAILED {}", why.replace('\n', "\n  | "));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn costs() -> Fallible<()> {
    let place = Place::new("/tmp/costs")?;
    begin("boot");
    let (child, mut guest) = place.begun("boot", &[])?;
    guest.ask(&session(SESSION)).map_err(failed("open a session"))?;
    answered(&mut guest)?;
    end("boot");
    counts(&place, "boot")?;

    begin("round trips");
    for _ in 0..TRIPS {
        guest.status().map_err(failed("ask for the status"))?;
    }
    end("round trips");
    count("round trips timed together", TRIPS as u64);
    begin("stream");
    stream(&mut guest, Path::new("/bin/busybox"))?;
    end("stream");
    drop(guest);

    // What the agent does after an answer, above all the next helper that stands ready, is no part of the next one.
    thread::sleep(SETTLED);
    begin("snapshot");
    place.ask("\"do\":\"snapshot\",\"name\":\"gold\"")?;
    end("snapshot");
    count("pages of a whole snapshot", place.count("snapshot_pages")?);
    place.power_off(child)?;
    raw(&place.dir)?;
    for number in 0..RESTORES {
        restored(&place, number)?;
    }
    Ok(())
}

/// A process starts, and a program has run in its guest.
fn restored(place: &Place, number: usize) -> Fallible<()> {
    begin("restore");
    begin(TO_AGENT);
    let (child, mut guest) = place.begun("restore=gold", &[])?;
    end(TO_AGENT);
    exits(", to the first answer of the agent");
    begin("restore, the time and random numbers");
    guest.refresh(1_900_000_000_000_000_000, &[7; 64]).map_err(failed("refresh the guest"))?;
    end("restore, the time and random numbers");
    begin("restore, a program");
    answered(&mut guest)?;
    end("restore, a program");
    end("restore");
    exits("");
    begin("restore, the program once more");
    answered(&mut guest)?;
    end("restore, the program once more");
    counts(place, "restore")?;
    count("bytes besides the guest's memory", besides(&child)?);
    drop(guest);
    if number == 0 {
        begin("difference");
        place.ask("\"do\":\"snapshot\",\"name\":\"since\",\"extent\":\"difference\"")?;
        end("difference");
        count("pages of a difference", place.count("snapshot_pages")?);
    }
    place.power_off(child)
}

/// What KVM counted since the restore began: each is a way out of the guest and back, and most are pages that are touched for
/// the first time. A kernel that does not say it is not asked again.
fn exits(until: &str) {
    for (name, what) in [("exits", "exits"), ("pf_taken", "page faults")] {
        let number = fs::read_to_string(format!("/sys/kernel/debug/kvm/{name}"));
        if let Some(number) = number.ok().and_then(|number| number.trim().parse().ok()) {
            count(&format!("{what} of the guest, restore{until}"), number);
        }
    }
}

/// How many restores a boot takes, for scripts: to the end of a program, and to the agent's own answer.
pub(crate) fn ratios(spans: &Spans) -> Option<String> {
    let (program, agent) = (spans.ratio("boot", "restore")?, spans.ratio("boot", TO_AGENT)?);
    Some(format!("program={program:.1} agent={agent:.1}"))
}

/// The bytes of the snapshot's memory, written and mapped by nobody in particular.
fn raw(dir: &Path) -> Fallible<()> {
    let memory = dir.join("snapshots/gold/memory");
    let bytes = fs::read(&memory).map_err(failed("read the memory"))?;
    begin("raw write");
    let copy = File::create(dir.join("raw"))
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .map_err(failed("write the memory"));
    end("raw write");
    copy?;
    let length = bytes.len();
    drop(bytes);
    for _ in 0..RESTORES {
        begin("raw mapping");
        // A shared mapping that could be written wants a file that can be.
        let file = File::options().read(true).write(true).open(&memory).map_err(failed("open the memory"))?;
        let start = GuestAddress(0);
        let mapped =
            GuestMemoryMmap::<()>::from_ranges_with_files([(start, length, Some(FileOffset::new(file, 0)))])
                .map_err(failed("map the memory"))?;
        end("raw mapping");
        begin("raw mapping, each page touched");
        const PAGE: usize = 4096;
        for at in (0..length).step_by(PAGE) {
            let _byte: u8 = mapped.read_obj(GuestAddress(at as u64)).map_err(failed("read the memory"))?;
        }
        end("raw mapping, each page touched");
    }
    fs::remove_file(dir.join("raw")).map_err(failed("remove the copy"))
}

/// A program runs in the guest, from its file.
fn answered(guest: &mut Conversation) -> Fallible<()> {
    let program = Program::Arguments(Arguments::new(["true"]).map_err(failed("say true"))?);
    let exit = guest.exec(plain(SESSION, program)?, |_, _| {}).map_err(failed("run a command"))?;
    require(exit.how == Ending::Status(0), || format!("`true` ended with {:?}", exit.how))
}

/// What the monitor timed. Its clock is the first level's.
fn counts(place: &Place, start: &str) -> Fallible<()> {
    count(&format!("us from start to first instruction, {start}"), place.count("setup_us")?);
    count(&format!("us of that to the shut jail, {start}"), place.count("jail_us")?);
    Ok(())
}

/// The private pages of a restored guest's monitor and its warden, without those of the guest, which are one mapping.
fn besides(warden: &Child) -> Fallible<u64> {
    let warden = warden.id();
    let inside = fs::read_to_string(format!("/proc/{warden}/task/{warden}/children"))
        .map_err(failed("find the monitor"))?;
    let mut bytes = 0;
    for process in [warden.to_string().as_str(), inside.trim()] {
        let maps = fs::read_to_string(format!("/proc/{process}/smaps"));
        bytes += private(&maps.map_err(failed("read the memory map"))?);
    }
    Ok(bytes)
}

/// Sums up private pages of mappings that are not as large as a guest.
fn private(smaps: &str) -> u64 {
    let (mut all, mut is_guest) = (0, false);
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (key, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let bytes = value.parse::<u64>().unwrap_or(0) << 10;
        match key {
            "Size:" => is_guest = bytes >= MEMORY_MIB << 19,
            "Private_Clean:" | "Private_Dirty:" if !is_guest => all += bytes,
            _other => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_guest_are_not_counted() {
        let smaps = "55a0-55b0 r--p 0 00:00 0 /bin/oxydra-vmm\nSize: 64 kB\nPrivate_Clean: 4 kB\nPrivate_Dirty: 8 kB\n\
                     7f00-7f80 rw-p 0 00:00 0\nSize: 131072 kB\nPrivate_Clean: 0 kB\nPrivate_Dirty: 40000 kB\n";
        assert_eq!(private(smaps), 12 << 10);
    }
    #[test]
    fn ratios_are_of_boots_and_there_is_none_without_a_restore() {
        let (mut spans, start) = (Spans::default(), std::time::Instant::now());
        for (what, millis) in [("boot", 5000), ("restore", 200)] {
            spans.hear(&format!("begin {what}"), start);
            spans.hear(&format!("end {what}"), start + Duration::from_millis(millis));
        }
        assert_eq!(ratios(&spans), None);
        spans.hear(&format!("begin {TO_AGENT}"), start);
        spans.hear(&format!("end {TO_AGENT}"), start + Duration::from_millis(80));
        assert_eq!(ratios(&spans).as_deref(), Some("program=25.0 agent=62.5"));
    }
    #[test]
    fn the_memory_of_a_snapshot_is_written_and_mapped() {
        let dir = std::env::temp_dir().join(format!("oxydra-costs-{}", std::process::id()));
        fs::create_dir_all(dir.join("snapshots/gold")).unwrap();
        fs::write(dir.join("snapshots/gold/memory"), vec![7; 3 << 12]).unwrap();
        let outcome = raw(&dir);
        fs::remove_dir_all(&dir).unwrap();
        outcome.unwrap();
    }
}
