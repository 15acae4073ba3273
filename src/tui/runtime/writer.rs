//! Frames on their way to the terminal.

use std::io::{self, Write};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Writes frames on a thread of its own: a slow line holds up no key, and the frame that follows is the newest.
pub(super) struct Writer {
    frames: std::sync::mpsc::Sender<Vec<u8>>,
    pub(super) written: UnboundedReceiver<io::Result<()>>,
}

impl Writer {
    pub(super) fn start() -> Self {
        let (frames, to_write) = std::sync::mpsc::channel::<Vec<u8>>();
        let (done, written) = unbounded_channel();
        std::thread::spawn(move || {
            for frame in to_write {
                let mut out = io::stdout().lock();
                let result = out.write_all(&frame).and_then(|()| out.flush());
                if done.send(result).is_err() {
                    return;
                }
            }
        });
        Self { frames, written }
    }

    pub(super) fn write(&self, frame: Vec<u8>) -> bool {
        self.frames.send(frame).is_ok()
    }
}
