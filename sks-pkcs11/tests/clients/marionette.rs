//! Marionette, by which Firefox lets itself be driven: JSON arrays with their length before them, on a TCP connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// A connection to Firefox.
pub(crate) struct Marionette {
    stream: TcpStream,
    calls: u32,
}

impl Marionette {
    /// Begins a session that takes any server's certificate and leaves dialogues open.
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut marionette = Self { stream, calls: 0 };
        marionette.read();
        let wanted = json!({ "acceptInsecureCerts": true, "unhandledPromptBehavior": "ignore" });
        marionette.call("WebDriver:NewSession", &wanted).unwrap();
        marionette
    }

    /// The result of a command, or the kind of its error.
    pub(crate) fn call(&mut self, command: &str, arguments: &Value) -> Result<Value, String> {
        self.calls += 1;
        let message = json!([0, self.calls, command, arguments]).to_string();
        write!(self.stream, "{}:{message}", message.len()).unwrap();
        let answer = self.read();
        assert_eq!(answer[1], self.calls);
        match answer[2]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer[2]["message"])),
            None => Ok(answer[3]["value"].clone()),
        }
    }

    /// Runs a script in the page, or in the browser itself.
    pub(crate) fn script(&mut self, context: &str, script: &str, argument: &Value) -> Result<Value, String> {
        self.call("Marionette:SetContext", &json!({ "value": context }))?;
        self.call("WebDriver:ExecuteScript", &json!({ "script": script, "args": [argument] }))
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).unwrap();
        serde_json::from_slice(&message).unwrap()
    }
}
