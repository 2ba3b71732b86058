//! ACPI tables of a machine without PCI, timers or a keyboard: processors, the IOAPIC, a serial port, virtio devices by
//! address and interrupt, and the registers for power-off and reset. "Hardware-reduced", so that the kernel looks for
//! nothing older.
use super::BootError;
use crate::{layout, memory::Memory};
use acpi_tables::{Aml, aml, madt, rsdp::Rsdp, sdt::Sdt, xsdt::XSDT};
use vm_memory::{Bytes, GuestAddress};

const OEM: [u8; 6] = *b"OXYDRA";
const TABLE: [u8; 8] = *b"OXYDRAVM";
/// The root pointer has 36 bytes; the tables follow it.
const TABLES: u64 = 0xe_0040;

/// Fields of the fixed table that its builder does not know, by their offset in the specification (6.5, table 5.9).
mod fixed {
    pub(super) const LENGTH: u32 = 276;
    pub(super) const BOOT_ARCH: usize = 109;
    pub(super) const FLAGS: usize = 112;
    pub(super) const RESET_REG: usize = 116;
    pub(super) const RESET_VALUE: usize = 128;
    pub(super) const MINOR: usize = 131;
    pub(super) const X_DSDT: usize = 140;
    pub(super) const SLEEP_CONTROL_REG: usize = 244;
    pub(super) const SLEEP_STATUS_REG: usize = 256;
    /// No VGA, no clock of the AT: probing for the latter costs a second.
    pub(super) const NO_VGA_NO_CMOS: u16 = 1 << 2 | 1 << 5;
    /// No power and sleep button, a reset register, hardware-reduced.
    pub(super) const REDUCED: u32 = 1 << 4 | 1 << 5 | 1 << 10 | 1 << 20;
}

/// Writes all tables.
pub(crate) fn write(memory: &Memory, vcpus: u8, virtio_devices: usize) -> Result<(), BootError> {
    for (at, bytes) in tables(vcpus, virtio_devices) {
        if at + bytes.len() as u64 > layout::ACPI_END {
            return Err(BootError::new("ACPI tables")(format!("they end behind {:#x}", layout::ACPI_END)));
        }
        memory
            .write_slice(&bytes, GuestAddress(at))
            .map_err(|error| BootError::new("ACPI tables")(error.to_string()))?;
    }
    Ok(())
}

/// The tables and where they go.
fn tables(vcpus: u8, virtio_devices: usize) -> Vec<(u64, Vec<u8>)> {
    let mut placed = Vec::new();
    let mut at = TABLES;
    let mut place = |bytes: Vec<u8>| {
        let here = at;
        at = (at + bytes.len() as u64).next_multiple_of(16);
        placed.push((here, bytes));
        here
    };
    let dsdt = place(differentiated(virtio_devices));
    let fadt = place(fixed_table(dsdt));
    let madt = place(interrupts(vcpus));
    let mut xsdt = XSDT::new(OEM, TABLE, 1);
    xsdt.add_entry(fadt);
    xsdt.add_entry(madt);
    let xsdt = place(bytes_of(&xsdt));
    placed.push((layout::ACPI.0, bytes_of(&Rsdp::new(OEM, xsdt))));
    placed
}

