//! Guest memory as KVM knows it, and which pages the guest wrote. One of the files with `unsafe`: KVM is given addresses of
//! this process.
#![allow(unsafe_code, reason = "KVM maps memory of this process into the guest")]

use crate::{layout::PAGE, memory, memory::Memory};
use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;
use vm_memory::{Address, GuestMemoryBackend, GuestMemoryRegion};

/// Whether KVM notes what the guest writes, which costs a fault per page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noting {
    Off,
    On,
}

/// Gives the guest its memory. `memory` must live as long as the machine runs, which [`super::Core`] sees to: it owns both
/// and drops the memory last.
pub(crate) fn attach(vm: &VmFd, memory: &Memory, noting: Noting) -> Result<(), kvm_ioctls::Error> {
    for (slot, region) in (0..).zip(memory.iter()) {
        let flags = if noting == Noting::On { KVM_MEM_LOG_DIRTY_PAGES } else { 0 };
        let piece = kvm_userspace_memory_region {
            slot,
            flags,
            guest_phys_addr: region.start_addr().raw_value(),
            memory_size: region.len(),
            userspace_addr: memory::host_address(region),
        };
        // SAFETY: the region is a mapping of this process of exactly that length, which stays until after the machine is
        // gone; slots do not overlap, because regions do not. Everybody reads it volatile, since the guest writes to it.
        unsafe { vm.set_user_memory_region(piece)? };
    }
    Ok(())
}

/// The pages that the guest or this process wrote since the last question, as bits over all of memory without its hole.
pub(super) fn written(vm: &VmFd, memory: &Memory) -> Result<Vec<u64>, kvm_ioctls::Error> {
    let mut all = Vec::new();
    for (slot, region) in (0..).zip(memory.iter()) {
        let words = (region.len() / PAGE).div_ceil(64) as usize;
        let mut guest = vm.get_dirty_log(slot, region.len() as usize)?;
        guest.resize(words, 0);
        let ours = region.get_mmap().bitmap().get_and_reset();
        all.extend(
            guest.iter().zip(ours.iter().chain(std::iter::repeat(&0))).map(|(guest, ours)| guest | ours),
        );
    }
    Ok(all)
}
