//! A moto server: the mock of AWS from `PyPI` (`moto[server]`), on a loopback port of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long the server may take to answer for the first time; Python reads much from the disk.
const START: Duration = Duration::from_mins(1);

/// Where things are unless something else is said.
pub const REGION: &str = "eu-west-1";

/// A running server; dropping it ends its process.
pub struct Moto {
    process: Child,
    address: SocketAddr,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    /// Starts one. `None` where there is no moto on this machine, which is a failure where `CI` is set.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            let told = "the AWS part could not be set up: no `moto_server` on PATH; install it with \
                        `pip install 'moto[server]'`, or set BATCHDECK_TEST_MOTO to its path";
            assert!(std::env::var_os("CI").is_none(), "{told}");
            say(told);
            return None;
        };
        let mut process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let output = process.stderr.take().expect("is piped");
        let (tell, told) = mpsc::channel();
        // It reads to the end: the server must never wait for room in the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    let _ = tell.send(address.trim().to_owned());
                }
            }
        });
        let address = match told.recv_timeout(START) {
            Ok(address) => address.parse().expect("an address"),
            Err(error) => {
                let _ = process.kill();
                panic!("{} named no port within {} s: {error}", program.display(), START.as_secs());
            }
        };
        let moto = Self { process, address };
        moto.wait_until_it_answers();
        Some(moto)
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Jobs succeed at once without Docker; with it, a job that waits for another one waits.
    pub fn use_docker(&self, yes: bool) {
        self.request("POST", "/moto-api/config", "moto", &format!(r#"{{"batch":{{"use_docker":{yes}}}}}"#));
    }

    /// Makes a role and answers its ARN.
    pub fn create_role(&self, name: &str) -> String {
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        let form = format!("Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={policy}");
        between(&self.request("POST", "/", "iam", &form), "<Arn>", "</Arn>")
    }

    /// A subnet and a security group of the account's own network in a region.
    pub fn network(&self, region: &str) -> (String, String) {
        let scope = format!("{region}/ec2");
        let ask = |action: &str| self.request("POST", "/", &scope, &format!("Action={action}&Version=2016-11-15"));
        (
            between(&ask("DescribeSubnets"), "<subnetId>", "</subnetId>"),
            between(&ask("DescribeSecurityGroups"), "<groupId>", "</groupId>"),
        )
    }

    /// A host of EC2, by its id.
    pub fn run_instance(&self, instance_type: &str) -> String {
        let form = format!(
            "Action=RunInstances&Version=2016-11-15&ImageId=ami-03cf127a&MinCount=1&MaxCount=1&InstanceType={instance_type}"
        );
        between(&self.request("POST", "/", "ec2", &form), "<instanceId>", "</instanceId>")
    }

    /// An operation of one of AWS's JSON protocols.
    pub fn json(&self, service: &str, target: &str, body: &serde_json::Value) -> String {
        let head = format!("X-Amz-Target: {target}\r\n");
        let answer = self.send("POST", "/", service, &head, &body.to_string()).expect("moto answers");
        assert!(answer.starts_with("HTTP/1.1 2"), "{target} {body}: {answer}");
        answer
    }

    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + START;
        while self.try_request("GET", "/moto-api/", "moto", "").is_err() {
            assert!(Instant::now() < deadline, "moto at {} does not answer", self.address);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn request(&self, method: &str, path: &str, service: &str, body: &str) -> String {
        let answer = self.try_request(method, path, service, body).expect("moto answers");
        assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path} {body}: {answer}");
        answer
    }

    /// moto finds the service, and before a `/` the region, by the scope of the signature, and does not check the signature
    /// itself.
    fn try_request(&self, method: &str, path: &str, service: &str, body: &str) -> std::io::Result<String> {
        self.send(method, path, service, "Content-Type: application/x-www-form-urlencoded\r\n", body)
    }

    fn send(&self, method: &str, path: &str, service: &str, head: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        let (region, service) = service.split_once('/').unwrap_or((REGION, service));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             {head}Content-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests should see what was left out")]
fn say(told: &str) {
    eprintln!("{told}");
}

fn program() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("BATCHDECK_TEST_MOTO") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("moto_server")).find(|program| program.is_file())
}

fn between(text: &str, start: &str, end: &str) -> String {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len();
    let to = text[from..].find(end).unwrap_or_else(|| panic!("no {end} in {text}"));
    text[from..from + to].to_owned()
}
