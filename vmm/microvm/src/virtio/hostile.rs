//! Drivers that do not keep to the rules, against every device: rings nowhere, chains without an end, buffers outside of
//! memory. A device may refuse to work for them; it may not panic, hang, or write where it must not.
use super::{
    Device,
    balloon::Balloon,
    block::Block,
    driver::{BUFFERS, Driver, MEMORY, SIZE, line, memory},
    rng::Rng,
    transport::{Mmio, Transport},
    vsock::stories::vsock,
};
use crate::memory::Memory;
use std::{
    fs::File,
    sync::{Arc, Mutex},
};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

fn device<D: Device + 'static>(device: D, memory: &Memory) -> (Arc<dyn Mmio>, u16) {
    let queues = D::QUEUES.len() as u16;
    (Arc::new(Mutex::new(Transport::new(device, memory.clone(), line()))), queues)
}

fn disk(writable: bool) -> Block {
    let image: File = tempfile::tempfile().unwrap();
    image.set_len(1 << 20).unwrap();
    Block::new(image, writable).unwrap()
}

fn all(memory: &Memory) -> Vec<(Arc<dyn Mmio>, u16)> {
    vec![
        device(Rng, memory),
        device(Balloon::default(), memory),
        device(disk(true), memory),
        device(disk(false), memory),
        device(vsock().0, memory),
    ]
}

fn each(work: impl Fn(&mut Driver, usize)) {
    let count = all(&memory()).len();
    for index in 0..count {
        let memory = memory();
        let (device, queues) = all(&memory).swap_remove(index);
        for queue in 0..usize::from(queues) {
            let mut driver = Driver::start(device.clone(), memory.clone(), queues);
            work(&mut driver, queue);
            driver.kick(queue);
            // It still works for who begins anew.
            assert_eq!(Driver::start(device.clone(), memory.clone(), queues).status(), 15);
        }
    }
}

#[test]
fn chains_without_an_end_come_to_one() {
    each(|driver, queue| {
        driver.describe(queue, 0, BUFFERS, 64, NEXT, 1);
        driver.describe(queue, 1, BUFFERS, 64, NEXT | WRITE, 0);
        driver.offer_head(queue, 0);
        driver.describe(queue, 2, BUFFERS, 64, NEXT | WRITE, 2);
        driver.offer_head(queue, 2);
    });
}

#[test]
fn buffers_outside_of_memory_are_not_touched() {
    each(|driver, queue| {
        for (index, (address, length)) in [
            (MEMORY, 64),
            (MEMORY - 1, 64),
            (u64::MAX, 64),
            (u64::MAX - 63, 64),
            (BUFFERS, u32::MAX),
            (0xd000_0000, 4096),
        ]
        .into_iter()
        .enumerate()
        {
            let index = index as u16 * 2;
            driver.describe(queue, index, address, length, WRITE, 0);
            driver.offer_head(queue, index);
            driver.describe(queue, index + 1, address, length, 0, 0);
            driver.offer_head(queue, index + 1);
        }
    });
}

#[test]
fn heads_indexes_and_tables_that_are_none_are_passed_over() {
    each(|driver, queue| {
        for head in [SIZE, u16::MAX, 300] {
            driver.offer_head(queue, head);
        }
        driver.describe(queue, 0, BUFFERS, 64, NEXT, u16::MAX);
        driver.offer_head(queue, 0);
        driver.describe(queue, 1, BUFFERS, 0, WRITE, 0);
        driver.offer_head(queue, 1);
        driver.describe(queue, 2, MEMORY - 8, 64, INDIRECT, 0);
        driver.offer_head(queue, 2);
        driver.describe(queue, 3, BUFFERS, 64, INDIRECT | NEXT, 3);
        driver.offer_head(queue, 3);
    });
}

#[test]
fn a_ring_that_claims_more_than_it_has_is_passed_over() {
    each(|driver, queue| {
        for _ in 0..1000 {
            driver.offer_head(queue, 0);
        }
    });
}

#[test]
fn rings_outside_of_memory_stop_the_device_and_not_the_monitor() {
    for (register, value) in [(0x80, 0x0ff0_0000u32), (0x84, 1), (0x90, 0x0ff0_0000), (0xa4, u32::MAX)] {
        let memory = memory();
        let (device, _) = device(Rng, &memory);
        let write = |register: u64, value: u32| device.write(register, &value.to_le_bytes());
        [
            (0x70, 3),
            (0x24, 1),
            (0x20, 1),
            (0x70, 11),
            (0x38, 16),
            (0x80, 0x1_0000),
            (0x90, 0x2_0000),
            (0xa0, 0x3_0000),
        ]
        .into_iter()
        .chain([(register, value), (0x44, 1), (0x70, 15)])
        .for_each(|(register, value)| write(register, value));
        let mut status = [0; 4];
        device.read(0x70, &mut status);
        assert_eq!(status[0], 0x40 | 11, "{register:#x}");
        write(0x50, 0);
    }
}

#[test]
fn a_queue_that_is_ready_while_the_driver_runs_lies_in_memory_too() {
    let memory = memory();
    let (device, queues) = device(Rng, &memory);
    let driver = Driver::start(device.clone(), memory.clone(), queues);
    let write = |register: u64, value: u32| device.write(register, &value.to_le_bytes());
    // A second driver describes its queue while it sets up, and says that it is ready when the device runs.
    [(0x70, 0), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11), (0x38, 16), (0x80, 0x0ff0_0000), (0x70, 15)]
        .into_iter()
        .for_each(|(register, value)| write(register, value));
    assert_eq!((driver.status(), device.faults()), (15, 0));
    write(0x44, 1);
    assert_eq!((driver.status(), device.faults()), (0x40 | 11, 1));
    // It stays so until it is reset, and what is written down of it comes back.
    write(0x50, 0);
    write(0x70, 15);
    assert_eq!(driver.status(), 0x40 | 11);
    device.restore(&device.save()).unwrap();
    assert_eq!(Driver::start(device, memory, queues).status(), 15);
}

#[test]
fn a_driver_that_skips_steps_gets_nothing() {
    let memory = memory();
    let (device, _) = device(Rng, &memory);
    let write = |register: u64, value: u32| device.write(register, &value.to_le_bytes());
    let read = |register| {
        let mut word = [0; 4];
        device.read(register, &mut word);
        u32::from_le_bytes(word)
    };
    // Features that were not offered, or without the modern one.
    write(0x20, 1);
    write(0x70, 8);
    assert_eq!(read(0x70), 0);
    write(0x70, 15);
    assert_eq!(read(0x70) & 12, 0);
    // Registers that are none, narrow and crooked accesses.
    for offset in [0x0c, 0x54, 0x58, 0xfc, 0xff, 0x1000, u64::MAX] {
        device.write(offset, &[0xff; 8]);
        device.write(offset, &[0xff]);
        device.read(offset, &mut [0; 8]);
    }
    assert_eq!((read(0x00), read(0x04), read(0x08)), (0x7472_6976, 2, 4));
}
