//! What the disk was asked to do, and what it may have done when the power goes.
//!
//! Every call becomes one or two operations: data and length of a file are apart, and so are the
//! names in directories. An operation is *issued* from the moment its call was entered, and *safe*
//! once a sync that covers it was entered after it returned and has returned itself. In between the
//! disk may have done it or not, whole or in part, in any order.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Component, Path},
    rc::Rc,
};

use crate::trace::{Call, iovec};

/// A file or directory, whatever its name.
pub(crate) type Inode = usize;

/// The directory in which the store's directory lies.
pub(crate) const ROOT: Inode = 0;

/// How names reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// In the order they were made, as through a journal; a directory's fsync brings all before.
    Ordered,
    /// Each by itself; only an fsync of the directory it lies in brings it.
    Independent,
}

/// What a model may get wrong on purpose, to see that the checks notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) names: Names,
    /// fsync and fdatasync of files do what they say.
    pub(crate) file_syncs: bool,
    /// fsync of directories does.
    pub(crate) dir_syncs: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Data { file: Inode, at: u64, bytes: Rc<[u8]> },
    Length { file: Inode, length: u64 },
    Name { dir: Inode, name: String, inode: Inode },
    Rename { dir: Inode, from: String, to: String, inode: Inode },
    Unname { dir: Inode, name: String },
}

impl Change {
    /// True for names in directories.
    pub(crate) fn is_name(&self) -> bool {
        !matches!(self, Self::Data { .. } | Self::Length { .. })
    }

    /// The file or directory whose sync makes it safe.
    fn covered_by(&self) -> Inode {
        match *self {
            Self::Data { file, .. } | Self::Length { file, .. } => file,
            Self::Name { dir, .. } | Self::Rename { dir, .. } | Self::Unname { dir, .. } => dir,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) change: Change,
    pub(crate) issued: usize,
    done: usize,
    /// The line from which on it is safe.
    pub(crate) safe: usize,
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) operations: Vec<Operation>,
    /// Which inodes are directories.
    pub(crate) dirs: Vec<bool>,
    /// Lines at which the program said that a transaction was acknowledged.
    pub(crate) acknowledged: Vec<(usize, u64)>,
    /// Lines at which it said that the store was open.
    pub(crate) ready: Vec<usize>,
    /// Lines at which anything happened.
    pub(crate) lines: Vec<usize>,
}

impl Disk {
    /// Replays calls of programs that ran one after the other, on files that were safe before.
    pub(crate) fn replay(root: &Path, rules: Rules, before: &Tree, programs: &[Vec<Call>]) -> Self {
        let mut replay = Replay::new(root, rules);
        replay.load(before);
        for calls in programs {
            replay.descriptors.clear();
            for call in calls {
                replay.call(call);
            }
        }
        replay.disk.lines.dedup();
        replay.disk
    }

    /// How many transactions were acknowledged before a line.
    pub(crate) fn acknowledged_at(&self, line: usize) -> u64 {
        let before = self.acknowledged.iter().filter(|(at, _)| *at < line);
        before.map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// How often files of a name were written from their beginning.
    pub(crate) fn beginnings(&self, name: &str) -> usize {
        let changes = || self.operations.iter().map(|operation| &operation.change);
        let is_named = |inode: Inode| {
            changes().any(|change| matches!(change, Change::Name { name: n, inode: i, .. } if n == name && *i == inode))
        };
        changes().filter(|change| matches!(change, Change::Data { file, at: 0, .. } if is_named(*file))).count()
    }
}

/// An open file.
#[derive(Clone, Debug)]
struct Open {
    inode: Inode,
    /// Of the next `write`; `None` if reads may have moved it.
    at: Option<u64>,
    append: bool,
}

struct Replay {
    disk: Disk,
    rules: Rules,
    /// Path of the root, without the last slash.
    root: String,
    descriptors: HashMap<i64, Open>,
    names: HashMap<(Inode, String), Inode>,
    lengths: Vec<u64>,
}

impl Replay {
    fn new(root: &Path, rules: Rules) -> Self {
        Self {
            disk: Disk {
                operations: Vec::new(),
                dirs: vec![true],
                acknowledged: Vec::new(),
                ready: Vec::new(),
                lines: Vec::new(),
            },
            rules,
            root: root.to_str().unwrap().to_owned(),
            descriptors: HashMap::new(),
            names: HashMap::new(),
            lengths: vec![0],
        }
    }

    /// Files that are there from the start, as calls that were synced long ago.
    fn load(&mut self, before: &Tree) {
        let call = Call { start: 0, end: 0, name: "before".to_owned(), args: Vec::new(), result: 0 };
        for (path, data) in before {
            let (dir, name) = self.locate(-100, &format!("{}{path}", self.root)).unwrap();
            let file = self.name(&call, dir, name, data.is_none());
            if let Some(data) = data {
                let bytes = data.as_slice().into();
                self.push(&call, Change::Data { file, at: 0, bytes });
                self.grow(&call, file, data.len() as u64);
            }
        }
        for operation in &mut self.disk.operations {
            operation.safe = 0;
        }
        self.disk.lines.clear();
    }

