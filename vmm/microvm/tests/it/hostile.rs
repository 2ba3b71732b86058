//! Guests that mean harm, in the program as it is shipped: locked up, and under filters that kill it for a call that is on no
//! list. What the monitor makes of them within is tested there; here it must outlive them, answer, and end as it should.
use crate::{
    code::{CALLED, Code, calls, chains, flood, garbage, never_reads, ports},
    place::{Place, ended},
};
use std::{
    fs::{self, File},
    os::unix::net::UnixListener,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// How a guest is done with.
enum Done {
    /// It ends by itself, and the program with this code.
    Ends(i32),
    /// It is stopped, once it wrote so many bytes to its serial port.
    Stopped { said: u64 },
}

/// More rounds than any guest needs to say something; each is a round trip to its monitor.
const QUESTIONS_MAX: usize = 10_000_000;

/// Ten thousand, or as few as whoever runs this says: where a processor is emulated each call takes milliseconds.
fn many() -> u32 {
    std::env::var("OXYDRA_TESTED_CALLS").map_or(10_000, |calls| calls.parse().unwrap())
}

fn check(name: &str, code: Code, flags: &[&str], done: &Done) {
    let Some(place) = Place::new(&code.0) else { return };
    let (disk, log) = (place.path("disk"), place.path("serial"));
    File::create(&disk).unwrap().set_len(1 << 20).unwrap();
    let mut monitor = place.run(&[&["--disk-rw", &disk, "--log", &log], flags].concat());
    let code = match done {
        Done::Ends(code) => *code,
        Done::Stopped { said } => stopped(&place, *said),
    };
    assert_eq!(ended(monitor.take()), (Some(code), None), "{name}: {}", place.said());
    assert_eq!(place.left(), ["disk", "err", "kernel", "serial"], "{name}");
    assert!(fs::read(&disk).unwrap().iter().all(|byte| *byte == 0), "{name} wrote to a disk's own file");
}

fn stopped(place: &Place, said: u64) -> i32 {
    let has_said = || {
        let stats: serde_json::Value = serde_json::from_str(&place.ask(&["stats"])).unwrap();
        stats["ok"]["serial_bytes"].as_u64().unwrap() >= said
    };
    (0..QUESTIONS_MAX).find(|_| has_said()).expect("the guest says something");
    for words in [&["pause"][..], &["resume"], &["balloon", "4"], &["stop"]] {
        assert!(place.ask(words).starts_with(r#"{"v":1,"ok":"#), "{words:?}");
    }
    0
}

#[test]
fn garbage_floods_and_faults_end_as_the_guest_does() {
    check("garbage in every register", garbage().power_off(), &["--vcpus", "2"], &Done::Ends(0));
    check("every port", ports().power_off(), &[], &Done::Ends(0));
    check("a flood of the serial port", flood(20_000).power_off(), &[], &Done::Ends(0));
    check("a triple fault", garbage().raw(&[0x0f, 0x0b]), &[], &Done::Ends(4));
    check("a loop without end", Code::default().spin(), &["--vcpus", "2"], &Done::Stopped { said: 0 });
}

#[test]
fn chains_that_make_no_sense_are_outlived() {
    check("circular and stray chains", chains().spin(), &[], &Done::Stopped { said: 1 });
}

#[test]
fn ten_thousand_calls_are_outlived_whoever_answers() {
    let port = CALLED.to_string();
    let flags = ["--guest-port", port.as_str()];
    check("calls that nobody takes", calls(many()).power_off(), &flags, &Done::Ends(0));
    check("calls that are not allowed", calls(many()).power_off(), &[], &Done::Ends(0));
    // So many conversations there are at once.
    check("a guest that never reads", never_reads().spin(), &flags, &Done::Stopped { said: 256 });
}

#[test]
fn ten_thousand_calls_that_are_taken_leave_nothing_open() {
    let port = CALLED.to_string();
    let Some(place) = Place::new(&calls(many()).power_off().0) else { return };
    let listener = UnixListener::bind(place.path(&format!("v_{port}"))).unwrap();
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    // Each caller is hung up on at once, as long as this process lives.
    thread::spawn(move || {
        for _caller in listener.incoming().flatten() {
            TAKEN.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut monitor = place.run(&["--guest-port", &port]);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
    assert!(TAKEN.load(Ordering::Relaxed) > 0, "somebody was called");
}
