//! A processor and its thread: it runs the guest, hands what comes out of it to the bus, and between two instructions takes
//! orders. It keeps no state that the machine could not ask for.
use super::{
    state::VcpuState,
    thread::{self, Ending},
};
use crate::{
    bus::{Bus, End},
    jail::filters,
    lock::lock,
};
use kvm_ioctls::{VcpuExit, VcpuFd};
use std::{
    io,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use vmm_sys_util::signal::{Killable, SIGRTMIN, register_signal_handler};

/// What a processor is told.
enum Order {
    Run,
    Pause,
    Save(Vec<u32>),
    Stop,
}

/// What it answers.
enum Answer {
    Done,
    Saved(Box<VcpuState>),
    Failed(kvm_ioctls::Error),
}

/// The hold that a machine has on a processor.
pub(super) struct Vcpu {
    orders: Sender<Order>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

/// Why a processor did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum VcpuError {
    /// Its thread is gone: the guest ended.
    #[error("the guest has ended")]
    Gone,
    /// It did not come out of the guest.
    #[error("a processor did not stop within {} s", PATIENCE.as_secs())]
    Stuck,
    /// KVM refused.
    #[error("KVM refused the state of a processor")]
    Kvm(#[from] kvm_ioctls::Error),
    /// There is no thread.
    #[error("cannot start the thread of a processor")]
    Thread(#[from] io::Error),
}

/// When the first instruction ran.
pub(super) type FirstRun = Arc<Mutex<Option<Instant>>>;

/// A signal that comes while a processor is about to enter the guest is lost, so it is sent again this often …
const AGAIN: Duration = Duration::from_millis(2);
/// … but not for ever: entering and leaving takes microseconds, on the slowest machine milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the signal that calls processors out of the guest do nothing else.
pub(crate) fn prepare() -> io::Result<()> {
    extern "C" fn nothing(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}
    register_signal_handler(SIGRTMIN(), nothing).map_err(|error| io::Error::from_raw_os_error(error.errno()))
}

impl Vcpu {
    /// Starts the thread of a processor, which waits for orders.
    pub(super) fn start(
        fd: VcpuFd,
        id: u8,
        bus: Arc<Bus>,
        ending: Ending,
        first: FirstRun,
        filter: filters::Program,
    ) -> Result<Vcpu, VcpuError> {
        let ((orders, taken), (given, answers)) = (channel(), channel());
        let mut worker = Worker { fd, bus, ending: ending.clone(), first, orders: taken, answers: given };
        let thread = thread::start(format!("vcpu{id}"), filter, ending, move || worker.work())?;
        Ok(Vcpu { orders, answers, thread: Some(thread) })
    }

    pub(super) fn run(&self) -> Result<(), VcpuError> {
        self.order(Order::Run).map(|_| ())
    }

    pub(super) fn pause(&self) -> Result<(), VcpuError> {
        self.order(Order::Pause).map(|_| ())
    }

    pub(super) fn save(&self, registers: Vec<u32>) -> Result<VcpuState, VcpuError> {
        match self.order(Order::Save(registers))? {
            Answer::Saved(state) => Ok(*state),
            Answer::Done | Answer::Failed(_) => Err(VcpuError::Gone),
        }
    }

    fn order(&self, order: Order) -> Result<Answer, VcpuError> {
        self.orders.send(order).map_err(|_| VcpuError::Gone)?;
        let thread = self.thread.as_ref().ok_or(VcpuError::Gone)?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // A thread that has ended cannot be called; its channel says so below.
            let _ = thread.kill(SIGRTMIN());
            match self.answers.recv_timeout(AGAIN) {
                Ok(Answer::Failed(error)) => return Err(error.into()),
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(VcpuError::Gone),
            }
        }
        Err(VcpuError::Stuck)
    }
}

impl Drop for Vcpu {
    fn drop(&mut self) {
        // A thread that is gone has ended already; one that is stuck must not keep the process.
        let ended = matches!(self.order(Order::Stop), Ok(_) | Err(VcpuError::Gone));
        if let Some(thread) = self.thread.take().filter(|_| ended) {
            let _ = thread.join();
        }
    }
}

struct Worker {
    fd: VcpuFd,
    bus: Arc<Bus>,
    ending: Ending,
    first: FirstRun,
    orders: Receiver<Order>,
    answers: Sender<Answer>,
}

impl Worker {
    fn work(&mut self) {
        let mut running = false;
        loop {
            let order = if running { self.orders.try_recv().ok() } else { self.orders.recv().ok() };
            match order {
                None if running => {}
                // The machine is gone.
                None => return,
                Some(Order::Stop) => {
                    let _ = self.answers.send(Answer::Done);
                    return;
                }
                Some(Order::Run) => {
                    lock(&self.first).get_or_insert_with(Instant::now);
                    running = true;
                    let _ = self.answers.send(Answer::Done);
                }
                Some(Order::Pause) => {
                    self.settle();
                    running = false;
                    let _ = self.answers.send(Answer::Done);
                }
                Some(Order::Save(registers)) => {
                    let saved = VcpuState::save(&self.fd, &registers);
                    let _ = self
                        .answers
                        .send(saved.map_or_else(Answer::Failed, |state| Answer::Saved(Box::new(state))));
                }
            }
            if running && let Some(end) = self.step() {
                self.ending.set(end);
                return;
            }
        }
    }

    /// Lets KVM finish the access that it handed out last, so that what is saved is between two instructions.
    fn settle(&mut self) {
        self.fd.set_kvm_immediate_exit(1);
        let _ = self.fd.run();
        self.fd.set_kvm_immediate_exit(0);
    }

    /// Runs the guest until something comes out of it. Returns how it ended, if it did.
    fn step(&mut self) -> Option<End> {
        match self.fd.run() {
            Ok(VcpuExit::IoOut(port, bytes)) => self.bus.port_out(port, bytes),
            Ok(VcpuExit::IoIn(port, bytes)) => {
                self.bus.port_in(port, bytes);
                None
            }
            Ok(VcpuExit::MmioRead(address, bytes)) => {
                self.bus.mmio_read(address, bytes);
                None
            }
            Ok(VcpuExit::MmioWrite(address, bytes)) => {
                self.bus.mmio_write(address, bytes);
                None
            }
            Ok(VcpuExit::Intr) => None,
            Ok(VcpuExit::Shutdown) => Some(End::Crashed("triple fault".to_owned())),
            Ok(VcpuExit::Hlt) => Some(End::Crashed("halted for good".to_owned())),
            Ok(other) => Some(End::Crashed(format!("KVM cannot run it: {other:?}"))),
            // A signal of ours, or a processor that has not been woken yet.
            Err(error) if [libc::EINTR, libc::EAGAIN].contains(&error.errno()) => None,
            Err(error) => Some(End::Crashed(format!("KVM failed: {error}"))),
        }
    }
}
