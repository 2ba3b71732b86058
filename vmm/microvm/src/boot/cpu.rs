//! Processors at their first instruction: CPUID, model registers, the local APIC, segments, page tables. Long mode with
//! the first GiB mapped to itself, as the 64-bit boot protocol wants it.
use crate::{layout, memory::Memory};
use kvm_bindings::{
    CpuId, KVM_MAX_CPUID_ENTRIES, Msrs, kvm_fpu, kvm_lapic_state, kvm_msr_entry, kvm_regs, kvm_segment,
    kvm_sregs,
};
use kvm_ioctls::{Kvm, VcpuFd};
use vm_memory::{Bytes, GuestAddress};

/// What this host's processor can do for a guest.
pub(crate) fn host_cpuid(kvm: &Kvm) -> Result<CpuId, kvm_ioctls::Error> {
    kvm.get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
}

/// The same, as the processor `id` of `count` says it.
pub(crate) fn cpuid_of(host: &CpuId, id: u8, count: u8) -> CpuId {
    let mut cpuid = host.clone();
    for entry in cpuid.as_mut_slice() {
        match entry.function {
            1 => {
                entry.ebx = entry.ebx & 0xffff | u32::from(count) << 16 | u32::from(id) << 24;
                // A hypervisor is present, and the local APIC has a deadline timer, which KVM provides but does not list.
                entry.ecx |= 1 << 31 | 1 << 24;
            }
            // x2APIC ids of the two topology leaves.
            0xb | 0x1f => entry.edx = id.into(),
            // The same on AMD.
            0x8000_001e => entry.eax = id.into(),
            _ => {}
        }
    }
    cpuid
}

/// Which processor this is, for people and for comparing: vendor, family, and its name.
pub(crate) fn model(host: &CpuId) -> String {
    let leaf = |function: u32| host.as_slice().iter().find(|entry| entry.function == function);
    let text =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).map(char::from).collect::<String>();
    let vendor = leaf(0).map(|leaf| text(&[leaf.ebx, leaf.edx, leaf.ecx])).unwrap_or_default();
    let family = leaf(1).map(|leaf| leaf.eax).unwrap_or_default();
    let name = (0x8000_0002..=0x8000_0004u32).filter_map(leaf);
    let name: String = name.map(|leaf| text(&[leaf.eax, leaf.ebx, leaf.ecx, leaf.edx])).collect();
    let features = host.as_slice().iter().filter(|entry| [1, 7, 0xd, 0x8000_0001].contains(&entry.function));
    let features: Vec<u8> = features
        .flat_map(|entry| [entry.function, entry.index, entry.eax, entry.ebx & 0xffff, entry.ecx, entry.edx])
        .flat_map(u32::to_le_bytes)
        .collect();
    let plain = |text: String| {
        text.chars().filter(|char| char.is_ascii_graphic() || *char == ' ').collect::<String>()
    };
    format!("{} {family:x} {} {:08x}", plain(vendor), plain(name).trim(), crc32c::crc32c(&features))
}

const MISC_ENABLE: u32 = 0x1a0;
const LVT_LINT0: usize = 0x350;
const LVT_LINT1: usize = 0x360;
const EXTERNAL: u32 = 7 << 8;
const NMI: u32 = 4 << 8;

/// What every processor starts with.
pub(crate) fn reset(vcpu: &VcpuFd, cpuid: &CpuId) -> Result<(), kvm_ioctls::Error> {
    vcpu.set_cpuid2(cpuid)?;
    // Fast string operations, which a kernel takes for granted. KVM without this register says so by setting none.
    let fast_strings = kvm_msr_entry { index: MISC_ENABLE, data: 1, ..Default::default() };
    let registers = Msrs::from_entries(&[fast_strings]).expect("one entry fits");
    vcpu.set_msrs(&registers)?;
    vcpu.set_fpu(&kvm_fpu { fcw: 0x37f, mxcsr: 0x1f80, ..Default::default() })?;
    let mut lapic = vcpu.get_lapic()?;
    set_lapic(&mut lapic, LVT_LINT0, EXTERNAL);
    set_lapic(&mut lapic, LVT_LINT1, NMI);
    vcpu.set_lapic(&lapic)
}

fn set_lapic(lapic: &mut kvm_lapic_state, at: usize, value: u32) {
    for (register, byte) in lapic.regs[at..at + 4].iter_mut().zip(value.to_le_bytes()) {
        *register = byte as std::ffi::c_char;
    }
}

/// Null, 64-bit code, data: the selectors 0, 8 and 16.
const DESCRIPTORS: [u64; 3] = [0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff];
const PRESENT_WRITABLE: u64 = 3;
const LARGE: u64 = 0x80;
const CR0_PE: u64 = 1;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME_LMA: u64 = 0x500;

/// Writes descriptors and page tables. Returns what went wrong, as text.
pub(crate) fn tables(memory: &Memory) -> Result<(), super::BootError> {
    let put = |at: u64, word: u64| {
        let failed = super::BootError::new("page tables");
        memory.write_obj(word, GuestAddress(at)).map_err(|error| failed(error.to_string()))
    };
    for (index, descriptor) in DESCRIPTORS.iter().enumerate() {
        put(layout::GDT.0 + index as u64 * 8, *descriptor)?;
    }
    let (level4, level3, level2) = (
        layout::PAGE_TABLES.0,
        layout::PAGE_TABLES.0 + layout::PAGE,
        layout::PAGE_TABLES.0 + 2 * layout::PAGE,
    );
    put(level4, level3 | PRESENT_WRITABLE)?;
    put(level3, level2 | PRESENT_WRITABLE)?;
    (0..512u64).try_for_each(|index| put(level2 + index * 8, index << 21 | LARGE | PRESENT_WRITABLE))
}

/// Points the first processor at the kernel. The others wait for it to wake them.
pub(crate) fn enter(vcpu: &VcpuFd, entry: u64) -> Result<(), kvm_ioctls::Error> {
    let mut system = vcpu.get_sregs()?;
    long_mode(&mut system);
    vcpu.set_sregs(&system)?;
    vcpu.set_regs(&kvm_regs {
        rip: entry,
        rsi: layout::BOOT_PARAMS.0,
        rsp: layout::BOOT_STACK,
        rbp: layout::BOOT_STACK,
        rflags: 2,
        ..Default::default()
    })
}

/// Flat segments, paging on.
pub(crate) fn long_mode(system: &mut kvm_sregs) {
    let code = kvm_segment {
        limit: u32::MAX,
        selector: 8,
        type_: 11,
        present: 1,
        s: 1,
        l: 1,
        g: 1,
        ..Default::default()
    };
    let data = kvm_segment { selector: 16, type_: 3, l: 0, db: 1, ..code };
    system.cs = code;
    (system.ds, system.es, system.fs, system.gs, system.ss) = (data, data, data, data, data);
    system.gdt.base = layout::GDT.0;
    system.gdt.limit = (DESCRIPTORS.len() * 8 - 1) as u16;
    system.idt.base = 0;
    system.idt.limit = 0;
    system.cr3 = layout::PAGE_TABLES.0;
    system.cr4 |= CR4_PAE;
    system.efer |= EFER_LME_LMA;
    system.cr0 |= CR0_PE | CR0_PG;
}
