//! The states that a cut at some line could leave.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use crate::{
    disk::{Change, Disk, Inode, Names, Operation, ROOT, Tree},
    random::Random,
};

/// How much of an operation the disk did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Done {
    Nothing,
    All,
    /// The bytes of a write before this offset in the file.
    Before(u64),
    /// Those after it.
    After(u64),
    /// Every block of this size whose number has an even number of ones when mixed with a seed.
    Blocks(u64, u64),
}

/// What was done of each operation that was not safe.
pub(crate) type Outcome = Vec<(usize, Done)>;

/// A state: where the power went, and what was done of what was pending.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) line: usize,
    pub(crate) outcome: Outcome,
}

/// All pending operations at a line, as indices.
pub(crate) fn pending(disk: &Disk, line: usize) -> Vec<usize> {
    let is_pending = |op: &Operation| op.issued < line && op.safe > line;
    let operations = disk.operations.iter().enumerate();
    operations.filter(|(_, op)| is_pending(op)).map(|(at, _)| at).collect()
}

/// The outcomes at a line: none, all, each prefix, each but one, each alone, torn, names, data and
/// lengths apart, and `random` more.
pub(crate) fn at_line(disk: &Disk, names: Names, line: usize, random: usize, rng: &mut Random) -> Vec<State> {
    let pending = pending(disk, line);
    let change = |at: usize| &disk.operations[at].change;
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut pick = |done: &mut dyn FnMut(usize, usize) -> Done| {
        let all = pending.iter().enumerate();
        outcomes.push(all.map(|(number, &at)| (at, done(number, at))).collect());
    };
    let whole = |yes: bool| if yes { Done::All } else { Done::Nothing };
    for split in some(0..pending.len() + 1, rng) {
        pick(&mut |number, _| whole(number < split));
        pick(&mut |number, _| whole(number != split));
        pick(&mut |number, _| whole(number == split));
    }
    pick(&mut |_, at| whole(matches!(change(at), Change::Data { .. })));
    pick(&mut |_, at| whole(!matches!(change(at), Change::Data { .. })));
    pick(&mut |_, at| whole(!matches!(change(at), Change::Length { .. })));
    pick(&mut |_, at| whole(change(at).is_name()));
    pick(&mut |_, at| whole(!change(at).is_name()));
    for torn in some(0..pending.len(), rng) {
        for tear in tears(change(pending[torn]), rng) {
            pick(&mut |number, _| if number == torn { tear } else { whole(number < torn) });
            pick(&mut |number, _| if number == torn { tear } else { Done::All });
        }
    }
    for _ in 0..if pending.len() > 1 { random } else { 0 } {
        pick(&mut |_, at| match rng.below(4) {
            0 => Done::Nothing,
            1 => {
                let tears = tears(change(at), rng);
                *rng.choose(&tears).unwrap_or(&Done::All)
            }
            _ => Done::All,
        });
    }
    let mut seen = HashSet::new();
    let mut states = Vec::new();
    for mut outcome in outcomes {
        if names == Names::Ordered {
            order_names(disk, &mut outcome);
        }
        outcome.retain(|(_, done)| *done != Done::Nothing);
        if seen.insert(outcome.clone()) {
            states.push(State { line, outcome });
        }
    }
    states
}

/// All of a range, or so many of it at random that the work stays in bounds: a model without syncs
/// has everything pending.
fn some(range: Range<usize>, rng: &mut Random) -> Vec<usize> {
    const MANY: usize = 24;
    match range.len() {
        0..=MANY => range.collect(),
        len => (0..MANY).map(|_| rng.below(len as u64) as usize).collect(),
    }
}

/// A few ways to tear a write, at sector and at page boundaries.
fn tears(change: &Change, rng: &mut Random) -> Vec<Done> {
    let Change::Data { at, bytes, .. } = change else {
        return Vec::new();
    };
    let end = at + bytes.len() as u64;
    let mut tears = Vec::new();
    for block in [512, 4096] {
        let (first, last) = (at / block + 1, end.saturating_sub(1) / block);
        if first <= last {
            let boundary = block * (first + rng.below(last - first + 1));
            tears.push(Done::Before(boundary));
            tears.push(Done::After(boundary));
            tears.push(Done::Blocks(block, rng.next()));
        }
    }
    tears
}

