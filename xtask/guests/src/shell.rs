//! A terminal in a guest: ours is passed through byte by byte, and comes back as it was.
use crate::{
    Fallible,
    commands::{exit_code, plain, session},
    failed,
};
use guest::{Conversation, Input};
use rustix::{
    stdio::stdin,
    termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr},
};
use std::{
    io::{self, Read, Write},
    process::ExitCode,
    thread,
};
use wire::{Arguments, Data, HostFrame, Program, SessionId, Size};

/// As much as a person types or pastes at once.
const TYPED_BYTES_MAX: usize = 4096;

/// Puts the terminal back when it goes.
struct Raw(Termios);

impl Drop for Raw {
    fn drop(&mut self) {
        let _gone = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Opens a shell until it ends.
pub(crate) fn shell(mut conversation: Conversation, in_session: SessionId) -> Fallible<ExitCode> {
    let before = tcgetattr(stdin()).map_err(failed("open a shell without a terminal"))?;
    conversation.ask(&session(in_session)).map_err(failed("open a session"))?;
    let shell = Arguments::new(["/bin/sh", "-l"]).map_err(failed("name a shell"))?;
    let mut command = plain(in_session, Program::Arguments(shell))?;
    command.terminal = Some(size());
    command.has_input = true;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(stdin(), OptionalActions::Flush, &raw).map_err(failed("take the terminal"))?;
    let restored = Raw(before);
    let input = conversation.input();
    thread::spawn(move || type_into(&input));
    let exit = conversation.exec(command, |_, bytes| {
        let mut screen = io::stdout().lock();
        // A screen that is gone ends with the shell.
        let _gone = screen.write_all(bytes).and_then(|()| screen.flush());
    });
    drop(restored);
    Ok(exit_code(&exit.map_err(failed("run the shell"))?))
}

fn size() -> Size {
    let size = tcgetwinsize(rustix::stdio::stdout());
    size.map_or(Size { rows: 24, columns: 80 }, |size| Size { rows: size.ws_row, columns: size.ws_col })
}

/// Sends what is typed, and a new size with it, until either side ends.
fn type_into(input: &Input) {
    let mut typed = [0; TYPED_BYTES_MAX];
    let mut shown = size();
    while let Ok(len @ 1..) = io::stdin().read(&mut typed) {
        let now = size();
        if now != shown && input.send(&HostFrame::Resize(now.clone())).is_err() {
            return;
        }
        shown = now;
        let data = Data::new(&typed[..len]).expect("it is less than a chunk");
        if input.send(&HostFrame::Input(data)).is_err() {
            return;
        }
    }
}
