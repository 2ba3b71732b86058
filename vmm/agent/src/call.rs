//! A command that runs, or ended and was not forgotten. Its output waits in two rings; one reader at a time takes it, and a
//! reader that was lost can be followed by another. It never waits for processes that the command left behind.
use crate::{hands::Hands, launch::resize, reaper::Child, ring::Ring, sessions::signal_group};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitStatus},
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};
use wire::{
    CHUNK_BYTES_MAX, CallId, Data, Ending, ExecCommand, Exit, GuestFrame, SessionId, Size, Stream,
    StreamOutput,
};

/// A command's streams, as this side has them.
#[derive(Debug)]
pub struct Pipes {
    /// Takes its input.
    pub input: Option<File>,
    /// Brings its output.
    pub out: File,
    /// Brings its error output, where that is another stream.
    pub err: Option<File>,
    /// Its terminal.
    pub terminal: Option<File>,
}

/// A command.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub id: CallId,
    /// The session it belongs to.
    pub session: SessionId,
    /// Its process, and its process group.
    pub pid: Pid,
    /// The process itself, whatever its number means later.
    process: OwnedFd,
    input: Mutex<Option<File>>,
    terminal: Option<File>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    out: Ring,
    err: Ring,
    /// Streams that may still bring something.
    open: u8,
    ending: Option<(Ending, Duration)>,
    is_late: bool,
    /// Which reader may take output: the last one that came.
    reader: u64,
    is_seen: bool,
}

/// The right to take a call's output, until another reader comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderId(u64);

/// What a reader gets.
#[derive(Debug)]
pub enum Next {
    /// A frame. Once it is sent, the reader says so.
    Frame(GuestFrame),
    /// Another reader came.
    Replaced,
}

impl Call {
    /// Follows a child that was just started.
    pub(crate) fn follow(
        wanted: &ExecCommand,
        child: Child,
        pipes: Pipes,
        hands: &Arc<Hands>,
    ) -> io::Result<Arc<Call>> {
        let Child { pid, pidfd, end } = child;
        let open = 1 + u8::from(pipes.err.is_some());
        let call = Arc::new(Call {
            id: wanted.call,
            session: wanted.session,
            pid,
            process: pidfd,
            input: Mutex::new(pipes.input),
            terminal: pipes.terminal,
            progress: Mutex::new(Progress { open, ..Progress::default() }),
            changed: Condvar::new(),
        });
        let started = Instant::now();
        let waiting = Arc::clone(&call);
        end.then(move |status| waiting.end(status, started.elapsed()));
        let attended = call.attend([(Stream::Out, Some(pipes.out)), (Stream::Err, pipes.err)], hands);
        let attended = attended.and_then(|()| match wanted.millis_max {
            Some(millis) => {
                let timed = Arc::clone(&call);
                hands.give(move || timed.end_after(Duration::from_millis(millis)))
            }
            None => Ok(()),
        });
        if attended.is_err() {
            // Nobody would ever read what it prints.
            call.signal(Signal::KILL);
        }
        attended.map(|()| call)
    }

    /// Has each of its streams read.
    fn attend(self: &Arc<Self>, streams: [(Stream, Option<File>); 2], hands: &Arc<Hands>) -> io::Result<()> {
        for (stream, file) in streams.into_iter().filter_map(|(stream, file)| Some((stream, file?))) {
            let (call, process) = (Arc::clone(self), self.process.try_clone()?);
            hands.give(move || call.collect(stream, file, &process))?;
        }
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().expect("nobody panics with a call")
    }

