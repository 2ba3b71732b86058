//! Guests that mean harm, run for real where `/dev/kvm` opens: drivers of a few instructions with chains that never end or lead
//! out of memory, ten thousand calls, and one who never reads. The monitor refuses, counts, and goes on.
use super::{
    bare::{Place, until},
    code::{CALLED, DEVICES, calls, chains, never_reads},
};
use crate::{bus::End, config::Disk, virtio::vsock::CONNECTIONS_MAX};

#[test]
fn chains_that_never_end_or_lead_out_of_memory_are_refused_by_every_device() {
    let Some(mut place) = Place::new(chains().spin()) else { return };
    let image = tempfile::tempfile().unwrap();
    image.set_len(1 << 20).unwrap();
    place.disks.push(image);
    let vm = place
        .machine(|config| config.disks = vec![Disk { image: "disk".into(), writable: true }])
        .boot()
        .unwrap();
    until(|| (vm.stats().serial_bytes == 1).then_some(())).expect("the guest comes to its end");
    // A chain that a device makes nothing of is a fault.
    let all_have_looked = || vm.faults().iter().all(|found| *found >= FAULTS_MIN);
    until(|| all_have_looked().then_some(()))
        .unwrap_or_else(|| panic!("not every device has looked: {:?}", vm.faults()));
    assert_eq!(vm.faults().len(), DEVICES);
    assert_eq!(vm.ended(), None);
    // Whoever harmed itself is still a guest that can be stopped and written down.
    drop(vm.pause().unwrap());
}

/// Each queue is offered ten chains; the device that makes most of what it gets calls eight of them a fault.
const FAULTS_MIN: u64 = 8;

#[test]
fn ten_thousand_calls_come_to_an_end_and_hold_no_more_than_there_is_room_for() {
    let Some(mut place) = Place::new(calls(10_000).power_off()) else {
        return;
    };
    let vm = place.machine(|config| config.guest_ports = vec![CALLED]).boot().unwrap();
    assert_eq!(until(|| vm.ended()), Some(End::PoweredOff));
    let stats = vm.stats();
    assert_eq!(stats.serial_bytes, 1, "it came to its end");
    assert!(stats.vsock_connections <= CONNECTIONS_MAX as u64, "{stats:?}");
}

#[test]
fn a_guest_that_never_reads_waits_for_itself() {
    let Some(mut place) = Place::new(never_reads().power_off()) else { return };
    let vm = place.machine(|config| config.guest_ports = vec![CALLED]).boot().unwrap();
    // So many answers wait, and then nothing more is taken.
    until(|| (vm.stats().serial_bytes >= CONNECTIONS_MAX as u64).then_some(())).expect("it calls");
    let paused = vm.pause().unwrap();
    let stats = paused.stats();
    assert!(stats.vsock_connections <= CONNECTIONS_MAX as u64 && stats.serial_bytes < 10_000, "{stats:?}");
}
