//! The lane with everything in it: QEMU emulates a machine on which KVM works, Debian's kernel boots there, and in it our
//! monitor boots the same kernel again, filters on. What runs within is what a user with real KVM runs.
use crate::{
    Fallible, bare, costs, failed, inside,
    lane_image::{busybox, lane_image, tell},
    qemu::{Heard, Qemu},
    stall,
    told::Told,
    work::close,
};
use image::{Image, KernelSource, Recipe, Root, Wanted, build};
use machines::Part;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// It takes a good minute of one processor, and a machine that is busy with other things gives it a tenth of one. What stands
/// still is found earlier, by the step that it is in.
const PATIENCE: Duration = Duration::from_secs(900);
/// Room for the first level, a file system in memory with a snapshot, and the pages that clones write.
const MEMORY_MIB: u64 = 2048;
/// What the first level's kernel is told. On a busy machine the emulator stands still in the middle of things, and the kernel
/// then blames the hardware. A time stamp counter that differs from another clock for a moment it takes for broken, and from
/// then on KVM corrects the clocks of its guests whenever one goes on: they crawl, until nothing seems to move. A timer that
/// does not tick within ten milliseconds it does not boot with at all. Both are fine: the counter is this machine's own. How
/// fast that counts it is told as well, if this machine says so: measured on a busy one, its clock ran four times too fast, and
/// every patience within was over in a quarter of its time.
const FIRST_ARGUMENTS: &str = "console=ttyS0 panic=-1 reboot=t quiet loglevel=3 tsc=reliable no_timer_check";
/// What the first level loads: KVM as the emulated processor has it.
const MODULES: &[Wanted] = &[Wanted { name: "kvm_amd", required: true }];
/// The first level's first process, around what listens there for questions.
const INIT: [&str; 2] = [
    "#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs -o size=75% tmp /tmp
mkdir -p /dev/pts /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup
chmod -R a+rX /second /bin/guests /bin/oxydra-vmm
",
    "while read -r module; do insmod /oxydra/$module || echo LANE FAILED module $module; done </oxydra/modules
ip link set lo up
export OXYDRA_VMM=/bin/oxydra-vmm
/bin/guests $LANE || where
poweroff -f
",
];

/// Runs the lane. A machine that stood still is started once more, which is said: what stands is the emulator, on a host that
/// forgets it for too long. A step that failed has failed.
pub(crate) fn lane(home: &Path, kernel: &KernelSource) -> Fallible<ExitCode> {
    let since = Instant::now();
    let mut heard = Told::new(Instant::now());
    let mut outcome = within(home, kernel, "inside", &mut heard);
    if let Err(Trouble::Stands(why)) = &outcome {
        println!("{why}\nthe emulated machine stood still; it is started once more");
        outcome = within(home, kernel, "inside", &mut heard);
    }
    let outcome = outcome.map_err(String::from);
    if let Some(ratio) = heard.spans.ratio("boot", "restore") {
        println!("a boot to the first command takes as long as {ratio:.0} restores in new processes");
    }
    close(heard.steps, outcome, since.elapsed())
}

