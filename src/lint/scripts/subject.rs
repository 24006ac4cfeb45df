use std::{ops::Range, path::Path};

use crate::{
    catalog::FileKind,
    host::Host,
    model::{
        Configuration,
        script::{Argument, Call, Script},
    },
    syntax::Invocation,
    terms::{SourceId, Sources, Span},
};

/// What a check of a script looks at.
#[derive(Clone, Copy)]
pub struct ScriptSubject<'a> {
    /// The file.
    pub source: SourceId,
    /// Where it is, if it is a file.
    pub path: Option<&'a Path>,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// What it does.
    pub script: &'a Script,
    /// What kind of file it stands in.
    pub kind: FileKind,
    /// The secrets and password files of the run.
    pub credentials: &'a [(SourceId, FileKind)],
    /// The daemons' configurations that were given with it.
    pub daemons: &'a [Configuration],
    /// The machine that it runs on.
    pub host: &'a dyn Host,
}

/// A call of rsync as a client, with its arguments read.
pub struct Transfer<'a> {
    /// The call.
    pub call: &'a Call,
    /// What it is told.
    pub invocation: Invocation,
}

impl<'a> ScriptSubject<'a> {
    /// How reports call the file.
    pub fn name(&self) -> &'a str {
        self.sources.get(self.source).name()
    }

    /// A part of the file.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// Every call of rsync that is a client's.
    pub fn transfers(&self) -> impl Iterator<Item = Transfer<'a>> + use<'a> {
        let calls = self.script.calls.iter().filter(|call| call.program() == "rsync");
        calls.filter_map(|call| {
            let invocation = call.invocation();
            let is_client = ["daemon", "server", "version", "help"]
                .iter()
                .all(|name| invocation.option(name).is_none());
            is_client.then_some(Transfer { call, invocation })
        })
    }

    /// The bytes of a part of the file.
    pub fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        &self.sources.get(self.source).bytes()[range]
    }
}

impl<'a> Transfer<'a> {
    /// The word that an option stands in.
    pub fn word(&self, index: usize) -> &'a Argument {
        &self.call.arguments()[index]
    }

    /// The words of the sources and of the destination.
    pub fn targets(&self) -> impl Iterator<Item = (&'a Argument, &crate::terms::Target)> {
        let words = self.invocation.target_words.iter().map(|&index| self.word(index));
        words.zip(&self.invocation.targets)
    }

    /// Whether an option is on for sure.
    pub fn has(&self, name: &str) -> bool {
        self.invocation.option(name).is_some()
    }

    /// Whether there may be options that the text does not show: an unknown word without quotes may begin with `-`,
    /// or be left out. Behind a text, or with a folder behind it, it is a target.
    pub fn may_have_more_options(&self) -> bool {
        self.call.arguments().iter().any(|word| {
            let begins_unknown = word.pieces.first().is_none_or(|piece| piece.text.is_none());
            let is_path = word.text().contains('/');
            word.is_open && begins_unknown && !is_path
        })
    }

    /// Whether the arguments may be more than the text shows.
    pub fn may_have_more(&self) -> bool {
        !self.call.is_complete()
    }
}