/// Ordered names: after one that did not reach the disk, none did.
fn order_names(disk: &Disk, outcome: &mut Outcome) {
    let mut lost = false;
    for (at, done) in outcome {
        if disk.operations[*at].change.is_name() {
            lost |= *done == Done::Nothing;
            if lost {
                *done = Done::Nothing;
            }
        }
    }
}

/// Rebuilds the files of states. Lines must not go down, so that what is safe is applied once.
pub(crate) struct Builder<'a> {
    disk: &'a Disk,
    base: Image,
    line: usize,
    applied: HashSet<usize>,
}

/// Files and names, as far as the disk has them.
#[derive(Clone, Debug, Default)]
struct Image {
    names: BTreeMap<(Inode, String), Inode>,
    files: HashMap<Inode, File>,
}

/// Data and length, apart: data past the length is there and not seen.
#[derive(Clone, Debug, Default)]
struct File {
    data: Arc<Vec<u8>>,
    length: u64,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(disk: &'a Disk) -> Self {
        Self { disk, base: Image::default(), line: 0, applied: HashSet::new() }
    }

    /// How many operations are safe at this line; with an outcome it tells states apart.
    pub(crate) fn advance(&mut self, line: usize) -> usize {
        assert!(line >= self.line);
        self.line = line;
        for (at, op) in self.disk.operations.iter().enumerate() {
            if op.safe <= line && self.applied.insert(at) {
                self.base.apply(&op.change, Done::All);
            }
        }
        self.applied.len()
    }

    pub(crate) fn build(&self, state: &State) -> Tree {
        assert_eq!(state.line, self.line);
        let mut image = self.base.clone();
        for &(at, done) in &state.outcome {
            image.apply(&self.disk.operations[at].change, done);
        }
        let mut tree = Tree::new();
        image.list(self.disk, ROOT, "", &mut tree);
        tree
    }
}

impl Image {
    fn apply(&mut self, change: &Change, done: Done) {
        match change {
            Change::Data { file, at, bytes } => {
                let file = self.files.entry(*file).or_default();
                file.write(*at, bytes, done);
            }
            Change::Length { file, length } => {
                let file = self.files.entry(*file).or_default();
                if *length < file.length {
                    let data = Arc::make_mut(&mut file.data);
                    data.truncate(*length as usize);
                }
                file.length = *length;
            }
            Change::Name { dir, name, inode } => {
                self.names.insert((*dir, name.clone()), *inode);
            }
            Change::Rename { dir, from, to, inode } => {
                self.names.remove(&(*dir, from.clone()));
                self.names.insert((*dir, to.clone()), *inode);
            }
            Change::Unname { dir, name } => {
                self.names.remove(&(*dir, name.clone()));
            }
        }
    }

    fn list(&self, disk: &Disk, dir: Inode, path: &str, tree: &mut Tree) {
        for ((_, name), inode) in self.names.range((dir, String::new())..(dir + 1, String::new())) {
            let path = format!("{path}/{name}");
            if disk.dirs[*inode] {
                tree.insert(path.clone(), None);
                self.list(disk, *inode, &path, tree);
            } else {
                let file = self.files.get(inode).cloned().unwrap_or_default();
                let mut data = file.data.as_ref().clone();
                data.resize(file.length as usize, 0);
                tree.insert(path, Some(data));
            }
        }
    }
}

impl File {
    fn write(&mut self, at: u64, bytes: &[u8], done: Done) {
        let end = at + bytes.len() as u64;
        let data = Arc::make_mut(&mut self.data);
        if (data.len() as u64) < end {
            data.resize(end as usize, 0);
        }
        let mut put = |from: u64, to: u64| {
            let (from, to) = (from.clamp(at, end), to.clamp(at, end));
            if from < to {
                let source = &bytes[(from - at) as usize..(to - at) as usize];
                data[from as usize..to as usize].copy_from_slice(source);
            }
        };
        match done {
            Done::Nothing => (),
            Done::All => put(at, end),
            Done::Before(boundary) => put(at, boundary),
            Done::After(boundary) => put(boundary, end),
            Done::Blocks(block, seed) => {
                for number in at / block..=end / block {
                    if Random::new(seed ^ number).next() & 1 == 0 {
                        put(number * block, (number + 1) * block);
                    }
                }
            }
        }
    }
}
