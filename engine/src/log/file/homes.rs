//! A journal with every kind of file that there is (segments, compacted files, `MANIFEST`, snapshots, the mark of a close),
//! changed as a script of bytes says, and opened: for a fuzzer. What is read must be what was written, as far as something
//! proves that it was on disk, or an error; and whoever owns it then must be able to go on.
//!
//! ```text
//! how u8     bits 0-1: the home to begin with · bit 2: an owner opens it after the reader · bit 3: and compacts it
//! edits      file u8 | what u8 | at u16, and what that edit takes:
//!            flip a bit · cut · zero a sector · overwrite (length u8, bytes) · sum up anew (the `at`th frame, or what the file
//!            itself sums) · remove · take the bytes of another (file u8) · leave another file beside (length u8, bytes)
//! ```
use super::{
    super::{Flow, Fold, Group, Kept, Log, LogFault, Lsn, Shelf, Sieve, Unused},
    FileLog, Mode, Options, closed,
    frame::{self, Place},
    manifest, part,
    script::{self, Unsynced, empty},
    segment, snapshot,
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

/// Fewer bits than this cannot go unnoticed by the checksums, wherever they are.
const FLIPS_MAX: usize = 3;
const SECTOR_BYTES: usize = 512;
/// So short that a home has several of each kind of file.
const OPTIONS: Options = Options { segment_bytes: 220, room_bytes: 0, snapshot_bytes: u64::MAX };
const GROUPS: usize = 14;
const KEPT: &[u8] = b"what was made of the groups before";

/// A home before anything is done to it.
#[derive(Clone)]
struct Home {
    files: BTreeMap<String, Vec<u8>>,
    groups: Vec<Group>,
}

/// What is done to a home.
#[derive(Default)]
struct Edits {
    any: bool,
    flips: usize,
    /// Bytes were chosen with the checksums in mind: then anything may be read, and nothing may break.
    is_forged: bool,
    /// The mark of the close is as it was.
    is_closed: bool,
}

/// What was found by who opened it.
#[derive(Default, Debug)]
struct Found {
    kept: Option<Vec<u8>>,
    at: Lsn,
    groups: Vec<Group>,
}

impl Fold<LogFault> for Found {
    fn begin(&mut self, kept: Option<&[u8]>) -> Result<(), String> {
        *self = Found { kept: kept.map(<[u8]>::to_vec), ..Found::default() };
        Ok(())
    }
    fn take(&mut self, group: &Group) -> Result<(), LogFault> {
        self.groups.push(group.clone());
        Ok(())
    }
}

/// Keeps by the first byte of a record: some go, some are facts.
struct ByFirst {
    /// Those that begin with less go.
    gone: u8,
}

impl Sieve for ByFirst {
    fn begin(&mut self) {}
    fn weigh(&mut self, lsn: Lsn, record: &[u8]) -> bool {
        self.sift(lsn, record).is_some()
    }
    fn sift<'a>(&mut self, _: Lsn, record: &'a [u8]) -> Kept<'a> {
        let first = record.first().copied().unwrap_or_default();
        let shelf = if first % 2 == 0 { Shelf::Facts } else { Shelf::Past };
        (first >= self.gone).then(|| (shelf, record.into()))
    }
}

/// Plays the script in the directory, which is emptied first.
///
/// # Panics
/// When something else is read than was written, or less than is proved, or the journal cannot be gone on with.
pub(crate) fn play(dir: &Path, script: &[u8]) {
    static HOMES: OnceLock<[Home; 4]> = OnceLock::new();
    let homes = HOMES.get_or_init(|| [0, 1, 2, 3].map(|kind| Home::made(dir, kind)));
    let Some((how, mut rest)) = script.split_first() else { return };
    let home = &homes[usize::from(how & 3)];
    let mut now = home.files.clone();
    let mut edits = Edits::default();
    while edits.edit(home, &mut now, &mut rest).is_some() {}
    edits.is_closed = now.get(closed::FILE) == home.files.get(closed::FILE) && now.contains_key(closed::FILE);
    put(dir, &now);
    let read = if edits.is_forged { open(dir, Mode::Reader).map(|(_, found)| found) } else { read(dir) };
    home.judge(&read, &edits);
    if how & 4 != 0 {
        goes_on(dir, read, &edits, how & 8 != 0);
    }
}

