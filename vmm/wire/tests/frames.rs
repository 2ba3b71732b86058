//! Frames as bytes: what they look like, that they come back, and that nothing which is cut, changed or made up does harm.
use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};
use wire::{Frame, HEADER_BYTES, Header, Unreadable, guest_frames, host_frames};

fn encoded(frame: &impl Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

fn decoded<F: Frame>(bytes: &[u8]) -> Result<F, Unreadable> {
    let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Unreadable::Short)?;
    let Header { kind, len } = Header::decode(*header)?;
    F::decode(kind, payload.get(..len).ok_or(Unreadable::Short)?)
}

/// Frames as lines of words and bytes.
fn listed<F: Frame>(frames: &[F]) -> String {
    let mut lines = String::new();
    for frame in frames {
        let hex: String = encoded(frame).iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(lines, "{frame:?}\n  {hex}").expect("a string takes everything");
    }
    lines
}

#[test]
fn bytes_stay_what_they_are_within_a_version() {
    expect_test::expect_file!["golden-host.txt"].assert_eq(&listed(&host_frames()));
    expect_test::expect_file!["golden-guest.txt"].assert_eq(&listed(&guest_frames()));
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds = |kinds: BTreeSet<u8>| kinds.into_iter().collect::<Vec<_>>();
    assert_eq!(kinds(host_frames().iter().map(Frame::kind).collect()), (1..=22).collect::<Vec<_>>());
    assert_eq!(kinds(guest_frames().iter().map(Frame::kind).collect()), (1..=13).collect::<Vec<_>>());
}

fn survives<F: Frame + PartialEq>(frames: &[F]) {
    for frame in frames {
        let bytes = encoded(frame);
        assert_eq!(decoded::<F>(&bytes).as_ref(), Ok(frame));
        for cut in 0..bytes.len() {
            assert_eq!(
                decoded::<F>(&bytes[..cut]).map(|_| ()),
                Err(Unreadable::Short),
                "{frame:?} cut at {cut}"
            );
            // The same with a header that says so: the value is cut, not the frame.
            let Some(payload) = bytes.get(HEADER_BYTES..cut) else { continue };
            let shorter = F::decode(frame.kind(), payload);
            assert!(
                matches!(shorter, Err(Unreadable::Short | Unreadable::Path(_))),
                "{frame:?} cut at {cut}: {shorter:?}"
            );
        }
    }
}

#[test]
fn every_frame_comes_back_and_none_does_when_cut() {
    survives(&host_frames());
    survives(&guest_frames());
}

/// The corpus: every sample in one file per direction, and what fuzzers found or should begin with.
fn corpus() -> Vec<Vec<u8>> {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let there = "the corpus is committed";
    let mut files: Vec<_> =
        fs::read_dir(place).expect(there).map(|entry| entry.expect(there).path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect(there)).collect()
}

/// Bytes that a corpus file begins with, then frames.
fn seed<F: Frame>(direction: u8, frames: &[F]) -> Vec<u8> {
    std::iter::once(direction).chain(frames.iter().flat_map(encoded)).collect()
}

#[test]
fn the_corpus_holds_every_sample() {
    let files = [("host", seed(0, &host_frames())), ("guest", seed(1, &guest_frames()))];
    for (name, bytes) in files {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, &bytes).unwrap();
        }
        let stored = fs::read(&file).unwrap_or_default();
        assert!(stored == bytes, "{} is stale: run this test with UPDATE_EXPECT=1", file.display());
    }
}

/// As many changed inputs as fit into a second of a debug build.
const ROUNDS: u64 = 20_000;

#[test]
fn changed_frames_neither_panic_nor_get_a_second_spelling() {
    let corpus = corpus();
    assert!(corpus.len() >= 2, "there is something to change");
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        // xorshift: the same numbers on every run, so that a failure can be looked at.
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance % below.max(1) as u64).unwrap()
    };
    for _ in 0..ROUNDS {
        let mut bytes = corpus[next(corpus.len())].clone();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(4) {
                0 if !bytes.is_empty() => bytes[at] = u8::try_from(next(256)).unwrap(),
                1 if !bytes.is_empty() => bytes[at] ^= 1 << next(8),
                2 => bytes.truncate(at),
                _ => bytes.insert(at, [0, 1, 0x7f, 0xff][next(4)]),
            }
        }
        wire::fuzz(&bytes);
    }
}
