//! Processes that sign at the same time, each with a module and a login of its own: this program, started again.

use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cryptoki::session::UserType;
use cryptoki::types::AuthPin;

use crate::setup::load;
use crate::side::{Token, client};
use crate::{PIN, PROCESSES, Row};

/// One of them. It signs for a slice when it gets a line, says its rate in one, and ends with its input.
struct Client {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

/// All of them.
pub(crate) struct Clients(Vec<Client>);

impl Clients {
    /// Starts one after the other: SoftHSM2, loaded by several at once, now and then has a token under another slot's id.
    pub(crate) fn start(token: &Token) -> Self {
        let start = |_| {
            let mut command = Command::new("/proc/self/exe");
            let library = &token.library;
            command.arg("--client").arg(&library.path).arg(token.slot.id().to_string());
            command.env(library.place.0, &library.place.1).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = command.spawn().unwrap();
            let (input, output) = (process.stdin.take(), process.stdout.take().unwrap());
            let mut client = Client { process, input, output: BufReader::new(output).lines() };
            assert_eq!(client.line(), "ready");
            client
        };
        Self((0..PROCESSES).map(start).collect())
    }

    /// Operations a second in a slice, of all together.
    pub(crate) fn measure(&mut self) -> f64 {
        self.0.iter_mut().for_each(|client| client.input.as_mut().unwrap().write_all(b"\n").unwrap());
        self.0.iter_mut().map(|client| client.line().parse::<f64>().unwrap()).sum()
    }
}

impl Client {
    fn line(&mut self) -> String {
        self.output.next().unwrap().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}

/// What such a process does.
pub(crate) fn sign(library: &Path, slot: &str) {
    let module = load(library);
    let slots = module.get_slots_with_token().unwrap();
    let found = slots.iter().find(|found| found.id().to_string() == slot);
    let slot = *found.unwrap_or_else(|| panic!("no slot {slot} in {}: {slots:?}", library.display()));
    let session = module.open_ro_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
    println!("ready");
    for _ in stdin().lines().map_while(Result::ok) {
        println!("{}", client(Row::P256, &session, None));
    }
}