fn put(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    empty(dir).expect("the directory is the fuzzer's");
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).expect("the directory is the fuzzer's");
    }
}

fn open(dir: &Path, mode: Mode) -> Result<(Arc<FileLog>, Found), LogFault> {
    let mut found = Found::default();
    let (log, opened) = FileLog::open_on(Arc::new(Unsynced), dir, mode, OPTIONS, &mut found)?;
    found.at = opened.snapshot.unwrap_or(Lsn::START);
    assert!(opened.unused.iter().all(|Unused { file, .. }| snapshot::is_snapshot(file)));
    Ok((log, found))
}

/// All that is found, looked at in each way there is.
fn read(dir: &Path) -> Result<Found, LogFault> {
    let (log, found) = open(dir, Mode::Reader)?;
    for group in &found.groups {
        for (lsn, record) in (group.first.0..).zip(&group.records) {
            assert_eq!(&log.read(Lsn(lsn))?, record, "record {lsn} read alone is another one");
        }
    }
    let mut again = found.groups.iter();
    log.scan(Lsn(found.at.0 + 1), &mut |group| {
        assert_eq!(Some(group), again.next(), "a scan finds what the opening found");
        Flow::Continue
    })?;
    assert_eq!(again.next(), None, "a scan finds all of it");
    Ok(found)
}

/// Opens the journal as its owner, writes on and compacts; a refusal must be what the reader heard.
fn goes_on(dir: &Path, before: Result<Found, LogFault>, edits: &Edits, compacts: bool) {
    let opened = open(dir, Mode::Owner);
    let (Ok((log, found)), Ok(before)) = (opened.as_ref(), before.as_ref()) else {
        assert_eq!(opened.is_ok(), before.is_ok(), "the owner and the reader disagree: {before:?}");
        return;
    };
    assert_eq!((found.at, &found.groups), (before.at, &before.groups), "the owner and the reader disagree");
    let last = log.append(vec![b"behind".to_vec()]).expect("the log is open");
    // What lies before a snapshot was not read: it may be damaged, and then all stays as it is.
    let compacted = if compacts { log.compact(Lsn(1), &mut ByFirst { gone: 0 }).map(drop) } else { Ok(()) };
    if let Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) | Ok(()) = compacted {
        log.close();
        assert!(log.durable_lsn() >= last, "it was written when the log was closed");
        if edits.is_forged {
            return;
        }
        let now = read(dir).expect("it was closed");
        // Compaction may have cut groups, between records of different files.
        let from = now.at.max(found.at);
        let mut expected = records(&found.groups, from);
        expected.push((last, &b"behind"[..]));
        assert_eq!(records(&now.groups, from), expected, "what was there, and what was written behind it");
    } else {
        panic!("the disk works: {compacted:?}");
    }
}

/// Every record behind one.
fn records(groups: &[Group], from: Lsn) -> Vec<(Lsn, &[u8])> {
    let all = groups
        .iter()
        .flat_map(|group| (group.first.0..).map(Lsn).zip(group.records.iter().map(Vec::as_slice)));
    all.filter(|(lsn, _)| *lsn > from).collect()
}

impl Home {
    /// Makes a home: 0 compacted and closed · 1 with snapshots from before and behind it · 2 segments and a snapshot · 3
    /// compacted twice, and not closed.
    fn made(dir: &Path, kind: u8) -> Home {
        empty(dir).expect("the directory is the fuzzer's");
        let (log, _) = open(dir, Mode::Owner).expect("an empty directory can be owned");
        let write = |n: usize| {
            let record = |k: usize| vec![(n * 3 + k) as u8 % 7; 5 + (n * 7 + k * 11) % 30];
            log.append((0..1 + n % 3).map(record).collect()).expect("the log is open")
        };
        let durable = |lsn: Lsn| {
            log.owner().expect("it is owned").queue.want(lsn);
            log.horizon.wait_past(Lsn(lsn.0 - 1)).expect("the disk works")
        };
        let keep = || {
            let at = log.durable_lsn();
            log.keep(at, &mut |out| out.write_all(KEPT).map(|()| at)).expect("the disk works");
        };
        let compact = |gone| {
            let mut from = Lsn(1);
            while let Some(done) = log.compact(from, &mut ByFirst { gone }).expect("the disk works") {
                from = Lsn(done.last.0 + 1);
            }
        };
        for n in 0..GROUPS {
            durable(write(n));
            match (kind, n) {
                (1, 4) | (2, 9) => keep(),
                (1, 10) | (3, 6) => compact(1),
                _ => {}
            }
        }
        let old = (kind == 1).then(|| snapshots(dir));
        match kind {
            0 => compact(1),
            1 => keep(),
            3 => compact(2),
            _ => {}
        }
        log.close();
        let mut files = files(dir);
        files.extend(old.into_iter().flatten());
        if kind == 3 {
            files.remove(closed::FILE);
        }
        // The lock is nobody's, and every owner makes it.
        files.retain(|name, _| !name.ends_with(".lock"));
        put(dir, &files);
        let mut groups = Vec::new();
        let (log, _) = open(dir, Mode::Reader).expect("nothing was done to it");
        log.scan(Lsn(1), &mut |group| {
            groups.push(group.clone());
            Flow::Continue
        })
        .expect("nothing was done to it");
        Home { files, groups }
    }