    fn call(&mut self, call: &Call) {
        match call.name.as_str() {
            "openat" => self.open(call, call.number(0), &call.path(1), call.text(2)),
            "open" => self.open(call, -100, &call.path(0), call.text(1)),
            "close" => drop(self.descriptors.remove(&call.number(0))),
            "dup" | "dup2" | "dup3" => self.duplicate(call),
            "fcntl" if call.text(1).starts_with("F_DUPFD") => self.duplicate(call),
            "fcntl" => (),
            "lseek" => self.move_to(call.number(0), call.result),
            "write" if call.number(0) == 1 => self.mark(call),
            "write" => self.append(call, call.bytes(1)),
            "writev" => self.append(call, iovec(call.text(1))),
            "pwrite64" => self.write(call, call.number(3), call.bytes(1)),
            "pwritev" | "pwritev2" => self.write(call, call.number(3), iovec(call.text(1))),
            "ftruncate" => self.set_length(call, call.number(1)),
            "fallocate" => self.allocate(call),
            "rename" => self.rename(call, (-100, &call.path(0)), (-100, &call.path(1))),
            "renameat" | "renameat2" => {
                let (from, to) = (call.path(1), call.path(3));
                self.rename(call, (call.number(0), &from), (call.number(2), &to));
            }
            "unlink" | "rmdir" => self.unname(call, -100, &call.path(0)),
            "unlinkat" => self.unname(call, call.number(0), &call.path(1)),
            "mkdir" => self.make_dir(call, -100, &call.path(0)),
            "mkdirat" => self.make_dir(call, call.number(0), &call.path(1)),
            "fsync" | "fdatasync" => self.sync(call),
            // Neither the disk's cache nor the length: it does not count.
            "sync_file_range" => (),
            "mmap" => self.check_map(call),
            _ => self.refuse(call),
        }
    }

    fn push(&mut self, call: &Call, change: Change) {
        self.disk.lines.extend([call.start, call.end]);
        self.disk.operations.push(Operation { change, issued: call.start, done: call.end, safe: usize::MAX });
    }

