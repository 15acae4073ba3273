//! A gate in front of a server: shut, nothing answers at its address; open again, all is as it was.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A loopback port whose connections are handed on to a server.
pub struct Gate {
    address: SocketAddr,
    server: SocketAddr,
    open: Option<Open>,
}

struct Open {
    shut: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// An open gate to the server at `http://ADDRESS`.
    pub fn to(endpoint: &str) -> Self {
        let server = endpoint.trim_start_matches("http://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        Self { address, server, open: Some(Open::at(listener, server)) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn shut(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.shut.store(true, Ordering::SeqCst);
        // It waits for a connection: this is the last one.
        let _ = TcpStream::connect(self.address);
        open.accepting.join().expect("the gate closes");
        for connection in open.connections.lock().expect("the lock is sound").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub fn open(&mut self) {
        let listener = TcpListener::bind(self.address).expect("its port is free");
        self.open = Some(Open::at(listener, self.server));
    }
}

impl Open {
    fn at(listener: TcpListener, server: SocketAddr) -> Self {
        let (shut, connections) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (told, held) = (Arc::clone(&shut), Arc::clone(&connections));
        let accepting = std::thread::spawn(move || {
            for caller in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(caller) = caller else { continue };
                if let Ok(both) = hand_on(&caller, server) {
                    held.lock().expect("the lock is sound").extend(both);
                }
            }
        });
        Self { shut, connections, accepting }
    }
}

/// Copies both ways until one side ends, and answers both sides.
fn hand_on(caller: &TcpStream, server: SocketAddr) -> io::Result<[TcpStream; 2]> {
    let server = TcpStream::connect(server)?;
    for (from, to) in [(caller, &server), (&server, caller)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok([caller.try_clone()?, server])
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shut();
    }
}