    fn judge(&self, read: &Result<Found, LogFault>, edits: &Edits) {
        match read {
            Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) => {
                assert!(edits.any, "nothing was done to it: {read:?}");
            }
            Err(other) => panic!("the disk works: {other}"),
            Ok(_) if edits.is_forged => {}
            Ok(found) => {
                assert!(found.kept.as_deref().is_none_or(|kept| kept == KEPT), "{found:?}");
                let behind = self.groups.iter().filter(|group| group.first > found.at);
                let expected: Vec<_> = behind.cloned().collect();
                assert!(expected.starts_with(&found.groups), "{found:?} was never written");
                let is_whole = expected.len() == found.groups.len();
                assert!(is_whole || edits.any && !edits.is_closed, "{found:?} is less than was on disk");
            }
        }
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let file =
        |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, fs::read(entry.path()).ok()?));
    entries.filter_map(file).collect()
}

fn snapshots(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    files(dir).into_iter().filter(|(name, _)| snapshot::is_snapshot(Path::new(name))).collect()
}

impl Edits {
    /// Does the next edit of the script; none where it ends.
    fn edit(&mut self, home: &Home, files: &mut BTreeMap<String, Vec<u8>>, script: &mut &[u8]) -> Option<()> {
        let ([file, what, low, high], rest) = script.split_first_chunk()?;
        *script = rest;
        let names: Vec<_> = home.files.keys().collect();
        let name = names[usize::from(*file) % names.len()];
        let wide = usize::from(u16::from_le_bytes([*low, *high]));
        self.any = true;
        let Some(bytes) = files.get_mut(name) else { return Some(()) };
        let at = wide % bytes.len().max(1);
        match what & 7 {
            0 => {
                let byte = bytes.get_mut(at).filter(|_| self.flips < FLIPS_MAX)?;
                *byte ^= 1 << (what >> 3 & 7);
                self.flips += 1;
            }
            1 => bytes.truncate(at),
            2 => {
                let from = at - at % SECTOR_BYTES;
                let end = (from + SECTOR_BYTES).min(bytes.len());
                bytes[from..end].fill(0);
            }
            3 => {
                let chosen = taken(script)?;
                let end = (at + chosen.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&chosen[..end - at]);
                self.is_forged = true;
            }
            4 => {
                sum_up(name, bytes, &home.files[name], wide);
                self.is_forged = true;
            }
            5 => drop(files.remove(name)),
            6 => {
                let (other, rest) = script.split_first()?;
                *script = rest;
                let other = home.files[names[usize::from(*other) % names.len()]].clone();
                files.insert(name.clone(), other);
            }
            _ => {
                let beside = beside(Lsn(wide as u64), what >> 3);
                files.insert(beside, taken(script)?.to_vec());
                self.is_forged = true;
            }
        }
        Some(())
    }
}

/// Takes bytes behind their length.
fn taken<'a>(script: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = script.split_first()?;
    let (chosen, behind) = rest.split_at(usize::from(*length).min(rest.len()));
    *script = behind;
    Some(chosen)
}

