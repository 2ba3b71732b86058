//! What the kernel offers under no safe name: the address of a socket between guest and host, the random generator's two
//! commands, and the one that brings an interface up. The one file of this package with `unsafe`.
#![allow(unsafe_code, reason = "each block says why it holds")]
use rustix::{
    ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode},
    net::{
        AddressFamily, SocketFlags, SocketType,
        addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque},
        socket_with,
    },
};
use std::{ffi::c_void, fs::File, io};

/// An address between guest and host, as `struct sockaddr_vm` of the kernel's `linux/vm_sockets.h`.
#[derive(Debug, Clone, Copy)]
pub struct VsockAddress {
    /// Which machine; [`ANY_CID`] to listen.
    pub cid: u32,
    /// Which port.
    pub port: u32,
}

/// Whatever address this machine has.
pub const ANY_CID: u32 = u32::MAX;

#[repr(C)]
struct SockaddrVm {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags_and_zero: [u8; 4],
}

const _: () = assert!(size_of::<SockaddrVm>() == 16, "the size of the kernel's struct sockaddr_vm");

// SAFETY: the pointer leads to `address`, which lives until the closure returns, and the length is its size.
unsafe impl SocketAddrArg for VsockAddress {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        let address = SockaddrVm {
            family: AddressFamily::VSOCK.as_raw(),
            reserved: 0,
            port: self.port,
            cid: self.cid,
            flags_and_zero: [0; 4],
        };
        f((&raw const address).cast(), size_of::<SockaddrVm>() as SocketAddrLen)
    }
}

/// As many bytes as the host sends at once.
const ENTROPY_BYTES_MAX: usize = wire::ENTROPY_BYTES_MAX;

/// `struct rand_pool_info` with room for as much as the host sends.
#[repr(C)]
struct Pool {
    /// In bits.
    entropy: i32,
    /// In bytes.
    len: i32,
    bytes: [u8; ENTROPY_BYTES_MAX],
}

/// Adds a pool. `RNDADDENTROPY` of `linux/random.h`.
struct AddEntropy<'pool>(&'pool mut Pool);

// SAFETY: the command is `_IOW('R', 3, int[2])`; the kernel reads two ints and then `len` bytes, and `Pool` holds them: `len`
// is checked where it is set. It writes nothing through the pointer.
unsafe impl Ioctl for AddEntropy<'_> {
    type Output = ();
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<[i32; 2]>(b'R', 3)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.0).cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Draws a new key from the pool at once. `RNDRESEEDCRNG` of `linux/random.h`.
struct Reseed;

// SAFETY: the command is `_IO('R', 7)` and takes no argument.
unsafe impl Ioctl for Reseed {
    type Output = ();
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::none(b'R', 7)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Mixes bytes into the kernel's random numbers, credits them and makes every number drawn from now on depend on them.
pub fn add_entropy(bytes: &[u8]) -> io::Result<()> {
    let mut pool = Pool { entropy: 0, len: 0, bytes: [0; ENTROPY_BYTES_MAX] };
    let room = pool.bytes.get_mut(..bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
    room.copy_from_slice(bytes);
    pool.len = i32::try_from(bytes.len()).expect("there was room for them");
    pool.entropy = pool.len * 8;
    let device = File::options().write(true).open("/dev/urandom")?;
    // SAFETY: `device` is the random device, whose commands these are, and each upholds its contract as said above.
    unsafe {
        ioctl(&device, AddEntropy(&mut pool))?;
        ioctl(&device, Reseed)?;
    }
    Ok(())
}

/// `struct ifreq` of `net/if.h`, as far as flags go.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

const _: () = assert!(size_of::<Interface>() == 40, "the size of the kernel's struct ifreq");

/// Sets flags of an interface. `SIOCSIFFLAGS` of `linux/sockios.h`.
struct SetFlags(Interface);

// SAFETY: the command reads one `struct ifreq`, which `Interface` is, and writes nothing.
unsafe impl Ioctl for SetFlags {
    type Output = ();
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        const SIOCSIFFLAGS: Opcode = 0x8914;
        SIOCSIFFLAGS
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Brings the loopback interface up, which the kernel leaves down.
pub fn loopback_up() -> io::Result<()> {
    const UP: i16 = 1;
    let mut name = [0; 16];
    name[..2].copy_from_slice(b"lo");
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: `socket` is a socket, whose command this is, and it upholds its contract as said above.
    unsafe { ioctl(&socket, SetFlags(Interface { name, flags: UP, rest: [0; 22] }))? };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_entropy_than_fits_is_refused_before_the_kernel_sees_it() {
        let error = add_entropy(&[0; ENTROPY_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
