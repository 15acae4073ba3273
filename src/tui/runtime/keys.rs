//! What comes from the terminal: keys, pastes, the mouse and new sizes.
//!
//! Nothing reads the terminal in the background: while it is lent to another program, every key is that program's.

use crossterm::event::{self, Event};
use rustix::fd::OwnedFd;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// With no time at all the reader would not look.
const AT_ONCE: Duration = Duration::from_micros(50);

pub(super) struct Keys {
    terminal: AsyncFd<OwnedFd>,
    resized: Signal,
    /// What came before it was opened is there already, and wakes nobody.
    is_new: bool,
}

impl Keys {
    /// On the terminal that the reader of events reads: standard input, or the process's own where that is none.
    #[expect(
        deprecated,
        reason = "unsound for types that change their descriptor, which OwnedFd never does; the rest is unsafe"
    )]
    pub(super) fn open() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        // The reader hears of new sizes from its first look on.
        event::poll(AT_ONCE)?;
        let input = io::stdin();
        let terminal =
            if input.is_terminal() { input.as_fd().try_clone_to_owned()? } else { File::open("/dev/tty")?.into() };
        Ok(Self { terminal: AsyncFd::with_interest(terminal, Interest::READABLE)?, resized, is_new: true })
    }

    /// Waits until something may be there. What was waited for is not lost when the wait is given up.
    pub(super) async fn came(&mut self) -> io::Result<()> {
        if self.is_new {
            self.is_new = false;
            return Ok(());
        }
        tokio::select! {
            ready = self.terminal.readable() => ready?.clear_ready(),
            _ = self.resized.recv() => {}
        }
        Ok(())
    }

    /// What is there already.
    pub(super) fn take() -> io::Result<Option<Event>> {
        if event::poll(AT_ONCE)? { event::read().map(Some) } else { Ok(None) }
    }
}