/// The name of a file as an interruption leaves it behind, or as somebody puts it there.
fn beside(at: Lsn, kind: u8) -> String {
    match kind & 7 {
        0 => segment::name(at),
        1 => part::name(at, 1, Shelf::Facts),
        2 => part::name(at, 9, Shelf::Past),
        3 => format!("{:020}.{}", at.0, snapshot::EXTENSION),
        4 => format!("{}.{}", manifest::FILE, segment::TEMPORARY),
        5 => format!("{}.{}", segment::name(at), segment::TEMPORARY),
        6 => closed::FILE.to_owned(),
        _ => manifest::FILE.to_owned(),
    }
}

/// Gives a file the right checksums for what it says now: of its `n`th frame, and of what it sums itself.
fn sum_up(name: &str, bytes: &mut [u8], was: &[u8], n: usize) {
    let path = Path::new(name);
    if name == manifest::FILE {
        seal(bytes, bytes.len().saturating_sub(4));
    } else if snapshot::is_snapshot(path) {
        sum_up_snapshot(bytes);
    } else if part::is_part(path) || path.extension().is_some_and(|it| it == "seg") {
        seal(bytes, segment::HEADER_BYTES - 4);
        let Some(salt) = bytes.get(32..40).map(|salt| frame::u64_at(salt, 0)) else { return };
        if let Some(at) = frames(was).nth(n % 8)
            && let Some(frame) = bytes.get_mut(at..).filter(|it| it.len() >= frame::HEADER_BYTES)
        {
            script::sum_up(frame, Place { salt, at: at as u64 });
        }
        if part::is_part(path) {
            // Its index, which lies behind the frames.
            let end =
                frames(was).last().map_or(segment::HEADER_BYTES, |at| at + frame::drafted_size(&was[at..]));
            let last = bytes.len().saturating_sub(4);
            if let Some(index) = bytes.get_mut(end..)
                && end <= last
            {
                seal(index, last - end);
            }
        }
    }
}

/// Its body and its index lie behind its header, which says how long they are.
fn sum_up_snapshot(bytes: &mut [u8]) {
    let Some((header, rest)) = bytes.split_at_mut_checked(64) else { return };
    let parts =
        [frame::u64_at(header, 32), frame::u64_at(header, 40)].map(|length| length.min(1 << 20) as usize);
    if let Some((body, index)) = rest.split_at_checked(parts[0])
        && let Some(index) = index.get(..parts[1])
    {
        header[48..52].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        header[52..56].copy_from_slice(&crc32c::crc32c(index).to_le_bytes());
    }
    seal(header, 56);
}

/// Writes the checksum of what is before `at` there.
fn seal(bytes: &mut [u8], at: usize) {
    if bytes.len() >= at + 4 {
        let crc = crc32c::crc32c(&bytes[..at]);
        bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Where the frames of a file begin that nothing was done to.
fn frames(whole: &[u8]) -> impl Iterator<Item = usize> {
    let next = |at: &usize| Some(at + frame::drafted_size(whole.get(*at..)?));
    let is_frame = |at: &usize| {
        whole
            .get(*at..)
            .is_some_and(|rest| rest.len() > frame::HEADER_BYTES && frame::find_magic(&rest[..4]) == Some(0))
    };
    std::iter::successors(Some(segment::HEADER_BYTES), move |at| next(at).filter(|at| is_frame(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance that a test owns (splitmix64).
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn homes_have_every_kind_of_file_and_survive_what_a_script_does_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let kinds = [0, 1, 2, 3].map(|kind| Home::made(dir.path(), kind));
        let count = |ends: &str| {
            kinds.each_ref().map(|home| home.files.keys().filter(|it| it.ends_with(ends)).count())
        };
        assert_eq!(
            (count("MANIFEST"), count(".facts"), count(".past")),
            ([1, 1, 0, 1], [1, 1, 0, 1], [1, 1, 0, 1])
        );
        assert_eq!((count(".snapshot"), count("closed")), ([0, 2, 1, 0], [1, 1, 1, 0]));
        assert!(count(".seg")[2] > 3 && count(".seg")[3] > 0, "{:?}", count(".seg"));
        for how in 0..16 {
            play(dir.path(), &[how]);
        }
        let mut seed = 5;
        for _ in 0..300 {
            let script: Vec<u8> = (0..1 + next(&mut seed) % 24).map(|_| next(&mut seed) as u8).collect();
            println!("{script:?}");
            play(dir.path(), &script);
        }
    }
}
