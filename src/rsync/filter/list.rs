use std::{io, sync::Arc};

use crate::rsync::filter::{
    FilterError,
    merge::{Merge, READ_EARLIER, Reading, Target},
    parse::{Container, Style},
    rule::{Prefix, Rule},
};

/// Who a rule concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Who decides what is sent: `hide`, `show`.
    Sender,
    /// Who decides what is deleted: `protect`, `risk`.
    Receiver,
}

/// For what the rules are asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Whether something is sent.
    Sending,
    /// Whether something that came could be sent.
    Sent,
    /// Whether something is deleted.
    Deleting,
    /// The same in a folder that is being removed.
    DeletingInside,
}

/// What the rules say of a name: the first that speaks of it decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It takes part.
    Included,
    /// It takes no part.
    Excluded,
    /// No rule speaks of it, so it takes part.
    Unmatched,
}

/// What a user ignores everywhere, for `-C`.
#[derive(Clone, Debug, Default)]
pub struct CvsIgnores {
    /// The content of `$HOME/.cvsignore`.
    pub home: Vec<u8>,
    /// The variable `CVSIGNORE`.
    pub variable: Vec<u8>,
}

/// Reads a file with rules: a path without a slash in front is relative to where the transfer takes place, or, while
/// options are read, to where the program was started.
pub type ReadRules<'r> = dyn FnMut(&[u8]) -> io::Result<Vec<u8>> + 'r;

/// The rules of a command line, and those of merge files in the folders that were entered.
#[derive(Clone, Debug, Default)]
pub struct FilterList {
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) merges: Vec<Merge>,
    pub(super) cvs: Option<Vec<Arc<Rule>>>,
    ignores: CvsIgnores,
    pub(super) deletes_excluded: bool,
    /// Rules stand between NULs, not on lines.
    pub(super) ends_with_nul: bool,
    /// The folder of the transfer as an absolute path, without a slash at the end.
    pub(super) root: Vec<u8>,
    /// Whether it is known, and so what is read counts from there.
    pub(super) has_root: bool,
    /// Which side we are, once the rules were announced.
    pub(super) role: Option<Side>,
    /// What held in the folders above the one that was entered last.
    pub(super) saved: Vec<Vec<Arc<Vec<Arc<Rule>>>>>,
    /// Whether a rule spoke of extended attributes.
    pub(super) has_xattr_rules: bool,
    /// What was dropped and is not told yet, as rsync says it.
    pub(super) dropped: Vec<String>,
}

/// What CVS ignores (the manual of rsync, at `--cvs-exclude`).
const CVS_DEFAULTS: &[u8] = b"RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo *~ #* .#* ,* _$* *$ \
*.old *.bak *.BAK *.orig *.rej .del-* *.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core .svn/ .git/ .hg/ .bzr/";

