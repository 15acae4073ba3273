//! What comes from the terminal: keys, pastes, the mouse and new sizes.
//!
//! Nothing reads the terminal in the background: while it is lent to another program, every key is that program's.

use crossterm::event::{self, Event};
use rustix::fd::OwnedFd;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// With no time at all the reader would not look.
const AT_ONCE: Duration = Duration::from_micros(50);
/// A look that took longer may have been none: the reader looks only while it has time left, and on a busy machine the
/// processor is another's for longer than that.
const NOT_LOOKED: Duration = Duration::from_micros(100);
const LOOKS: usize = 8;
/// After keys came it is looked once more: what was put aside for less is found then, and no key waits for the next one.
const ONCE_MORE: Duration = Duration::from_millis(10);

pub(super) struct Keys {
    terminal: AsyncFd<OwnedFd>,
    resized: Signal,
    /// When it is looked again. What came before it was opened is there already, and wakes nobody.
    again_at: Option<Instant>,
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
        Ok(Self {
            terminal: AsyncFd::with_interest(terminal, Interest::READABLE)?,
            resized,
            again_at: Some(Instant::now()),
        })
    }

    /// Waits until something may be there. What was waited for is not lost when the wait is given up.
    pub(super) async fn came(&mut self) -> io::Result<()> {
        let again = tokio::time::sleep_until(self.again_at.unwrap_or_else(Instant::now).into());
        tokio::select! {
            ready = self.terminal.readable() => {
                ready?.clear_ready();
                self.again_at = Some(Instant::now() + ONCE_MORE);
            }
            _ = self.resized.recv() => self.again_at = Some(Instant::now() + ONCE_MORE),
            () = again, if self.again_at.is_some() => self.again_at = None,
        }
        Ok(())
    }

    /// What is there already.
    pub(super) fn take() -> io::Result<Option<Event>> {
        if look(|| event::poll(AT_ONCE), Instant::now)? { event::read().map(Some) } else { Ok(None) }
    }
}

/// Looks until it is sure that there is nothing.
fn look(mut poll: impl FnMut() -> io::Result<bool>, mut now: impl FnMut() -> Instant) -> io::Result<bool> {
    for _ in 0..LOOKS {
        let from = now();
        if poll()? {
            return Ok(true);
        }
        if now() - from < NOT_LOOKED {
            break;
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// What is found by looks of these lengths, if something is there from the look of this number on.
    fn found(lengths: &[u64], from: usize) -> bool {
        let (clock, looks) = (Cell::new(Instant::now()), Cell::new(0));
        let poll = || {
            let number = looks.get();
            looks.set(number + 1);
            clock.set(clock.get() + Duration::from_micros(lengths[number]));
            Ok(number >= from)
        };
        look(poll, || clock.get()).expect("it looks")
    }

    #[test]
    fn a_key_does_not_wait_for_the_next_one_where_the_look_for_it_was_put_aside() {
        assert!(found(&[4_000, 60], 1), "the first look was none");
        assert!(found(&[4_000, 700, 60], 2));
        assert!(!found(&[60], 1), "a look in good time is believed");
        assert!(!found(&[900; LOOKS], LOOKS), "and on the slowest machine it ends");
    }
}
