//! What a new owner does before it writes: it clears away what a crash left behind, and makes sure that what it read is
//! on disk. It never touches a frame that is valid, and nothing at all when the journal is damaged.
use super::{
    super::{LogFault, Lsn},
    disk::Disk,
    part,
    recover::Recovered,
    segment::{self, Header, Segment},
    snapshot,
};
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

/// What is copied at once when the last write is repeated.
const CHUNK_BYTES: usize = 256 << 10;

/// Makes the journal ready to be written to and returns its last segment.
pub(super) fn mend(
    disk: &dyn Disk,
    dir: &Path,
    found: &mut Recovered,
) -> Result<(Arc<Segment>, File), LogFault> {
    sweep(disk, dir, found.stub.as_deref())?;
    clear(disk, dir, found)?;
    outlive(disk, dir, found.last)?;
    let Some(segment) = found.segments.last() else {
        let header = Header { first: Lsn(1), chain: found.chain, salt: segment::salt(dir)? };
        let (segment, file) = segment::create(disk, dir, header)?;
        let segment = Arc::new(segment);
        found.chain = crc32c::crc32c_append(found.chain, &header.encode());
        found.segments.push(Arc::clone(&segment));
        return Ok((segment, file));
    };
    let path = &segment.path;
    let file = File::options().read(true).write(true).open(path).map_err(LogFault::io("open", path))?;
    if found.surplus_bytes > 0 {
        disk.truncate(&file, path, segment.end()).map_err(LogFault::io("truncate", path))?;
    }
    if found.torn_bytes > 0 || found.unproven < segment.end() {
        repeat(disk, &file, path, found.unproven, segment.end())?;
        disk.sync(&file, path).map_err(LogFault::io("sync", path))?;
    }
    // The owner before us may have died between a rename and this.
    disk.sync_dir(dir).map_err(LogFault::io("sync", dir))?;
    Ok((Arc::clone(segment), file))
}

/// Removes files that were begun and never got their name, and a segment without a whole header.
fn sweep(disk: &dyn Disk, dir: &Path, stub: Option<&Path>) -> Result<(), LogFault> {
    for entry in fs::read_dir(dir).map_err(LogFault::io("list", dir))? {
        let path = entry.map_err(LogFault::io("list", dir))?.path();
        if segment::is_temporary(&path) {
            disk.remove(&path).map_err(LogFault::io("remove", &path))?;
        }
    }
    stub.map_or(Ok(()), |stub| disk.remove(stub).map_err(LogFault::io("remove", stub)))
}

/// Removes what a compaction that was interrupted left behind: files that `MANIFEST` does not name yet, or segments in whose
/// place others are.
fn clear(disk: &dyn Disk, dir: &Path, found: &Recovered) -> Result<(), LogFault> {
    let manifest = found.manifest.clone().unwrap_or_default();
    let named = |path: &Path| {
        path.file_name().and_then(|file| file.to_str()).is_some_and(|file| manifest.names(file))
    };
    let mut old = Vec::new();
    for entry in fs::read_dir(dir).map_err(LogFault::io("list", dir))? {
        let path = entry.map_err(LogFault::io("list", dir))?.path();
        if part::is_part(&path) && !named(&path) {
            old.push(path);
        }
    }
    let segments = segment::list(dir)?.into_iter().filter(|(first, _)| *first <= manifest.last());
    old.extend(segments.map(|(_, path)| path));
    if !old.is_empty() {
        // The manifest that stands in for them must be there to stay.
        disk.sync_dir(dir).map_err(LogFault::io("sync", dir))?;
    }
    old.iter().try_for_each(|path| disk.remove(path).map_err(LogFault::io("remove", path)))
}

/// Removes snapshots of records that are not there, as when files were put back from a backup: once others have taken their
/// addresses, such a snapshot would seem to fit.
fn outlive(disk: &dyn Disk, dir: &Path, last: Lsn) -> Result<(), LogFault> {
    let mut ahead = snapshot::list(dir);
    ahead.retain(|path| snapshot::reflects(path).is_some_and(|reflects| reflects > last));
    ahead.iter().try_for_each(|path| disk.remove(path).map_err(LogFault::io("remove", path)))?;
    if ahead.is_empty() { Ok(()) } else { disk.sync_dir(dir).map_err(LogFault::io("sync", dir)) }
}

/// Writes the last write again, byte for byte. When its sync failed, the owner before us has stopped, but the kernel
/// took its pages for clean: they would be read back from memory, synced with success, and not be on disk.
fn repeat(disk: &dyn Disk, file: &File, path: &Path, from: u64, end: u64) -> Result<(), LogFault> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = from;
    while at < end {
        let chunk = &mut buffer[..(end - at).min(CHUNK_BYTES as u64) as usize];
        file.read_exact_at(chunk, at).map_err(LogFault::io("read", path))?;
        disk.write(file, path, chunk, at).map_err(LogFault::io("write", path))?;
        at += chunk.len() as u64;
    }
    Ok(())
}
