//! A service that plays answers: for what no mock of AWS does, as an account with very many jobs, or one that expires.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `METHOD PATH?QUERY`.
    pub line: String,
    pub authorization: String,
    /// What is no JSON is its text.
    pub body: Value,
}

/// What is answered.
pub enum Answer {
    Json(Value),
    /// As it is, with further headers that each end their line.
    Text(String, &'static str),
    Refusal(u16, &'static str, &'static str),
    /// With a body as it is, as of services that do not speak JSON.
    RefusedAs(u16, String),
    /// Nothing, and the connection stays open.
    Silence,
}

/// A server on a loopback port of its own. It lives as long as the tests' process.
pub struct Played {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Played {
    pub fn new(play: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (play, kept) = (Arc::new(play), Arc::clone(&asked));
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let (play, kept) = (Arc::clone(&play), Arc::clone(&kept));
                std::thread::spawn(move || serve(&caller, play.as_ref(), &kept));
            }
        });
        Self { address, asked }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the lock is sound").clone()
    }
}

/// Answers one request after the other until the caller has had enough.
fn serve(caller: &TcpStream, play: &dyn Fn(&Asked) -> Answer, kept: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(caller);
    while let Some(Heard { asked, .. }) = request(&mut reader) {
        let answer = play(&asked);
        kept.lock().expect("the lock is sound").push(asked);
        let (status, headers, body) = match answer {
            Answer::Json(body) => (200, "content-type: application/json\r\n".to_owned(), body.to_string()),
            Answer::Text(body, headers) => (200, headers.to_owned(), body),
            Answer::Refusal(status, code, message) => (
                status,
                format!("content-type: application/json\r\nx-amzn-errortype: {code}\r\n"),
                serde_json::json!({ "message": message }).to_string(),
            ),
            Answer::RefusedAs(status, body) => (status, String::new(), body),
            Answer::Silence => continue,
        };
        let head = format!("HTTP/1.1 {status} Played\r\n{headers}content-length: {}\r\n\r\n", body.len());
        let mut writer = caller;
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// A request as it came.
pub struct Heard {
    pub asked: Asked,
    /// Its line and headers with their line ends, and the empty line after them.
    pub head: String,
    pub body: Vec<u8>,
}

/// Reads one request; `None` when there are no more.
pub fn request(reader: &mut BufReader<&TcpStream>) -> Option<Heard> {
    let mut head = String::new();
    reader.read_line(&mut head).ok().filter(|count| *count > 0)?;
    let line = head.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
        head.push_str(&header);
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let told = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
    let asked = Asked { line, authorization, body: told };
    Some(Heard { asked, head, body })
}