    /// Waits until the condition no longer holds.
    fn wait_while(&self, condition: impl Fn(&Progress) -> bool) -> MutexGuard<'_, Progress> {
        let progress = self.progress();
        self.changed.wait_while(progress, |progress| condition(progress)).expect("nobody panics with a call")
    }

    /// Reads a stream until its end, or until the command ended and nothing more is in it.
    fn collect(&self, stream: Stream, mut file: File, process: &OwnedFd) {
        let mut buffer = vec![0; CHUNK_BYTES_MAX];
        loop {
            // A reader that is behind holds up the command here, and nobody else.
            let room = self.wait_while(|progress| progress.ring(stream).room() == 0).ring(stream).room();
            let ready = wait_for_bytes(&file, process);
            let len = match ready.and_then(|ready| {
                if ready { file.read(&mut buffer[..room.min(CHUNK_BYTES_MAX)]) } else { Ok(0) }
            }) {
                // A terminal whose other side is closed says so by failing.
                Ok(0) | Err(_) => break,
                Ok(len) => len,
            };
            self.progress().ring_mut(stream).append(&buffer[..len]);
            self.changed.notify_all();
        }
        self.progress().open -= 1;
        self.changed.notify_all();
    }

    fn end(&self, status: WaitStatus, after: Duration) {
        let code = |code: i32| u8::try_from(code).unwrap_or(u8::MAX);
        let mut progress = self.progress();
        let how = match (progress.is_late, status.exit_status(), status.terminating_signal()) {
            (true, _, _) => Ending::TimedOut(()),
            (false, Some(status), _) => Ending::Status(code(status)),
            (false, None, signal) => Ending::Signal(code(signal.unwrap_or(0))),
        };
        progress.ending = Some((how, after));
        drop(progress);
        *self.input.lock().expect("nobody panics with a call's input") = None;
        self.changed.notify_all();
    }

    fn end_after(&self, limit: Duration) {
        let progress = self.progress();
        let is_running = |progress: &mut Progress| progress.ending.is_none();
        let (mut progress, waited) =
            self.changed.wait_timeout_while(progress, limit, is_running).expect("nobody panics with a call");
        if waited.timed_out() {
            progress.is_late = true;
            drop(progress);
            self.signal(Signal::KILL);
        }
    }

    /// Signals its process group, if it has not ended.
    pub fn signal(&self, signal: Signal) {
        // Under the lock: an ended process may have given its number to another.
        let progress = self.progress();
        if progress.ending.is_none() {
            signal_group(self.pid, &self.process, signal);
        }
    }

    /// Tells its terminal a size, if it has one.
    pub fn resize(&self, size: &Size) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), |terminal| resize(terminal, size))
    }

    /// Gives it input, and waits until it took it. What comes after its end is dropped.
    pub fn input(&self, bytes: &[u8]) {
        let file = self
            .input
            .lock()
            .expect("nobody panics with a call's input")
            .as_ref()
            .and_then(|file| file.try_clone().ok());
        if let Some(mut file) = file {
            // A command that closed its input does not want it.
            let _unwanted = file.write_all(bytes);
        }
    }

    /// Ends its input. A terminal gets the character that means so.
    pub fn end_input(&self) {
        if self.terminal.is_some() {
            const END_OF_TRANSMISSION: &[u8] = &[4];
            self.input(END_OF_TRANSMISSION);
        } else {
            *self.input.lock().expect("nobody panics with a call's input") = None;
        }
    }

    /// Makes the caller the one reader, from these offsets on.
    pub fn read_from(&self, out: u64, err: u64) -> ReaderId {
        let mut progress = self.progress();
        progress.out.resume_from(out);
        progress.err.resume_from(err);
        progress.reader += 1;
        let reader = ReaderId(progress.reader);
        drop(progress);
        self.changed.notify_all();
        reader
    }

    /// Gives up reading: the command goes on without a reader.
    pub fn leave(&self, reader: ReaderId) {
        let mut progress = self.progress();
        if progress.reader == reader.0 {
            progress.reader += 1;
        }
        drop(progress);
        self.changed.notify_all();
    }

    /// Waits for the next frame: output, or at last how it ended.
    pub fn next(&self, reader: ReaderId) -> Next {
        let progress = self.wait_while(|progress| {
            progress.reader == reader.0
                && progress.out.unsent(1).is_none()
                && progress.err.unsent(1).is_none()
                && !progress.is_over()
        });
        if progress.reader != reader.0 {
            return Next::Replaced;
        }
        for stream in [Stream::Out, Stream::Err] {
            if let Some((offset, bytes)) = progress.ring(stream).unsent(CHUNK_BYTES_MAX) {
                let data = Data::new(bytes).expect("no more was asked for");
                return Next::Frame(GuestFrame::Output(StreamOutput { stream, offset, data }));
            }
        }
        let (how, after) = progress.ending.clone().expect("nothing is unsent, so it is over");
        Next::Frame(GuestFrame::Exited(Exit {
            call: self.id,
            how,
            nanos: u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
            out_bytes: progress.out.end(),
            err_bytes: progress.err.end(),
        }))
    }

    /// Notes that a frame was sent.
    pub fn mark_sent(&self, reader: ReaderId, frame: &GuestFrame) {
        let mut progress = self.progress();
        if progress.reader != reader.0 {
            return;
        }
        if let GuestFrame::Output(output) = frame {
            progress.ring_mut(output.stream).mark_sent(output.data.as_bytes().len());
        } else {
            progress.is_seen = true;
        }
        drop(progress);
        self.changed.notify_all();
    }

    /// Says whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.progress().ending.is_none()
    }

    /// Says whether its end was sent to a reader.
    pub fn is_seen(&self) -> bool {
        self.progress().is_seen
    }
}

impl Progress {
    fn ring(&self, stream: Stream) -> &Ring {
        match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        }
    }

    fn ring_mut(&mut self, stream: Stream) -> &mut Ring {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    fn is_over(&self) -> bool {
        self.open == 0 && self.ending.is_some()
    }
}

/// Waits until there are bytes, or an end, to read; returns false when the process ended and there are none.
fn wait_for_bytes(file: &File, process: &OwnedFd) -> io::Result<bool> {
    let interesting = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
    let mut both = [PollFd::new(file, PollFlags::IN), PollFd::new(process, PollFlags::IN)];
    loop {
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) => break,
            Err(error) => return Err(error.into()),
        };
    }
    if both[0].revents().intersects(interesting) {
        return Ok(true);
    }
    // The process ended after the stream was looked at, perhaps with a last word in between.
    let mut once_more = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut once_more, Some(&at_once))?;
    Ok(once_more[0].revents().intersects(interesting))
}
