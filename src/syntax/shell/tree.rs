use std::ops::Range;

/// Commands one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// The pipelines, each with what stands behind it.
    pub items: Vec<Item>,
}

/// A pipeline of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// What joins it to the next one.
    pub join: Join,
}

/// What stands behind a pipeline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Join {
    /// `;`, the end of the line, or nothing.
    Next,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `&`
    Background,
}

/// Commands joined by `|` or `|&`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Whether a `!` stands in front of it.
    pub is_negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What it is.
    pub kind: Kind,
    /// In order.
    pub redirections: Vec<Redirection>,
    /// From its first byte to its last, redirections included.
    pub range: Range<usize>,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A program, a builtin, a function, or assignments alone.
    Simple(Simple),
    /// `{ …; }`
    Group(List),
    /// `( … )`
    Subshell(List),
    /// `while …; do …; done` and `until`.
    While {
        /// Whether it is `until`.
        is_until: bool,
        /// What is asked each time.
        condition: List,
        /// What is done.
        body: List,
    },
    /// `for NAME in …; do …; done`, and `select`.
    For {
        /// The variable.
        name: Range<usize>,
        /// What it runs through; `None`: the script's arguments, or an arithmetic `for`.
        words: Option<Vec<Word>>,
        /// What is done.
        body: List,
    },
    /// `if …; then …; elif …; else …; fi`
    If {
        /// `if` and each `elif`.
        branches: Vec<Branch>,
        /// `else`.
        otherwise: Option<List>,
    },
    /// `case … in …) …;; esac`
    Case {
        /// What is looked at.
        word: Option<Word>,
        /// In order.
        arms: Vec<Arm>,
    },
    /// `NAME() …`
    Function {
        /// Its name.
        name: Range<usize>,
        /// Its body.
        body: Box<Command>,
    },
    /// `(( … ))`
    Arithmetic,
}

/// A condition of an `if`, and what is done if it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// The condition.
    pub condition: List,
    /// What is done.
    pub body: List,
}

/// Patterns of a `case`, and what is done if one fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// The patterns.
    pub patterns: Vec<Word>,
    /// What is done.
    pub body: List,
}

/// A command without others in it; also `[[ … ]]`, whose operators are words then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simple {
    /// `NAME=value` in front of it.
    pub assignments: Vec<Assignment>,
    /// Its name and its arguments.
    pub words: Vec<Word>,
}

/// `NAME=value`
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The name.
    pub name: Range<usize>,
    /// Whether it is `+=`.
    pub is_appended: bool,
    /// What is assigned.
    pub value: AssignmentValue,
    /// All of it.
    pub range: Range<usize>,
}

/// What is assigned.
#[derive(Clone, Debug, PartialEq)]
pub enum AssignmentValue {
    /// A word; one without parts is empty.
    Word(Word),
    /// `( … )`: an array.
    Array(Vec<Word>),
    /// `NAME[…]=`: an element of an array.
    Element(Word),
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What it is put together of; none: `''`, or nothing at all.
    pub parts: Vec<Part>,
    /// All of it, quotes included.
    pub range: Range<usize>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Whether it stands in quotes (or behind a backslash): it is not split, and is no pattern.
    pub is_quoted: bool,
    /// Where it stands, without the quotes around it.
    pub range: Range<usize>,
}

/// What a part of a word is.
#[derive(Clone, Debug, PartialEq)]
pub enum PartKind {
    /// Text, with backslashes and quotes taken away.
    Literal(Vec<u8>),
    /// `$NAME`, `${NAME}`, `${NAME:-…}`.
    Variable {
        /// The name; a digit or a sign such as `@` too. Empty where there is none.
        name: Range<usize>,
        /// What stands behind the name inside the braces.
        operator: Range<usize>,
    },
    /// `$( … )` and `` ` … ` ``; also `<( … )`.
    Command(List),
    /// `$(( … ))`
    Arithmetic,
}

/// `2>&1`, `>> log`, `<<EOF`.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirection {
    /// The number in front of it.
    pub descriptor: Option<u32>,
    /// What it does.
    pub operator: Operator,
    /// Where to or from; the delimiter of a here-document.
    pub target: Word,
    /// The here-document.
    pub here_document: Option<HereDocument>,
    /// All of it, without the here-document.
    pub range: Range<usize>,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// `<`
    Read,
    /// `>` and `>|`
    Write,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&` and `>&`
    Duplicate,
    /// `&>` and `&>>`
    WriteBoth,
    /// `<<` and `<<-`
    HereDocument,
    /// `<<<`
    HereString,
}

impl Operator {
    /// Whether it opens a file that its target names.
    pub const fn opens_file(self) -> bool {
        matches!(
            self,
            Self::Read | Self::Write | Self::Append | Self::ReadWrite | Self::WriteBoth
        )
    }
}

/// The text of a here-document.
#[derive(Clone, Debug, PartialEq)]
pub struct HereDocument {
    /// Its lines, without the delimiter's.
    pub body: Range<usize>,
    /// Whether variables stay as they are: the delimiter is quoted.
    pub is_literal: bool,
    /// Whether tabs at the start of lines are taken away.
    pub strips_tabs: bool,
}

impl Word {
    /// The text of a word that nothing is put into; `None` otherwise.
    pub fn literal(&self) -> Option<Vec<u8>> {
        let parts = self.parts.iter().map(|part| match &part.kind {
            PartKind::Literal(text) => Some(&text[..]),
            _ => None,
        });
        parts.collect::<Option<Vec<_>>>().map(|parts| parts.concat())
    }
}
