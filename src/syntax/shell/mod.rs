//! Shell scripts, as sh, bash, dash, ksh and zsh agree on them: lists, pipelines, compound commands, words with their
//! parts, redirections, here-documents.
//!
//! No crate was found that does bytes, spans and recovery: brush-parser takes text that is UTF-8 and gives up at the
//! first error, yash-syntax is under the GPL, conch-parser is no longer kept, tree-sitter-bash brings a megabyte of C.
//! What a shell would refuse is read as far as it makes sense, for a report is about the commands in it.

mod escapes;
mod lexer;
mod parser;
mod redirection;
mod tests;
mod tree;

use std::ops::Range;

pub use tree::{
    Arm, Assignment, AssignmentValue, Branch, Command, HereDocument, Item, Join, Kind, List, Operator, Part,
    PartKind, Pipeline, Redirection, Simple, Word,
};

/// How deep commands may be nested in one another: deeper ones are read as words, which keeps the stack small.
const DEEPEST: usize = 40;

/// A script, or a part of a file that is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// Its commands.
    pub list: List,
    /// Its comments, from `#` to the end of the line.
    pub comments: Vec<Range<usize>>,
}

/// Reads a whole file as a script. Takes any bytes; time and memory grow with their number.
pub fn parse(file: &[u8]) -> Script {
    parse_part(file, 0..file.len())
}

/// Reads a part of a file as a script: a cron table's command, the word behind `sh -c`. All ranges are the file's.
pub fn parse_part(file: &[u8], part: Range<usize>) -> Script {
    let mut parser = parser::Parser::new(file, part);
    Script {
        list: parser.script(),
        comments: parser.comments,
    }
}

impl Script {
    /// One command, of words that no shell reads, each with its place, quotes included.
    pub fn of_words(words: Vec<(Vec<u8>, Range<usize>)>) -> Self {
        let Some(((_, first), (_, last))) = words.first().zip(words.last()) else {
            return Self::default();
        };
        let range = first.start..last.end;
        let words = words.into_iter().map(|(text, range)| Word {
            parts: vec![Part {
                kind: PartKind::Literal(text),
                is_quoted: true,
                range: range.start + 1..range.end - 1,
            }],
            range,
        });
        let kind = Kind::Simple(Simple {
            assignments: Vec::new(),
            words: words.collect(),
        });
        let command = Command {
            kind,
            redirections: Vec::new(),
            range,
        };
        let pipeline = Pipeline {
            is_negated: false,
            commands: vec![command],
        };
        let join = Join::Next;
        Self {
            list: List {
                items: vec![Item { pipeline, join }],
            },
            comments: Vec::new(),
        }
    }
}
