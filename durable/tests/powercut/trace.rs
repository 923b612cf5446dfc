//! Runs a program under strace and reads what it did to files.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// One system call that succeeded.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When it was entered: the number of a line of the trace.
    pub(crate) start: usize,
    /// When it had returned.
    pub(crate) end: usize,
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) result: i64,
}

impl Call {
    /// An argument that is a number; `AT_FDCWD` is -100.
    pub(crate) fn number(&self, at: usize) -> i64 {
        let text = self.text(at);
        if text == "AT_FDCWD" {
            return -100;
        }
        parse_number(text).unwrap_or_else(|| panic!("no number at {at} in {self:?}"))
    }

    /// An argument as strace prints it: flags, for one.
    pub(crate) fn text(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// An argument that is a string of bytes.
    pub(crate) fn bytes(&self, at: usize) -> Vec<u8> {
        unhex(self.text(at))
    }

    /// An argument that is a path.
    pub(crate) fn path(&self, at: usize) -> String {
        String::from_utf8(self.bytes(at)).unwrap()
    }
}

/// Everything that can change a file, or what a descriptor stands for. `?`: where it exists.
const CALLS: &str = "?open,openat,?openat2,?creat,close,?dup,?dup2,dup3,fcntl,lseek,\
    write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,\
    ?rename,?renameat,renameat2,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,?link,linkat,\
    fsync,fdatasync,syncfs,sync,sync_file_range,msync,mmap,\
    copy_file_range,sendfile,splice,io_uring_setup,io_uring_enter";

/// True if strace is there and may trace.
pub(crate) fn available() -> bool {
    Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command to its end, however it ends, and returns its calls in the order they returned.
/// Lines are numbered from `first_line`. `None` if it died in the middle of a call, of which one
/// cannot know what came.
pub(crate) fn run(command: &Command, scratch: &Path, first_line: usize) -> Option<(Vec<Call>, usize)> {
    let output = scratch.join("trace");
    let mut strace = Command::new("strace");
    strace
        // All threads; strings in full (the longest write is one of sled's segments) and in hex.
        .args(["-f", "-qq", "-s", "8388608", "-xx", "-e", "signal=none"])
        .args(["-e", &format!("trace={CALLS}"), "-o"])
        .arg(&output)
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in command.get_envs() {
        strace.env(name, value.unwrap());
    }
    strace.status().unwrap();
    let text = fs::read_to_string(&output).unwrap();
    fs::remove_file(&output).unwrap();
    parse(&text, first_line)
}

fn parse(text: &str, first_line: usize) -> Option<(Vec<Call>, usize)> {
    let mut calls = Vec::new();
    let mut unfinished: Vec<(&str, usize, &str)> = Vec::new();
    let mut line_number = first_line;
    for line in text.lines() {
        line_number += 1;
        let (pid, rest) = line.trim_start().split_once(' ').unwrap();
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.push((pid, line_number, begun));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let at = unfinished.iter().rposition(|(p, ..)| *p == pid).unwrap();
            let (_, start, begun) = unfinished.remove(at);
            let (_, tail) = resumed.split_once(" resumed>").unwrap();
            calls.extend(parse_call(&format!("{begun}{tail}"), start, line_number));
        } else {
            calls.extend(parse_call(rest, line_number, line_number));
        }
    }
    // Those that change nothing, or come after all that counts, may be under way.
    let harmless = |begun: &str| ["close", "mmap"].iter().any(|name| begun.split('(').next() == Some(name));
    unfinished.iter().all(|(_, _, begun)| harmless(begun)).then_some((calls, line_number))
}

/// Reads `name(args) = result`; `None` for a call that failed and for anything else.
fn parse_call(line: &str, start: usize, end: usize) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (args, result) = rest.rsplit_once(" = ")?;
    let result = parse_number(result.split(' ').next()?)?;
    if result < 0 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let args = args.trim_end().strip_suffix(')')?;
    Some(Call { start, end, name: name.to_owned(), args: split_args(args), result })
}

/// Splits at the commas outside brackets. Strings are hex only, so they hold none.
fn split_args(args: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut from) = (0_i32, 0);
    for (at, byte) in args.bytes().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                found.push(args[from..at].trim().to_owned());
                from = at + 1;
            }
            _ => (),
        }
    }
    found.push(args[from..].trim().to_owned());
    found
}

fn parse_number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The pieces of a `writev`: `[{iov_base="\x..", iov_len=3}, ...]`.
pub(crate) fn iovec(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("iov_base=") {
        let end = tail.find(", iov_len").unwrap();
        bytes.extend(unhex(&tail[..end]));
        rest = &tail[end..];
    }
    bytes
}

/// Reads `"\x12\x34"`; a string that strace cut short ends in dots.
fn unhex(text: &str) -> Vec<u8> {
    assert!(!text.ends_with("..."), "strace cut a string short");
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = text.expect("a string").as_bytes();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte - b'a' + 10,
    };
    text.chunks_exact(4).map(|x| digit(x[2]) << 4 | digit(x[3])).collect()
}

#[test]
fn reads_strace_output() {
    let text = "7 openat(AT_FDCWD, \"\\x2f\\x61\", O_RDWR|O_CREAT, 0600) = 3\n\
        8  pwrite64(3, \"\\x01\\xff\", 2, 4096 <unfinished ...>\n\
        7 fsync(9) = -1 EBADF (Bad file descriptor)\n\
        8  <... pwrite64 resumed>) = 2\n\
        7 +++ exited with 0 +++\n";
    let (calls, lines) = parse(text, 10).unwrap();
    assert_eq!(lines, 15);
    let [open, write] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!((open.path(1).as_str(), open.number(0), open.result), ("/a", -100, 3));
    assert_eq!((write.start, write.end), (12, 14));
    assert_eq!((write.bytes(1), write.number(3)), (vec![1, 255], 4096));
    assert!(parse("7 fsync(9 <unfinished ...>\n", 0).is_none());
}
