//! Where everything is in a guest: addresses, ports and interrupts, in one place, because tables, devices and the kernel
//! have to agree on them.
//!
//! ```text
//! 0x500 GDT · 0x7000 boot parameters · 0x9000 page tables · 0x2_0000 command line · 0xe_0000 ACPI
//! 1 MiB … 3 GiB memory · 3 … 4 GiB devices, IOAPIC, LAPIC, KVM's own pages · 4 GiB … the rest of memory
//! ```
use vm_memory::GuestAddress;

/// A page.
pub(crate) const PAGE: u64 = 4096;
/// The descriptor table of the first instruction.
pub(crate) const GDT: GuestAddress = GuestAddress(0x500);
/// The "zero page" of the Linux boot protocol.
pub(crate) const BOOT_PARAMS: GuestAddress = GuestAddress(0x7000);
/// The first stack, which only the entry of the kernel uses.
pub(crate) const BOOT_STACK: u64 = 0x8ff0;
/// Level 4, level 3 and level 2 of the identity map of the first GiB, one page each.
pub(crate) const PAGE_TABLES: GuestAddress = GuestAddress(0x9000);
/// The kernel's command line.
pub(crate) const CMDLINE: GuestAddress = GuestAddress(0x2_0000);
/// Here conventional memory ends; the kernel expects firmware behind it.
pub(crate) const LOW_END: u64 = 0x9_fc00;
/// The root pointer of ACPI, where kernels look for it; its tables follow.
pub(crate) const ACPI: GuestAddress = GuestAddress(0xe_0000);
/// Here the firmware's area ends.
pub(crate) const ACPI_END: u64 = 0x10_0000;
/// Here memory that the kernel may take begins.
pub(crate) const HIGH_START: GuestAddress = GuestAddress(0x10_0000);
/// Memory has a hole from here …
pub(crate) const HOLE: u64 = 0xc000_0000;
/// … to here.
pub(crate) const HOLE_END: u64 = 0x1_0000_0000;

/// The registers of the first virtio device; each has a page.
pub(crate) const VIRTIO: u64 = 0xd000_0000;
/// The interrupt of the first virtio device. From 16 on, a line reaches the IOAPIC alone: below, KVM's default routes
/// also feed the old PIC, which a kernel without it never masks. The IOAPIC has 24 lines, enough for three devices and
/// [`crate::config::DISKS_MAX`] disks.
pub(crate) const VIRTIO_GSI: u32 = 16;
/// Where KVM emulates the IOAPIC.
pub(crate) const IOAPIC: u32 = 0xfec0_0000;
/// Where KVM emulates the local APIC.
pub(crate) const LAPIC: u32 = 0xfee0_0000;
/// Three pages that KVM needs on Intel, inside the hole.
pub(crate) const TSS: usize = 0xfffb_d000;

/// COM1.
pub(crate) const SERIAL: u16 = 0x3f8;
/// Its eight registers end here.
pub(crate) const SERIAL_LAST: u16 = 0x3ff;
/// Its interrupt.
pub(crate) const SERIAL_GSI: u32 = 4;
/// ACPI's sleep control register.
pub(crate) const SLEEP_CONTROL: u16 = 0x600;
/// ACPI's sleep status register.
pub(crate) const SLEEP_STATUS: u16 = 0x601;
/// ACPI's reset register.
pub(crate) const RESET: u16 = 0x602;
/// The sleep type that means power off, as the tables say it.
pub(crate) const SLEEP_OFF: u8 = 5;

/// Where memory lies: start and length of each piece, and together `bytes`.
pub(crate) fn memory_pieces(bytes: u64) -> Vec<(GuestAddress, usize)> {
    let piece = |start: u64, length: u64| (GuestAddress(start), length as usize);
    match bytes.checked_sub(HOLE) {
        None | Some(0) => vec![piece(0, bytes)],
        Some(above) => vec![piece(0, HOLE), piece(HOLE_END, above)],
    }
}

/// The interrupt of a virtio device.
pub(crate) fn virtio_gsi(index: usize) -> u32 {
    VIRTIO_GSI + u32::try_from(index).expect("there are at most eight devices")
}

/// The address of a virtio device's registers.
pub(crate) fn virtio_base(index: usize) -> u64 {
    VIRTIO + index as u64 * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_leaves_the_hole_out() {
        let pieces =
            |bytes| memory_pieces(bytes).iter().map(|(at, len)| (at.0, *len as u64)).collect::<Vec<_>>();
        assert_eq!(pieces(256 << 20), [(0, 256 << 20)]);
        assert_eq!(pieces(HOLE), [(0, HOLE)]);
        assert_eq!(pieces(HOLE + PAGE), [(0, HOLE), (HOLE_END, PAGE)]);
    }
}
