//! Texts that are run as scripts: `sh -c '…'`.

use std::sync::Arc;

use crate::{
    model::script::{
        Argument, Block, Call, Scope, Status, Text, runner,
        scopes::scopes,
        survey::survey,
        walk::{Surroundings, Walk},
    },
    syntax::shell::{self, Simple},
};

/// How often such a text may stand in another.
const DEEPEST_TEXT: usize = 4;

impl<'a> Walk<'a> {
    /// `sh -c '…'`: what stands in the quotes is a script too.
    pub(super) fn text_as_script(&mut self, simple: &'a Simple, call: &Call, surroundings: &Surroundings) {
        let program = call.program();
        let is_shell = matches!(
            &*program,
            "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "su" | "runuser" | "flock"
        );
        let is_su = matches!(&*program, "su" | "runuser");
        if !is_shell || self.texts >= DEEPEST_TEXT {
            return;
        }
        let Some(at) = call.words.iter().position(|word| {
            let text = word.text();
            let is_long = is_su && matches!(&*text, "--command" | "--session-command");
            is_long || text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        }) else {
            return;
        };
        let Some(range) = call.words.get(at + 1).map(|word| word.range.clone()) else {
            return;
        };
        let word = simple.words.iter().find(|word| word.range == range);
        let Some([part]) = word.map(|word| &word.parts[..]) else {
            return;
        };
        let shell::PartKind::Literal(text) = &part.kind else {
            return;
        };
        // With backslashes in it, places in it are no places of the file.
        if text.len() != part.range.len() {
            return;
        }
        let inner = shell::parse_part(self.file, part.range.clone());
        let mut walk = Walk::new(self.file, survey(&inner.list, self.file));
        walk.texts = self.texts + 1;
        walk.holds_lock = call.holds_lock || program == "flock";
        walk.output = self.output.clone();
        walk.errors = self.errors.clone();
        walk.list(&inner.list, surroundings.status != Some(Status::Dropped));
        walk.functions();
        let outer = match &*program {
            "su" | "runuser" => runner::of_su(call.arguments()),
            _ => call.runner.clone(),
        };
        // What it sets is gone where it ends.
        self.found.scopes.push(Scope {
            range: part.range.clone(),
            is_own_shell: true,
            function: None,
        });
        self.found.scopes.extend(scopes(&inner.list, self.file));
        self.found.scopes.extend(walk.found.scopes);
        self.found.texts.push(Text {
            range: part.range.clone(),
            shell: match &*program {
                "su" | "runuser" => runner::shell_of_su(call.arguments()),
                "flock" => None,
                _ => call.words.first().map(Argument::text),
            },
        });
        self.found.texts.extend(walk.found.texts);
        let base = self.found.calls.len();
        for mut call in walk.found.calls {
            let shift = |index: &mut Option<usize>| *index = index.map(|index| index + base);
            shift(&mut call.pipe_from);
            for block in Arc::make_mut(&mut call.blocks) {
                if let Block::While { fed_by, .. } = block {
                    shift(fed_by);
                }
            }
            Arc::make_mut(&mut call.blocks).splice(0..0, self.blocks.iter().cloned());
            call.runner = call.runner.or(outer.clone());
            self.found.calls.push(call);
        }
    }
}
