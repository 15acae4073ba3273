//! A gate in front of a server: each call passes through it as it is, or meets a fault on its way. Shut, nothing answers
//! at its address; open again, all is as it was.

use super::played::{Heard, request};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a call meets.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The server never hears of it: this is answered, with these headers besides.
    Refusal { status: u16, code: &'static str, message: &'static str, headers: String },
    /// The server never hears of it, and no answer comes.
    Hung,
    /// The server never hears of it: the connection is reset.
    Reset,
    /// The server does it, and no answer comes.
    Unheard,
    /// The server does it, and the connection is reset in place of an answer.
    ResetAfter,
    /// The server does it, and the body of its answer ends half way.
    Truncated,
    /// The server does it, and the answer comes so late.
    Late(Duration),
}

/// A loopback port whose calls are handed on to a server.
pub struct Gate {
    address: SocketAddr,
    server: SocketAddr,
    way: Arc<Mutex<Way>>,
    open: Option<Open>,
}

/// What lies on the way.
#[derive(Default)]
struct Way {
    /// What a call whose line contains this meets, and how many more do.
    faults: Vec<(&'static str, usize, Fault)>,
    /// The lines of the calls that the server has carried out.
    done: Vec<String>,
}

struct Open {
    shut: Arc<AtomicBool>,
    callers: Arc<Mutex<Vec<Weak<TcpStream>>>>,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// An open gate to the server at `http://ADDRESS`.
    pub fn to(endpoint: &str) -> Self {
        let server = endpoint.trim_start_matches("http://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let way = Arc::<Mutex<Way>>::default();
        let open = Open::at(listener, server, Arc::clone(&way));
        Self { address, server, way, open: Some(open) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `times` calls whose line contains `call` meet this.
    pub fn meet(&self, call: &'static str, times: usize, fault: Fault) {
        self.way.lock().expect("the lock is sound").faults.push((call, times, fault));
    }

    /// Nothing lies on the way any more.
    pub fn mend(&self) {
        self.way.lock().expect("the lock is sound").faults.clear();
    }

    /// How many calls whose line contains `call` the server has carried out.
    pub fn done(&self, call: &str) -> usize {
        self.way.lock().expect("the lock is sound").done.iter().filter(|line| line.contains(call)).count()
    }

    pub fn shut(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.shut.store(true, Ordering::SeqCst);
        // It waits for a connection: this is the last one.
        let _ = TcpStream::connect(self.address);
        open.accepting.join().expect("the gate closes");
        for caller in open.callers.lock().expect("the lock is sound").drain(..).filter_map(|caller| caller.upgrade()) {
            let _ = caller.shutdown(Shutdown::Both);
        }
    }

    pub fn open(&mut self) {
        let listener = TcpListener::bind(self.address).expect("its port is free");
        self.open = Some(Open::at(listener, self.server, Arc::clone(&self.way)));
    }
}

impl Open {
    fn at(listener: TcpListener, server: SocketAddr, way: Arc<Mutex<Way>>) -> Self {
        let (shut, callers) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<Weak<TcpStream>>>>::default());
        let (told, held) = (Arc::clone(&shut), Arc::clone(&callers));
        let accepting = std::thread::spawn(move || {
            for caller in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(caller) = caller.map(Arc::new) else { continue };
                let mut held = held.lock().expect("the lock is sound");
                held.retain(|caller| caller.strong_count() > 0);
                held.push(Arc::downgrade(&caller));
                let way = Arc::clone(&way);
                std::thread::spawn(move || serve(&caller, server, &way));
            }
        });
        Self { shut, callers, accepting }
    }
}

/// Hands one call after the other on, until the caller has had enough or a fault ends the connection.
fn serve(caller: &TcpStream, server: SocketAddr, way: &Mutex<Way>) {
    let mut reader = BufReader::new(caller);
    while let Some(call) = request(&mut reader) {
        let fault = way.lock().expect("the lock is sound").take(&call.asked.line);
        let answer = match &fault {
            Some(Fault::Refusal { .. } | Fault::Hung | Fault::Reset) => Ok(Vec::new()),
            _ => hand_on(&call, server),
        };
        let Ok(answer) = answer else { return };
        if answer.starts_with(b"HTTP/1.1 2") {
            way.lock().expect("the lock is sound").done.push(call.asked.line.clone());
        }
        let mut writer = caller;
        let goes_on = match fault {
            None => writer.write_all(&answer).is_ok() && !says_close(&answer),
            Some(Fault::Refusal { status, code, message, headers }) => {
                let body = serde_json::json!({ "message": message }).to_string();
                let head = format!(
                    "HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\nx-amzn-errortype: {code}\r\n\
                     {headers}content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                writer.write_all(head.as_bytes()).is_ok()
            }
            // Until the caller gives up.
            Some(Fault::Hung | Fault::Unheard) => reader.read(&mut [0]).is_err(),
            Some(Fault::Reset | Fault::ResetAfter) => {
                let _ = set_socket_linger(caller, Some(Duration::ZERO));
                false
            }
            Some(Fault::Truncated) => {
                let head = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4);
                let _ = writer.write_all(&answer[..head + (answer.len() - head) / 2]);
                false
            }
            Some(Fault::Late(by)) => {
                std::thread::sleep(by);
                writer.write_all(&answer).is_ok() && !says_close(&answer)
            }
        };
        if !goes_on {
            return;
        }
    }
}

impl Way {
    fn take(&mut self, line: &str) -> Option<Fault> {
        let (_, left, fault) = self.faults.iter_mut().find(|(call, left, _)| *left > 0 && line.contains(call))?;
        *left = left.saturating_sub(1);
        Some(fault.clone())
    }
}

/// What the server answers, to the end of its connection.
fn hand_on(call: &Heard, server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(server)?;
    // A header that is not signed: the whole answer is what comes until the end.
    let (line, headers) = call.head.split_once("\r\n").unwrap_or((&call.head, ""));
    server.write_all(format!("{line}\r\nconnection: close\r\n{headers}").as_bytes())?;
    server.write_all(&call.body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

fn says_close(answer: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&answer[..answer.len().min(2_000)]).to_ascii_lowercase();
    head.split("\r\n\r\n").next().is_some_and(|head| head.contains("connection: close"))
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shut();
    }
}
