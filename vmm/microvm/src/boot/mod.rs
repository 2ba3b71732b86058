//! What a 64-bit Linux kernel finds at its first instruction: boot parameters, a memory map, ACPI tables, page tables and
//! registers. Decides nothing; the machine says what there is.
pub(crate) mod acpi;
pub(crate) mod cpu;

use crate::{kernel::Loaded, layout, memory, memory::Memory};
use linux_loader::{
    cmdline::Cmdline,
    configurator::{BootConfigurator, BootParams, linux::LinuxBootConfigurator},
    loader::{
        bootparam::{boot_e820_entry, boot_params},
        load_cmdline,
    },
};
use vm_memory::GuestAddress;

/// Something does not fit where it must go. Sizes are checked before, so it is ours.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what} into guest memory: {why}")]
pub struct BootError {
    /// What was to be written.
    pub what: &'static str,
    /// What went wrong.
    pub why: String,
}

impl BootError {
    pub(crate) fn new(what: &'static str) -> impl Fn(String) -> BootError {
        move |why| BootError { what, why }
    }
}

/// Kinds of memory, as the E820 map numbers them.
const USABLE: u32 = 1;
const RESERVED: u32 = 2;

/// Writes the boot parameters and the command line.
pub(crate) fn params(
    memory: &Memory,
    kernel: &Loaded,
    initrd: Option<(u64, u64)>,
    cmdline: &str,
) -> Result<(), BootError> {
    let failed = BootError::new("the command line");
    let line =
        Cmdline::try_from(cmdline, crate::config::CMDLINE_MAX).map_err(|error| failed(error.to_string()))?;
    load_cmdline(memory, layout::CMDLINE, &line).map_err(|error| failed(error.to_string()))?;
    let mut params = boot_params::default();
    if let Some(header) = kernel.header {
        params.hdr = header;
    }
    params.hdr.boot_flag = 0xaa55;
    params.hdr.header = 0x5372_6448;
    // 0xff: a loader without a number of its own.
    params.hdr.type_of_loader = 0xff;
    params.hdr.kernel_alignment = params.hdr.kernel_alignment.max(0x100_0000);
    params.hdr.cmd_line_ptr = layout::CMDLINE.0 as u32;
    params.hdr.cmdline_size = cmdline.len() as u32 + 1;
    if let Some((at, bytes)) = initrd {
        // Both lie below 3 GiB, where the initramfs is put.
        params.hdr.ramdisk_image = at as u32;
        params.hdr.ramdisk_size = bytes as u32;
    }
    params.acpi_rsdp_addr = layout::ACPI.0;
    for (slot, entry) in params.e820_table.iter_mut().zip(memory_map(memory::size(memory))) {
        *slot = entry;
        params.e820_entries += 1;
    }
    LinuxBootConfigurator::write_bootparams(&BootParams::new(&params, layout::BOOT_PARAMS), memory)
        .map_err(|error| BootError::new("the boot parameters")(error.to_string()))
}

fn memory_map(bytes: u64) -> Vec<boot_e820_entry> {
    let entry = |start: GuestAddress, end: u64, kind| boot_e820_entry {
        addr: start.0,
        size: end - start.0,
        r#type: kind,
    };
    let low = bytes.min(layout::HOLE);
    let mut map = vec![
        entry(GuestAddress(0), layout::LOW_END, USABLE),
        entry(layout::ACPI, layout::ACPI_END, RESERVED),
        entry(layout::HIGH_START, low, USABLE),
    ];
    if bytes > layout::HOLE {
        map.push(entry(GuestAddress(layout::HOLE_END), layout::HOLE_END + bytes - layout::HOLE, USABLE));
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use vm_memory::Bytes;

    #[test]
    fn the_memory_map_leaves_out_what_is_no_memory() {
        let shown = |bytes| {
            let line = |entry: boot_e820_entry| {
                let (addr, size, kind) = (entry.addr, entry.size, entry.r#type);
                format!("{addr:#x}+{size:#x} {kind}")
            };
            memory_map(bytes).into_iter().map(line).collect::<Vec<_>>().join(", ")
        };
        expect!["0x0+0x9fc00 1, 0xe0000+0x20000 2, 0x100000+0xff00000 1"].assert_eq(&shown(256 << 20));
        expect!["0x0+0x9fc00 1, 0xe0000+0x20000 2, 0x100000+0xbff00000 1, 0x100000000+0x40000000 1"]
            .assert_eq(&shown(4 << 30));
    }

    #[test]
    fn parameters_say_where_things_are() {
        let memory = memory::fresh(64 << 20).unwrap();
        let kernel = Loaded { entry: 0x100_0000, end: 0x200_0000, header: None };
        params(&memory, &kernel, Some((0x300_0000, 77)), "quiet").unwrap();
        let at = |offset: u64| memory.read_obj::<u32>(GuestAddress(layout::BOOT_PARAMS.0 + offset)).unwrap();
        assert_eq!([at(0x218), at(0x21c), at(0x228), at(0x070)], [0x300_0000, 77, 0x2_0000, 0xe_0000]);
        let mut line = [0; 6];
        memory.read_slice(&mut line, layout::CMDLINE).unwrap();
        assert_eq!(&line, b"quiet\0");
    }
}
