//! What a guest costs where a kernel boots on any machine: in one that QEMU emulates, by the lane `costs`, which has the
//! programs for it. Reads what the lane measured and starts no guest itself; what cannot run is said, with what installs it.
use crate::{
    Scale,
    measure::{Pairs, timed},
    table::{Row, Unit},
    vmm::{OVERHEAD_BYTES, RESTORE_RATIO},
};
use std::{
    collections::BTreeMap,
    env,
    process::{Command, Stdio},
};

/// What emulates a machine.
const EMULATOR: &str = "qemu-system-x86_64";
/// How a machine gets it.
const WAY_OUT: &str = "install it (Debian, Ubuntu: `apt-get install --no-install-recommends qemu-system-x86 seabios`), or run \
                       `cargo xtask test nested`, which does";
/// A lane that takes longer is not run before a change is merged.
const LANE_NANOS: f64 = 300e9;

/// What the lane measured, by name: times in nanoseconds, counts as they are.
type Measured = BTreeMap<String, Vec<f64>>;

/// Measures a guest in an emulated machine.
pub(crate) fn costs(_scale: &Scale) -> Vec<Row> {
    match said("costs", "boots a kernel in an emulated machine, and restores it: a minute or two") {
        Ok(said) => rows(&read(&said)),
        Err(why) => vec![Row::not_measured(
            "nested: restore, snapshot, mapping, vsock",
            format!("SKIPPED, all of them: {why}"),
        )],
    }
}

/// Times the whole lane.
pub(crate) fn lane(scale: &Scale) -> Vec<Row> {
    let name = "nested: the whole lane";
    if scale.quick {
        return vec![Row::not_measured(
            name,
            "--quick leaves it out; `cargo xtask test nested` says it, too",
        )];
    }
    let (took, said) =
        timed(|| said("nested", "runs the whole nested lane: a minute and a half, or twice as long"));
    vec![match said {
        Ok(_) => Row::alone(name, Unit::Nanoseconds, &[took])
            .at_most_each(LANE_NANOS)
            .note("an image that is cached; two kernels, a workspace, snapshots, five clones"),
        Err(why) => Row::not_measured(name, format!("SKIPPED: {why}")),
    }]
}

/// Runs a lane, and returns what it printed. Whoever waits is told for what.
fn said(lane: &str, about: &str) -> Result<String, String> {
    Command::new(EMULATOR)
        .arg("--version")
        .output()
        .map_err(|error| format!("{EMULATOR} does not start: {error}; {WAY_OUT}"))?;
    let guests = env::var_os("OXYDRA_GUESTS")
        .ok_or("OXYDRA_GUESTS names no program with the lanes: `cargo xtask bench vmm` builds one")?;
    eprintln!("bench: {about}");
    let output = Command::new(guests)
        .args(["lane", lane])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("the lane does not start: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("the lane `{lane}` ended with {}; it says why above", output.status)),
    }
}

/// Reads lines `measured WHAT: 1.5 2.5 ms` and `measured WHAT: 7 8`.
fn read(said: &str) -> Measured {
    let lines = said.lines().filter_map(|line| line.strip_prefix("measured ")?.split_once(": "));
    lines
        .map(|(what, numbers)| {
            let (numbers, unit) =
                numbers.strip_suffix(" ms").map_or((numbers, 1.0), |numbers| (numbers, 1e6));
            let numbers = numbers.split(' ').filter_map(|number| number.parse::<f64>().ok());
            (what.to_owned(), numbers.map(|number| number * unit).collect())
        })
        .collect()
}

fn rows(measured: &Measured) -> Vec<Row> {
    let all = |what: &str| measured.get(what).map(Vec::as_slice).unwrap_or_default();
    let one = |what: &str| all(what).first().copied().unwrap_or(f64::NAN);
    let pages = |what: &str| format!("{} pages", one(what));
    let trips: Vec<_> =
        all("round trips").iter().map(|nanos| nanos / one("round trips timed together")).collect();
    let speed: Vec<_> = all("stream").iter().map(|nanos| one("bytes streamed") / (nanos / 1e9)).collect();
    let started = |how: &str| {
        let micros = all(&format!("us from start to first instruction, {how}"));
        micros.iter().map(|micros| micros * 1e3).collect::<Vec<_>>()
    };
    let (restore, mapping) = ("restore, to the first answer of the agent", "raw mapping");
    vec![
        against(Unit::Nanoseconds, "restore to a program's end", all("restore"), all("boot"))
            .at_most(RESTORE_RATIO)
            .note("a new process; vs a boot to the same"),
        against(Unit::Nanoseconds, "restore to the agent's answer", all(restore), all(mapping))
            .note("vs mapping the same file by hand"),
        against(
            Unit::Nanoseconds,
            "the same file mapped by hand",
            all(mapping),
            all("raw mapping, each page touched"),
        )
        .note("vs with each page touched"),
        against(Unit::Nanoseconds, "snapshot", all("snapshot"), all("raw write"))
            .note(format!("{}; vs writing and syncing the same file", pages("pages of a whole snapshot"))),
        against(Unit::Nanoseconds, "difference", all("difference"), all("snapshot"))
            .note(format!("{}; vs all of them", pages("pages of a difference"))),
        alone(Unit::Nanoseconds, "vsock round trip", &trips).note("a question to the agent, and its answer"),
        alone(Unit::BytesPerSecond, "vsock throughput", &speed)
            .note("a command's output, checked byte by byte"),
        alone(Unit::Nanoseconds, "start to first instruction", &started("boot"))
            .note("by the emulated machine's clock"),
        alone(Unit::Nanoseconds, "the same of a restore", &started("restore"))
            .note("by the emulated machine's clock"),
        alone(Unit::Bytes, "memory besides the guest's", all("bytes besides the guest's memory"))
            .at_most_each(OVERHEAD_BYTES)
            .note("private pages of monitor and warden, with a kernel that runs"),
    ]
}