/// Measures what guests cost there, and prints a line for each thing that was measured.
pub(crate) fn costs(home: &Path, kernel: &KernelSource) -> Fallible<ExitCode> {
    let mut heard = Told::new(Instant::now());
    within(home, kernel, "costs", &mut heard)?;
    print!("{}{}", heard.spans, heard.worked.lines("worked"));
    for (by, spans) in [("the clock", &heard.spans), ("work", &heard.worked)] {
        if let Some(ratios) = costs::ratios(spans) {
            println!("ratio by {by}, boot:restore {ratios}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Why the lane did not get through.
enum Trouble {
    /// The machine said nothing for too long, or went before its time.
    Stands(String),
    /// Something is wrong, and would be again.
    Failed(String),
}

impl From<String> for Trouble {
    fn from(why: String) -> Trouble {
        Trouble::Failed(why)
    }
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> String {
        match trouble {
            Trouble::Stands(why) | Trouble::Failed(why) => why,
        }
    }
}

/// Starts the first level, and in it what its first process finds under this name.
fn within(home: &Path, kernel: &KernelSource, lane: &str, told: &mut Told) -> Result<(), Trouble> {
    let second = lane_image(home, kernel, &[])?;
    let first = first_level(home, kernel, &second)?;
    // What a kernel does not know it gives to its first process as variables.
    let mut append = format!("{FIRST_ARGUMENTS} {} LANE={lane}", stall::HEED_NMI);
    if let Some(khz) = counter_khz() {
        append += &format!(" tsc_early_khz={khz}");
    }
    let mut patience = PATIENCE;
    if let Ok(rounds) = env::var(inside::ROUNDS) {
        let count: u32 =
            rounds.parse().map_err(failed(format!("make sense of {}={rounds}", inside::ROUNDS)))?;
        append += &format!(" {}={count}", inside::ROUNDS);
        patience *= count.max(1);
    }
    let monitor = home.join(format!("nested-{}", std::process::id()));
    let more = ["-monitor".to_owned(), format!("unix:{},server=on,wait=off", monitor.display())];
    let mut qemu = Qemu::start(&first.kernel, &first.initrd, &append, MEMORY_MIB, &more, patience)?;
    let outcome = watch(&mut qemu, &monitor, told);
    // An emulator that never came up left none.
    let _none = fs::remove_file(&monitor);
    outcome
}

/// Prints steps as they come, with the time of this machine. Says where the machine is when it stands still.
fn watch(qemu: &mut Qemu, monitor: &Path, told: &mut Told) -> Result<(), Trouble> {
    let since = Instant::now();
    *told = Told::new(since);
    loop {
        match qemu.hear(told.left(Instant::now()).min(qemu.left())) {
            Heard::Line(line) => {
                told.worked(&line, since + qemu.worked());
                if let Some(said) = told.hear(&line, Instant::now()) {
                    println!("{:6.1} s  {said}", since.elapsed().as_secs_f64());
                }
            }
            Heard::Ended => break,
            Heard::Silence => {
                let why = told.stands(Instant::now());
                let where_it_is = stall::asked(qemu, monitor);
                return Err(Trouble::Stands(qemu.explained(why) + "\n" + &where_it_is));
            }
        }
    }
    match told.ended() {
        Err(failure) => Err(Trouble::Failed(failure)),
        Ok(true) => Ok(()),
        Ok(false) => Err(Trouble::Stands(qemu.explained("the machine ended before the lane did".to_owned()))),
    }
}

/// The rate of this machine's time stamp counter, which the emulator hands on as it is: that of a processor at its nominal
/// speed, which one whose speed cannot be set says of itself.
fn counter_khz() -> Option<u64> {
    const SPEEDS: &str = "/sys/devices/system/cpu/cpu0/cpufreq";
    if Path::new(SPEEDS).exists() {
        let nominal = fs::read_to_string(format!("{SPEEDS}/base_frequency")).ok()?;
        return nominal.trim().parse().ok();
    }
    khz_of(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn khz_of(processors: &str) -> Option<u64> {
    let line = processors.lines().find(|line| line.starts_with("cpu MHz"))?;
    let (mhz, fraction) = line.split_once(": ")?.1.split_once('.')?;
    Some(mhz.parse::<u64>().ok()? * 1000 + fraction.get(..3)?.parse::<u64>().ok()?)
}

fn first_level(home: &Path, kernel: &KernelSource, second: &Image) -> Fallible<Image> {
    let init = home.join("first-level-init");
    fs::write(&init, INIT.join(stall::LISTENER)).map_err(failed("write the first process"))?;
    fs::set_permissions(&init, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(failed("make it a program"))?;
    let ourselves = std::env::current_exe().map_err(failed("find this program"))?;
    let mut files: Vec<(String, PathBuf)> = vec![
        ("bin/oxydra-vmm".into(), Part::Monitor.find()?),
        ("bin/guests".into(), ourselves),
        ("second/vmlinux".into(), second.kernel.clone()),
        ("second/initrd".into(), second.initrd.clone()),
    ];
    files.extend(bare::program());
    files.sort();
    let recipe = Recipe {
        kernel: kernel.clone(),
        root: Root::Minimal { busybox: busybox(home)? },
        init,
        modules: MODULES.to_vec(),
        files,
    };
    build(&recipe, home, &mut tell).map_err(failed("build the first level"))
}

#[cfg(test)]
mod tests {
    use super::khz_of;

    #[test]
    fn a_rate_is_read_or_left_to_the_kernel() {
        assert_eq!(khz_of("model name\t: X\ncpu MHz\t\t: 2299.998\ncpu MHz\t\t: 1.000\n"), Some(2_299_998));
        for processors in ["", "cpu MHz\t\t: much\n", "cpu MHz\t\t: 2300\n"] {
            assert_eq!(khz_of(processors), None);
        }
    }
}
