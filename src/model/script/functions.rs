//! The bodies of functions, as they run when they are called.

use std::sync::Arc;

use crate::{
    model::script::{
        Argument, Block,
        walk::{Surroundings, Walk},
    },
    syntax::shell::Command,
};

impl Walk<'_> {
    /// Functions run when they are called; then what is set once, and for sure, is known.
    pub(super) fn functions(&mut self) {
        self.is_in_function = true;
        let set_once = &self.survey.assigned;
        self.variables.keep(|name| set_once.get(name) == Some(&1));
        let mut next = 0;
        while next < self.functions.len() {
            let (name, body) = self.functions[next].clone();
            let mark = self.variables.mark();
            self.arguments_of(&name, body);
            self.blocks = Arc::new(vec![Block::Function(name)]);
            self.command(body, &Surroundings::default());
            self.variables.restore(mark);
            next += 1;
        }
    }

    /// What a function gets when it is called first is one of the things that happen.
    fn arguments_of(&mut self, name: &str, body: &Command) {
        let shifts = self.file[body.range.clone()]
            .windows(5)
            .any(|word| word == b"shift");
        let call = self.found.calls.iter().find(|call| call.program() == name);
        let words = call.filter(|_| !shifts).map(|call| call.arguments().to_vec());
        let known = |word: &&Argument| !word.is_open && !word.has_pattern();
        for (index, word) in words.iter().flatten().enumerate().take(9) {
            if known(&word) {
                self.variables
                    .assign((index + 1).to_string().as_bytes(), word, false);
            }
        }
    }
}