impl FilterList {
    /// A list without rules; the ignores are for `-C`.
    pub fn new(ignores: CvsIgnores) -> Self {
        Self {
            ignores,
            ..Self::default()
        }
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What was dropped since this was asked last, a line for each rule: one that is longer than any path.
    pub fn take_dropped(&mut self) -> Vec<String> {
        std::mem::take(&mut self.dropped)
    }

    /// From here on, rules without a side are the sender's (`--delete-excluded`).
    pub const fn delete_excluded(&mut self) {
        self.deletes_excluded = true;
    }

    /// From here on, rules in files end with NUL (`--from0`).
    pub const fn end_with_nul(&mut self, is_on: bool) {
        self.ends_with_nul = is_on;
    }

    /// `--filter`: a rule with any prefix.
    ///
    /// # Errors
    ///
    /// What is no rule, and merge files that cannot be read.
    pub fn filter(&mut self, rule: &[u8], read: &mut ReadRules<'_>) -> Result<(), FilterError> {
        self.add(rule, Prefix::default(), Style::Full, read)
    }

    /// `--exclude`, or `--include`.
    ///
    /// # Errors
    ///
    /// A rule without a pattern.
    pub fn pattern(
        &mut self,
        rule: &[u8],
        is_include: bool,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let prefix = Prefix {
            is_include,
            ..Prefix::default()
        };
        self.add(rule, prefix, Style::Old, read)
    }

    /// `--exclude-from`, or `--include-from`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, and what is no rule in it.
    pub fn patterns_of(
        &mut self,
        file: &[u8],
        is_include: bool,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        // No name is no file (`parse_filter_file` in exclude.c).
        if file.is_empty() {
            return Ok(());
        }
        let container = Container {
            prefix: Prefix {
                is_include,
                ..Prefix::default()
            },
            style: Style::Old,
            place: None,
            deletes_excluded: self.deletes_excluded,
        };
        let mut target = Target::of(std::mem::take(&mut self.rules));
        let result = self.read_file(&mut target, file, &container, &Reading::default(), read);
        self.rules = target.local;
        result
    }

    /// Where the transfer takes place: an absolute path, which absolute rules and parent folders' merge files need.
    pub fn set_root(&mut self, root: &[u8]) {
        self.root = root.strip_suffix(b"/").unwrap_or(root).to_vec();
        self.has_root = true;
    }

    /// Whether a name below the root of the transfer takes no part: is not sent, or not deleted. Merge files of the folders
    /// above it count if those were entered.
    pub fn excludes(&self, name: &[u8], is_directory: bool, purpose: Purpose) -> bool {
        self.decide(&Question::of(name, is_directory, purpose)) == Verdict::Excluded
    }

    /// What the rules with `x` say of an extended attribute.
    pub fn check_xattr(&self, name: &[u8], side: Side) -> Verdict {
        let question = Question {
            name,
            is_directory: false,
            is_xattr: true,
            side,
            skips_perishable: false,
        };
        self.decide(&question)
    }

    /// Whether one of the rules that were read has `x`, wherever it stood.
    pub const fn has_xattr_rules(&self) -> bool {
        self.has_xattr_rules
    }

    /// Whether merge files of folders may hold rules that only the sender has read.
    pub const fn has_folder_rules(&self) -> bool {
        !self.merges.is_empty()
    }

    /// What rsync says with `--debug=FILTER` of the rule that decides about a name; nothing if none does
    /// (`report_filter_result` in exclude.c).
    pub fn reason(&self, name: &[u8], is_directory: bool, purpose: Purpose) -> Option<Vec<u8>> {
        let question = Question::of(name, is_directory, purpose);
        let (rule, origin) = self.deciding(&self.rules, Origin::CommandLine, &question)?;
        let done: &[u8] = match (purpose, rule.prefix.is_include) {
            (Purpose::Sending, true) => b"[sender] showing ",
            (Purpose::Sending, false) => b"[sender] hiding ",
            (_, true) => b"[generator] risking ",
            (_, false) => b"[generator] protecting ",
        };
        let kind: &[u8] = if is_directory { b"directory " } else { b"file " };
        let pattern = match (rule.is_from_file, rule.prefix.is_for_directories) {
            (true, _) => format!("<rule from {READ_EARLIER}>").into_bytes(),
            (false, true) => [&*rule.pattern, b"/"].concat(),
            (false, false) => rule.pattern.clone(),
        };
        let origin = match origin {
            Origin::CommandLine => Vec::new(),
            Origin::Cvs => b" [global CVS]".to_vec(),
            Origin::Folders(merge) => merge.said(),
        };
        Some([done, kind, name, b" because of pattern ", &*pattern, &*origin].concat())
    }

    fn decide(&self, question: &Question<'_>) -> Verdict {
        match self.deciding(&self.rules, Origin::CommandLine, question) {
            None => Verdict::Unmatched,
            Some((rule, _)) if rule.prefix.is_include => Verdict::Included,
            Some(_) => Verdict::Excluded,
        }
    }

    /// The first rule that speaks of something, and where it stands (`check_filter` in exclude.c).
    fn deciding<'r>(
        &'r self,
        rules: &'r [Arc<Rule>],
        origin: Origin<'r>,
        question: &Question<'_>,
    ) -> Option<(&'r Rule, Origin<'r>)> {
        for rule in rules {
            if question.skips_perishable && rule.prefix.is_perishable {
                continue;
            }
            let others = if let Some(number) = rule.merge {
                let merge = &self.merges[number];
                Some((&**merge.rules, Origin::Folders(merge)))
            } else if rule.prefix.is_cvs {
                self.cvs.as_deref().map(|rules| (rules, Origin::Cvs))
            } else {
                None
            };
            if let Some((others, origin)) = others {
                let deciding = self.deciding(others, origin, question);
                if deciding.is_some() {
                    return deciding;
                }
                continue;
            }
            let concerns = rule.prefix.is_for_xattrs == question.is_xattr
                && rule.only.is_none_or(|only| only == question.side);
            if concerns && rule.speaks_of(question.name, question.is_directory, &self.root) {
                return Some((rule, origin));
            }
        }
        None
    }

    pub(super) fn add(
        &mut self,
        text: &[u8],
        prefix: Prefix,
        style: Style,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let container = Container {
            prefix,
            style,
            place: None,
            deletes_excluded: self.deletes_excluded,
        };
        let mut target = Target::of(std::mem::take(&mut self.rules));
        let result = self.read_text(&mut target, text, &container, &Reading::default(), read);
        self.rules = target.local;
        result
    }

    /// Reads once what CVS ignores (`get_cvs_excludes` in exclude.c).
    pub(super) fn read_cvs_ignores(&mut self, prefix: &Prefix) -> Result<(), FilterError> {
        if self.cvs.is_some() {
            return Ok(());
        }
        self.cvs = Some(Vec::new());
        let ignores = std::mem::take(&mut self.ignores);
        let mut target = Target::of(Vec::new());
        let texts = [
            (CVS_DEFAULTS, true, false),
            (&*ignores.home, false, true),
            (&*ignores.variable, false, false),
        ];
        for (text, is_perishable, is_file) in texts {
            let container = Container {
                prefix: Prefix {
                    is_perishable: is_perishable || prefix.is_perishable,
                    ..prefix.clone()
                },
                style: Style::Full,
                place: is_file.then(|| READ_EARLIER.to_owned()),
                deletes_excluded: self.deletes_excluded,
            };
            // These name no files.
            let read = &mut |_: &[u8]| Err(io::ErrorKind::Unsupported.into());
            self.read_text(&mut target, text, &container, &Reading::default(), read)?;
        }
        self.cvs = Some(target.local);
        Ok(())
    }
}

/// Where a rule stands.
#[derive(Clone, Copy)]
enum Origin<'r> {
    CommandLine,
    /// What CVS ignores.
    Cvs,
    /// A merge file of folders.
    Folders(&'r Merge),
}

/// What is asked of the rules.
struct Question<'n> {
    name: &'n [u8],
    is_directory: bool,
    is_xattr: bool,
    side: Side,
    skips_perishable: bool,
}

impl<'n> Question<'n> {
    fn of(name: &'n [u8], is_directory: bool, purpose: Purpose) -> Self {
        Self {
            name,
            is_directory,
            is_xattr: false,
            side: match purpose {
                Purpose::Sending | Purpose::Sent => Side::Sender,
                Purpose::Deleting | Purpose::DeletingInside => Side::Receiver,
            },
            skips_perishable: purpose == Purpose::DeletingInside,
        }
    }
}