fn bytes_of(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

/// What devices there are.
fn differentiated(virtio_devices: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for index in 0..virtio_devices {
        let base = u32::try_from(layout::virtio_base(index)).expect("devices lie below 4 GiB");
        let registers = aml::Memory32Fixed::new(true, base, layout::PAGE as u32);
        let edge = aml::Interrupt::new(true, true, false, false, layout::virtio_gsi(index));
        let resources = aml::ResourceTemplate::new(vec![&registers, &edge]);
        let number = u8::try_from(index).expect("there are at most eight devices");
        let name = format!("_SB_.V{index:03}");
        let id = aml::Name::new("_HID".into(), &"LNRO0005");
        let (unique, coherent) =
            (aml::Name::new("_UID".into(), &number), aml::Name::new("_CCA".into(), &aml::ONE));
        let settings = aml::Name::new("_CRS".into(), &resources);
        aml::Device::new(name.as_str().into(), vec![&id, &unique, &coherent, &settings])
            .to_aml_bytes(&mut body);
    }
    let ports = aml::IO::new(layout::SERIAL, layout::SERIAL, 0, 8);
    let edge = aml::Interrupt::new(true, true, false, false, layout::SERIAL_GSI);
    let resources = aml::ResourceTemplate::new(vec![&ports, &edge]);
    let kind = aml::EISAName::new("PNP0501");
    let (id, unique) = (aml::Name::new("_HID".into(), &kind), aml::Name::new("_UID".into(), &0u8));
    let settings = aml::Name::new("_CRS".into(), &resources);
    aml::Device::new("_SB_.COM1".into(), vec![&id, &unique, &settings]).to_aml_bytes(&mut body);
    let off = aml::Package::new(vec![&layout::SLEEP_OFF]);
    aml::Name::new("_S5_".into(), &off).to_aml_bytes(&mut body);
    let mut table = Sdt::new(*b"DSDT", 36, 6, OEM, TABLE, 1);
    table.append_slice(&body);
    table.as_slice().to_vec()
}

fn fixed_table(dsdt: u64) -> Vec<u8> {
    let mut table = Sdt::new(*b"FACP", fixed::LENGTH, 6, OEM, TABLE, 1);
    table.write_u16(fixed::BOOT_ARCH, fixed::NO_VGA_NO_CMOS);
    table.write_u32(fixed::FLAGS, fixed::REDUCED);
    let mut register = |at: usize, port: u16| {
        // A generic address: port space, 8 bits wide, byte access.
        table.write_bytes(at, &[1, 8, 0, 1]);
        table.write_u64(at + 4, port.into());
    };
    register(fixed::RESET_REG, layout::RESET);
    register(fixed::SLEEP_CONTROL_REG, layout::SLEEP_CONTROL);
    register(fixed::SLEEP_STATUS_REG, layout::SLEEP_STATUS);
    table.write_u8(fixed::RESET_VALUE, 1);
    table.write_u8(fixed::MINOR, 5);
    table.write_u64(fixed::X_DSDT, dsdt);
    table.update_checksum();
    table.as_slice().to_vec()
}

fn interrupts(vcpus: u8) -> Vec<u8> {
    let mut table = madt::MADT::new(OEM, TABLE, 1, madt::LocalInterruptController::Address(layout::LAPIC));
    for id in 0..vcpus {
        table.add_structure(madt::ProcessorLocalApic::new(id, id, madt::EnabledStatus::Enabled));
    }
    table.add_structure(madt::IoApic::new(vcpus, layout::IOAPIC, 0));
    bytes_of(&table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn word(bytes: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn every_table_is_found_from_the_root_and_sums_to_zero() {
        let tables = tables(2, 4);
        let at = |address: u64| &tables.iter().find(|(at, _)| *at == address).unwrap().1;
        let sum = |bytes: &[u8]| bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let root = at(layout::ACPI.0);
        assert_eq!((&root[..8], sum(&root[..20]), sum(root)), (&b"RSD PTR "[..], 0, 0));
        let xsdt = at(word(root, 24));
        let (fadt, madt) = (at(word(xsdt, 36)), at(word(xsdt, 44)));
        let dsdt = at(word(fadt, 140));
        for (table, name) in [(xsdt, b"XSDT"), (fadt, b"FACP"), (madt, b"APIC"), (dsdt, b"DSDT")] {
            assert_eq!(&table[..4], name);
            assert_eq!(u32::from_le_bytes(table[4..8].try_into().unwrap()) as usize, table.len());
            assert_eq!(sum(table), 0);
        }
        // Two processors of 8 bytes, one IOAPIC of 12.
        assert_eq!(madt.len(), 44 + 2 * 8 + 12);
        assert_eq!(dsdt.windows(8).filter(|bytes| bytes == b"LNRO0005").count(), 4);
    }

    #[test]
    fn the_bytes_of_the_fixed_table() {
        let bytes = fixed_table(0xe_0040);
        let set: Vec<_> = bytes.iter().enumerate().skip(36).filter(|(_, byte)| **byte != 0).collect();
        let shown = set.iter().map(|(at, byte)| format!("{at}:{byte:02x}")).collect::<Vec<_>>().join(" ");
        expect!["109:24 112:30 113:04 114:10 116:01 117:08 119:01 120:02 121:06 128:01 131:05 140:40 142:0e 244:01 245:08 247:01 249:06 256:01 257:08 259:01 260:01 261:06"].assert_eq(&shown);
    }

    #[test]
    fn tables_fit_with_all_that_may_be_had() {
        let memory = crate::memory::fresh(2 << 20).unwrap();
        write(&memory, crate::config::VCPUS_MAX, 3 + crate::config::DISKS_MAX).unwrap();
    }
}