fn alone(unit: Unit, name: &str, values: &[f64]) -> Row {
    let name = format!("nested: {name}");
    match values.iter().all(|value| value.is_finite()) && !values.is_empty() {
        true => Row::alone(name, unit, values),
        false => Row::not_measured(name, NOT_SAID),
    }
}

/// What a lane of another version would come to.
const NOT_SAID: &str = "the lane says nothing of it";

/// Each of ours against the yardstick that was taken with it, or against the only one.
fn against(unit: Unit, name: &str, ours: &[f64], yardstick: &[f64]) -> Row {
    let name = format!("nested: {name}");
    if ours.is_empty() || yardstick.is_empty() {
        return Row::not_measured(name, NOT_SAID);
    }
    let mut pairs = Pairs::default();
    for (ours, yardstick) in ours.iter().zip(yardstick.iter().cycle()) {
        pairs.push(*ours, *yardstick);
    }
    Row::new(name, unit, &pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(said: &str, expected: Expect) {
        let lines: Vec<_> =
            rows(&read(said)).iter().map(|row| row.line().trim_end().to_owned() + "\n").collect();
        expected.assert_eq(&lines.concat());
    }

    #[test]
    fn what_the_lane_says_is_a_table() {
        check(
            "  16.9 s  ok 10 MiB streamed out intact
measured boot: 9000.0 ms
measured difference: 50.0 ms
measured raw mapping: 5.0 0.5 0.5 ms
measured raw mapping, each page touched: 600.0 40.0 40.0 ms
measured raw write: 2000.0 ms
measured restore: 300.0 150.0 160.0 ms
measured restore, to the first answer of the agent: 200.0 100.0 100.0 ms
measured round trips: 360.0 ms
measured snapshot: 1500.0 ms
measured stream: 2000.0 ms
measured bytes besides the guest's memory: 700000 800000 900000
measured bytes streamed: 10485760
measured pages of a difference: 480
measured pages of a whole snapshot: 16814
measured round trips timed together: 20
measured us from start to first instruction, boot: 400000
measured us from start to first instruction, restore: 100000 110000 120000
",
            expect![[r#"
                nested: restore to a program's end            160.0 ms  300.0 ms 9000.0 ms    0.018    0.02 x yes     3  a new process; vs a boot to the same
                nested: restore to the agent's answer         100.0 ms  200.0 ms  500.0 us  200.000         -         3  vs mapping the same file by hand
                nested: the same file mapped by hand          500.0 us 5000.0 us   40.0 ms    0.013         -         3  vs with each page touched
                nested: snapshot                             1500.0 ms 1500.0 ms 2000.0 ms    0.750         -         1  16814 pages; vs writing and syncing the same file
                nested: difference                             50.0 ms   50.0 ms 1500.0 ms    0.033         -         1  480 pages; vs all of them
                nested: vsock round trip                       18.0 ms   18.0 ms         -        -         -         1  a question to the agent, and its answer
                nested: vsock throughput                     5.0 MiB/s 5.0 MiB/s         -        -         -         1  a command's output, checked byte by byte
                nested: start to first instruction            400.0 ms  400.0 ms         -        -         -         1  by the emulated machine's clock
                nested: the same of a restore                 110.0 ms  120.0 ms         -        -         -         3  by the emulated machine's clock
                nested: memory besides the guest's            800000 B  900000 B         -        - 4194304 B yes     3  private pages of monitor and warden, with a kernel that runs
            "#]],
        );
    }

    #[test]
    fn what_a_lane_does_not_say_is_not_measured() {
        check(
            "measured boot: 9000.0 ms\nmeasured stream: 10.0 ms\nmeasured : \nmeasured restore: much ms\n",
            expect![[r#"
            nested: restore to a program's end           not measured: the lane says nothing of it
            nested: restore to the agent's answer        not measured: the lane says nothing of it
            nested: the same file mapped by hand         not measured: the lane says nothing of it
            nested: snapshot                             not measured: the lane says nothing of it
            nested: difference                           not measured: the lane says nothing of it
            nested: vsock round trip                     not measured: the lane says nothing of it
            nested: vsock throughput                     not measured: the lane says nothing of it
            nested: start to first instruction           not measured: the lane says nothing of it
            nested: the same of a restore                not measured: the lane says nothing of it
            nested: memory besides the guest's           not measured: the lane says nothing of it
        "#]],
        );
    }
}
