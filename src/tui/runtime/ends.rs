//! What ends the console from outside: signals, a terminal that hangs up, a panic.

use crate::tui::terminal::restore;
use futures::FutureExt;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

/// The signals that would end or stop the process with the terminal as it is.
pub(super) struct Signals {
    pub(super) ends: [Signal; 4],
    pub(super) resumed: Signal,
}

impl Signals {
    pub(super) fn watch() -> io::Result<Self> {
        let ends = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::quit())?,
        ];
        let resumed = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
        Ok(Self { ends, resumed })
    }

    /// Forgets what ctrl-c and ctrl-\ in another program have said to this one too.
    pub(super) fn forget_keys(&mut self) {
        for signal in &mut self.ends[2..] {
            while signal.recv().now_or_never().is_some() {}
        }
    }

    pub(super) async fn end(ends: &mut [Signal; 4]) {
        Self::which(ends).await;
    }

    /// Which of them comes first, by its place.
    pub(super) async fn which(ends: &mut [Signal; 4]) -> usize {
        futures::future::select_all(ends.iter_mut().map(|signal| Box::pin(signal.recv()))).await.1
    }

    /// The place of the one that ctrl-c sends.
    pub(super) const INTERRUPT: usize = 2;
}

pub(super) fn is_hangup(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected)
        || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// Resolves when standard input or output is hung up. The reader of keys would spin then: a read gives nothing.
pub(super) fn watch_hangup() -> tokio::sync::oneshot::Receiver<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let (gone, is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let (input, output) = (io::stdin(), io::stdout());
        loop {
            // Only hang-up and error are reported when nothing is asked for: this sleeps until then.
            let mut watched = [PollFd::new(&input, PollFlags::empty()), PollFd::new(&output, PollFlags::empty())];
            match poll(&mut watched, None) {
                Ok(_) if watched.iter().any(|fd| !fd.revents().is_empty()) => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                // It cannot be watched: the reader of keys and the writer tell of the end as far as they can.
                Err(_) => return,
            }
        }
        let _ = gone.send(());
    });
    is_gone
}

/// While it lives, a panic gives the terminal back before it is told, and ends the console.
pub(super) struct PanicHook;

impl PanicHook {
    pub(super) fn set(panicked: UnboundedSender<()>) -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
            let _ = panicked.send(());
        }));
        Self
    }
}
