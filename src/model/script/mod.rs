//! What a shell script does: which programs it calls with which arguments, in what surroundings.
//!
//! Variables are followed as far as the text tells; what only a run can tell is unknown, and stays so.

mod builtins;
mod functions;
mod inner;
mod runner;
mod scopes;
pub mod sshpass;
mod survey;
mod tests;
mod value;
mod variables;
mod walk;
mod wrappers;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

pub use runner::Runner;
pub use scopes::Scope;
pub use value::{Argument, Piece, UNKNOWN};

use crate::syntax::{Invocation, shell};

/// What a script does.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The programs that it calls; those of functions at the end.
    pub calls: Vec<Call>,
    /// Where it sets variables, in order.
    pub assignments: Vec<Assigned>,
    /// The files whose whole content stands in it.
    pub written: Vec<WrittenFile>,
    /// The variables that it hands on to programs.
    pub exported: BTreeSet<Vec<u8>>,
    /// The variables that it tests, or that it refuses to use empty (`${NAME:?}`).
    pub tested: BTreeSet<Vec<u8>>,
    /// The variables that a line sets: of its own, with `read` and its like, as a loop's.
    pub set: BTreeSet<Vec<u8>>,
    /// Where the variables stand that are used.
    pub used: BTreeMap<Vec<u8>, Range<usize>>,
    /// Its parts whose settings may not hold for what follows.
    pub scopes: Vec<Scope>,
    /// The texts in it that another shell runs: `sh -c '…'`.
    pub texts: Vec<Text>,
    /// Whether an unset variable ends it (`set -u`).
    pub is_nounset: bool,
    /// Whether it takes in other files or text (`.`, `source`, `eval`), or sets variables whose names only a run puts together,
    /// so that variables may have other values.
    pub takes_in_others: bool,
    /// Where it sets such variables: `export $(cat FILE)`, `declare "$NAME=$VALUE"`.
    pub composed: Vec<Range<usize>>,
    /// The files that redirections open, as their targets have them.
    pub opened: Vec<Argument>,
    /// Whether it keeps a second run away: `flock`, a lock or pid file, `pgrep`, and their like.
    pub has_lock: bool,
}

/// A variable that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// Its name.
    pub name: Vec<u8>,
    /// The value, as one argument.
    pub value: Argument,
    /// All of it.
    pub range: Range<usize>,
    /// Whether it stands in front of a command and holds for that alone.
    pub is_for_command: bool,
}

/// A file that a script writes, word for word.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenFile {
    /// The file.
    pub path: Vec<u8>,
    /// Its content: a here-document, or what `echo` prints.
    pub content: Range<usize>,
}

/// A text that a shell of its own is handed as a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Where it stands, without its quotes.
    pub range: Range<usize>,
    /// That shell, as it is named; none where a user's own one reads it.
    pub shell: Option<String>,
}

/// A program that is called.
#[derive(Clone, Debug)]
pub struct Call {
    /// The program, then its arguments; what stands in front of the program (`sudo`, `nice`, `flock`) is taken away.
    pub words: Vec<Argument>,
    /// What was taken away: `sudo`, `flock`, `timeout`, …
    pub wrappers: Vec<String>,
    /// All the words that were taken away, options included.
    pub front: Vec<Argument>,
    /// Who runs it.
    pub runner: Runner,
    /// The variables in front of it.
    pub environment: Vec<Assigned>,
    /// The whole command, redirections included.
    pub range: Range<usize>,
    /// Where its output goes.
    pub output: Stream,
    /// Where its errors go.
    pub errors: Stream,
    /// What its output is piped into.
    pub pipe_to: Option<PipeTo>,
    /// The call whose output it reads, by its index.
    pub pipe_from: Option<usize>,
    /// What it stands in, outermost first.
    pub blocks: Arc<Vec<Block>>,
    /// Whether it runs beside what follows (`&`).
    pub is_background: bool,
    /// What becomes of its exit status.
    pub status: Status,
    /// Whether a lock is held.
    pub holds_lock: bool,
}

/// Where a stream of a call goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stream {
    /// Where the script's goes.
    #[default]
    Inherited,
    /// Nowhere: `/dev/null`. The redirection.
    Discarded(Range<usize>),
    /// Into a file.
    File(Arc<Argument>),
}

/// What an output is piped into.
#[derive(Clone, Debug, PartialEq)]
pub enum PipeTo {
    /// A program, by its name.
    Program(String),
    /// A loop.
    Loop,
    /// Something else.
    Other,
}

/// What a call stands in.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The body of `while` or `until`.
    While {
        /// The whole loop.
        range: Range<usize>,
        /// Whether it ends only from outside: `while true`.
        is_endless: bool,
        /// The call whose output the loop reads, by its index.
        fed_by: Option<usize>,
    },
    /// The body of `for`.
    For {
        /// The whole loop.
        range: Range<usize>,
    },
    /// What is done only sometimes: a branch, the right side of `&&`.
    Branch,
    /// The body of a function.
    Function(String),
    /// A shell of its own.
    Subshell,
}

/// What becomes of an exit status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Something looks at it, or it is the script's own.
    Used,
    /// The next command replaces it.
    Dropped,
    /// A pipe replaces it with that of its last command.
    LostInPipe,
}

impl Script {
    /// Follows what a script does. `file` is the whole file that it was read from.
    pub fn read(script: &shell::Script, file: &[u8]) -> Self {
        let mut read = walk::Walk::new(file, survey::survey(&script.list, file)).script(&script.list);
        read.scopes.extend(scopes::scopes(&script.list, file));
        read
    }

    /// The calls of a program.
    pub fn calls_of<'a>(&'a self, program: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.program() == program)
    }
}

impl Call {
    /// The program's name without its folder; empty where only a run can tell.
    pub fn program(&self) -> String {
        let name = self.words.first().and_then(Argument::known).unwrap_or_default();
        let name = String::from_utf8_lossy(&name).into_owned();
        name.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The arguments behind the program.
    pub fn arguments(&self) -> &[Argument] {
        self.words.get(1..).unwrap_or_default()
    }

    /// What an rsync is told. Unknown parts are [`UNKNOWN`] in it; indices of words are those of
    /// [`Self::arguments`].
    pub fn invocation(&self) -> Invocation {
        Invocation::parse(self.arguments().iter().map(Argument::text))
    }

    /// Whether each of the arguments is one word for sure: none may vanish or become several.
    pub fn is_complete(&self) -> bool {
        !self.arguments().iter().any(|argument| argument.is_open)
    }

    /// The file that its output goes to.
    pub fn output_file(&self) -> Option<&Argument> {
        match &self.output {
            Stream::File(file) => Some(file),
            Stream::Inherited | Stream::Discarded(_) => None,
        }
    }

    /// Whether it is done again and again.
    pub fn is_in_loop(&self) -> bool {
        let is_loop = |block: &Block| matches!(block, Block::While { .. } | Block::For { .. });
        self.blocks.iter().any(is_loop)
    }

    /// The call that feeds the innermost loop around it that is fed.
    pub fn fed_by(&self) -> Option<usize> {
        self.blocks.iter().rev().find_map(|block| match block {
            Block::While { fed_by, .. } => *fed_by,
            _ => None,
        })
    }
}