    /// The directory and last name of a path; `None` outside the root.
    fn locate(&self, at: i64, path: &str) -> Option<(Inode, String)> {
        let relative = match path.strip_prefix(&self.root) {
            Some(below) => below.trim_start_matches('/'),
            None if path.starts_with('/') => return None,
            None => path,
        };
        let mut dir = match path.starts_with('/') {
            true => ROOT,
            false => self.descriptors.get(&at)?.inode,
        };
        let mut parts: Vec<&str> = Path::new(relative)
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str().unwrap(),
                other => panic!("{other:?} in {path}"),
            })
            .collect();
        let last = parts.pop()?;
        for part in parts {
            dir = *self.names.get(&(dir, part.to_owned()))?;
        }
        Some((dir, last.to_owned()))
    }

    fn open(&mut self, call: &Call, at: i64, path: &str, flags: &str) {
        self.descriptors.remove(&call.result);
        let has = |flag: &str| flags.split('|').any(|f| f == flag);
        let inode = if path == self.root {
            ROOT
        } else {
            let Some((dir, name)) = self.locate(at, path) else {
                return;
            };
            match self.names.get(&(dir, name.clone())) {
                Some(&inode) => inode,
                None => {
                    assert!(has("O_CREAT"), "{path} opened from nowhere");
                    self.name(call, dir, name, false)
                }
            }
        };
        if has("O_TRUNC") && self.lengths[inode] > 0 {
            self.lengths[inode] = 0;
            self.push(call, Change::Length { file: inode, length: 0 });
        }
        let open = Open { inode, at: (!has("O_RDWR")).then_some(0), append: has("O_APPEND") };
        self.descriptors.insert(call.result, open);
    }

    /// Makes a file or directory.
    fn name(&mut self, call: &Call, dir: Inode, name: String, is_dir: bool) -> Inode {
        let inode = self.lengths.len();
        self.lengths.push(0);
        self.disk.dirs.push(is_dir);
        self.names.insert((dir, name.clone()), inode);
        self.push(call, Change::Name { dir, name, inode });
        inode
    }

    fn make_dir(&mut self, call: &Call, at: i64, path: &str) {
        if let Some((dir, name)) = self.locate(at, path) {
            self.name(call, dir, name, true);
        }
    }

    fn duplicate(&mut self, call: &Call) {
        match self.descriptors.get(&call.number(0)).cloned() {
            // Two descriptors with one position: not followed.
            Some(open) => drop(self.descriptors.insert(call.result, Open { at: None, ..open })),
            None => drop(self.descriptors.remove(&call.result)),
        }
    }

    fn move_to(&mut self, descriptor: i64, to: i64) {
        if let Some(open) = self.descriptors.get_mut(&descriptor) {
            open.at = open.at.map(|_| to as u64);
        }
    }

    /// The program's own words, on its standard output.
    fn mark(&mut self, call: &Call) {
        let text = String::from_utf8(call.bytes(1)).unwrap();
        for line in text.lines() {
            if line == "ready" {
                self.disk.ready.push(call.start);
            } else if let Some(number) = line.strip_prefix("ack ") {
                self.disk.acknowledged.push((call.start, number.parse().unwrap()));
            }
        }
        self.disk.lines.extend([call.start, call.start + 1]);
    }

    fn append(&mut self, call: &Call, bytes: Vec<u8>) {
        let Some(open) = self.descriptors.get_mut(&call.number(0)) else {
            return;
        };
        let at = match open.append {
            true => self.lengths[open.inode],
            false => open.at.expect("the position of a write is known"),
        };
        open.at = Some(at + bytes.len() as u64);
        self.write(call, at as i64, bytes);
    }

    fn write(&mut self, call: &Call, at: i64, mut bytes: Vec<u8>) {
        let Some(open) = self.descriptors.get(&call.number(0)) else {
            return;
        };
        let (file, at) = (open.inode, at as u64);
        bytes.truncate(call.result as usize);
        let end = at + bytes.len() as u64;
        let bytes = bytes.into();
        self.push(call, Change::Data { file, at, bytes });
        self.grow(call, file, end);
    }

    fn grow(&mut self, call: &Call, file: Inode, length: u64) {
        if length > self.lengths[file] {
            self.lengths[file] = length;
            self.push(call, Change::Length { file, length });
        }
    }

    fn set_length(&mut self, call: &Call, length: i64) {
        if let Some(open) = self.descriptors.get(&call.number(0)) {
            let (file, length) = (open.inode, length as u64);
            self.lengths[file] = length;
            self.push(call, Change::Length { file, length });
        }
    }

    fn allocate(&mut self, call: &Call) {
        if let Some(open) = self.descriptors.get(&call.number(0)) {
            assert_eq!(call.text(1), "0", "only plain fallocate is modelled: {call:?}");
            let (file, end) = (open.inode, call.number(2) + call.number(3));
            self.grow(call, file, end as u64);
        }
    }

    fn rename(&mut self, call: &Call, from: (i64, &str), to: (i64, &str)) {
        let (Some((dir, from)), Some((to_dir, to))) = (self.locate(from.0, from.1), self.locate(to.0, to.1)) else {
            return;
        };
        assert_eq!(dir, to_dir, "only renames within a directory are modelled");
        let inode = self.names.remove(&(dir, from.clone())).unwrap();
        self.names.insert((dir, to.clone()), inode);
        self.push(call, Change::Rename { dir, from, to, inode });
    }

    fn unname(&mut self, call: &Call, at: i64, path: &str) {
        if let Some((dir, name)) = self.locate(at, path) {
            self.names.remove(&(dir, name.clone())).unwrap();
            self.push(call, Change::Unname { dir, name });
        }
    }

    fn sync(&mut self, call: &Call) {
        let Some(open) = self.descriptors.get(&call.number(0)) else {
            return;
        };
        let inode = open.inode;
        self.disk.lines.extend([call.start, call.end]);
        let is_dir = self.disk.dirs[inode];
        let believed = if is_dir { self.rules.dir_syncs } else { self.rules.file_syncs };
        if !believed {
            return;
        }
        let covers = |op: &Operation| op.done <= call.start && op.change.covered_by() == inode;
        let operations = &mut self.disk.operations;
        // With ordered names, what comes before a covered name is covered too.
        let last = operations.iter().rposition(|op| op.change.is_name() && covers(op));
        let ordered = is_dir && self.rules.names == Names::Ordered;
        for (at, op) in operations.iter_mut().enumerate() {
            let before = ordered && op.change.is_name() && last.is_some_and(|last| at <= last);
            if before || covers(op) {
                op.safe = op.safe.min(call.end);
            }
        }
    }

    /// A file that is written through memory would escape us.
    fn check_map(&self, call: &Call) {
        if call.text(3).contains("MAP_SHARED") && call.text(2).contains("PROT_WRITE") {
            self.refuse(call);
        }
    }

    fn refuse(&self, call: &Call) {
        let touched = (0..call.args.len())
            .filter(|&at| !call.text(at).is_empty() && call.text(at).bytes().all(|b| b.is_ascii_digit()))
            .any(|at| self.descriptors.contains_key(&call.number(at)));
        let whole = ["sync", "io_uring_setup", "io_uring_enter", "creat", "openat2", "link", "linkat"];
        let by_name = whole.contains(&call.name.as_str()) || call.name == "truncate";
        assert!(!touched && !by_name, "the model does not know this call: {call:?}");
    }
}

/// Files and directories by path below the root; `None` is a directory.
pub(crate) type Tree = BTreeMap<String, Option<Vec<u8>>>;
