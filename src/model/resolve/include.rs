//! `&include` and `&merge`: what is read in the place of a line.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::{MOST_INCLUDED, NotOpened, Opened, Resolver};
use crate::{
    host::Unknown,
    model::configuration::{FatalError, Include, ProblemKind, Scope},
    syntax::rsyncd_conf,
    terms::{Source, SourceId, Span},
};

/// More than any honest configuration includes; each of two files that include the next twice would double it.
const MOST_INCLUDES: usize = 10_000;

/// Deeper than any honest configuration includes. rsync itself follows a chain until its stack is used up, some
/// thousand files deep.
const DEEPEST_INCLUDE: usize = 1_000;

impl Resolver<'_> {
    /// `parse_directives` and `include_config` in params.c.
    pub(super) fn directive(&mut self, source: SourceId, directive: &rsyncd_conf::Parameter) {
        let name = directive.name.bytes();
        let is_include = name.eq_ignore_ascii_case(b"&include");
        if !is_include && !name.eq_ignore_ascii_case(b"&merge") {
            let span = Span::new(source, directive.name.range());
            self.problem(span, ProblemKind::Fatal(FatalError::UnknownDirective));
            return;
        }
        let span = Span::new(source, directive.value.range());
        let path = PathBuf::from(OsStr::from_bytes(directive.value.bytes()));
        match self.open(&path) {
            Ok(Opened::File(bytes)) => {
                if is_include {
                    self.save();
                    self.begin_block(Scope::Global, None, source);
                }
                self.included(span, path, bytes);
                if is_include {
                    self.restore();
                    self.begin_block(Scope::Global, None, source);
                }
            }
            Ok(Opened::Folder(names)) => self.folder(span, &path, names, is_include),
            Err(error) if is_include => self.include_not_opened(span, path, error),
            Err(error) => self.not_opened(span, path, error),
        }
    }

    /// Whatever stands in it: a file ends the module, and so does a folder that has files.
    #[inline(never)]
    fn include_not_opened(&mut self, span: Span, path: PathBuf, error: NotOpened) {
        let is_unseen = matches!(error, NotOpened::Unknown(_));
        let may_be_folder = path.extension() != Some(OsStr::new("conf"));
        self.problem(span, problem_of(path, error));
        if !is_unseen {
            return;
        }
        let module = self.scope;
        self.begin_block(Scope::Global, None, span.source);
        if let (Scope::Module(module), Some(block)) = (module, self.configuration.blocks.last_mut()) {
            block.in_doubt = may_be_folder.then_some(module);
        }
    }

    fn folder(&mut self, span: Span, folder: &Path, mut names: Vec<OsString>, is_include: bool) {
        let ending: &[u8] = if is_include { b".conf" } else { b".inc" };
        names.retain(|name| name.as_bytes().ends_with(ending));
        names.sort();
        if names.is_empty() {
            // Nothing is included, so the module, if there is one, goes on (`include_config` in params.c).
            return;
        }
        if is_include {
            self.save();
        }
        for name in names {
            if is_include {
                self.come_back();
                self.begin_block(Scope::Global, None, span.source);
            }
            // rsync joins with one slash, and does not look for files in folders below.
            let mut path = folder.as_os_str().to_owned().into_vec();
            path.push(b'/');
            path.extend_from_slice(name.as_bytes());
            let path = PathBuf::from(OsString::from_vec(path));
            match self.open(&path) {
                Ok(Opened::File(bytes)) => self.included(span, path, bytes),
                // rsync opens it like a file and finds nothing to read.
                Ok(Opened::Folder(_)) => {}
                Err(error) => self.not_opened(span, path, error),
            }
        }
        if is_include {
            self.restore();
            self.begin_block(Scope::Global, None, span.source);
        }
    }

    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        if self.is_full {
            return Err(too_much());
        }
        self.files.open(path)
    }

    fn included(&mut self, directive: Span, path: PathBuf, bytes: Vec<u8>) {
        if let Some(source) = self.admitted(directive, path, bytes) {
            self.file(source);
        }
    }

    /// The source of what is included, unless it must not be followed.
    #[inline(never)]
    fn admitted(&mut self, directive: Span, path: PathBuf, bytes: Vec<u8>) -> Option<SourceId> {
        // Inside what it is itself, a file comes back to this line, by whatever name it is called.
        let is_read = |&source: &SourceId| self.sources.get(source).bytes()[..] == bytes[..];
        if self.reading.iter().any(is_read) {
            self.problem(directive, ProblemKind::Fatal(FatalError::Cycle(path)));
            return None;
        }
        let before = self.by_path.get(&path).copied();
        if self.configuration.includes.len() >= MOST_INCLUDES {
            self.is_full = true;
            // Files that include others twice double at each level; many that are included once are only many.
            match before {
                Some(_) => self.problem(directive, ProblemKind::Fatal(FatalError::TooManyIncludes)),
                None => self.not_opened(directive, path, too_much()),
            }
            return None;
        }
        if self.reading.len() > DEEPEST_INCLUDE {
            let reason = format!("includes are followed {DEEPEST_INCLUDE} deep, and no deeper");
            self.not_opened(directive, path, NotOpened::Unknown(Unknown::Failed(reason)));
            return None;
        }
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.is_full = true;
            self.not_opened(directive, path, too_much());
            return None;
        };
        self.room = room;
        let is_same = |source: &SourceId| self.sources.get(*source).bytes()[..] == bytes[..];
        let source = before
            .filter(is_same)
            .unwrap_or_else(|| self.sources.add(Source::new(self.files.name(&path), bytes)));
        self.by_path.insert(path.clone(), source);
        self.configuration.includes.push(Include {
            directive,
            source,
            path,
        });
        Some(source)
    }

    /// A file whose lines belong to where the reader is.
    #[inline(never)]
    fn not_opened(&mut self, span: Span, path: PathBuf, error: NotOpened) {
        if matches!(error, NotOpened::Unknown(_)) {
            self.leave_open();
        }
        self.problem(span, problem_of(path, error));
    }

    /// Leaves open what the scope holds into which lines were merged that nobody saw.
    pub(super) fn leave_open(&mut self) {
        match self.scope {
            Scope::Global => self.configuration.are_globals_settled = false,
            Scope::Module(module) => {
                self.configuration.unsettled.insert(module);
            }
        }
    }

    /// Keeps the globals, which an `&include` does not change.
    fn save(&mut self) {
        let configuration = &self.configuration;
        self.saved
            .push((configuration.globals.clone(), configuration.are_globals_settled));
    }

    /// Takes the globals for what they were before the `&include`.
    fn come_back(&mut self) {
        if let Some((globals, are_settled)) = self.saved.last() {
            self.configuration.globals = globals.clone();
            self.configuration.are_globals_settled = *are_settled;
        }
    }

    fn restore(&mut self) {
        self.come_back();
        self.saved.pop();
    }
}

fn problem_of(path: PathBuf, error: NotOpened) -> ProblemKind {
    match error {
        NotOpened::Failed(reason) => ProblemKind::Fatal(FatalError::Include(path, reason)),
        NotOpened::Unknown(reason) => ProblemKind::IncludeNotSeen(path, reason),
    }
}

/// Why nothing more is included.
fn too_much() -> NotOpened {
    NotOpened::Unknown(Unknown::TooMuch(MOST_INCLUDES, MOST_INCLUDED >> 20))
}
