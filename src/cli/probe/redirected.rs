//! The redirections of a text that write files, wherever they stand.

use crate::syntax::shell::{AssignmentValue, Command, Kind, List, Operator, PartKind, Redirection, Word};

/// The redirections that write files, those of functions and of commands in words included.
pub(super) fn redirections(list: &List) -> Vec<&Redirection> {
    let mut found = Vec::new();
    of_list(list, &mut found);
    found
}

fn of_list<'a>(list: &'a List, found: &mut Vec<&'a Redirection>) {
    let commands = list.items.iter().flat_map(|item| &item.pipeline.commands);
    commands.for_each(|command| of_command(command, found));
}

fn of_command<'a>(command: &'a Command, found: &mut Vec<&'a Redirection>) {
    for redirection in &command.redirections {
        let writes = match redirection.operator {
            Operator::Write | Operator::Append | Operator::ReadWrite | Operator::WriteBoth => true,
            // `>& FILE`
            Operator::Duplicate => {
                let target = redirection.target.literal().unwrap_or_default();
                !target.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
            }
            Operator::Read | Operator::HereDocument | Operator::HereString => false,
        };
        if writes {
            found.push(redirection);
        }
        of_word(&redirection.target, found);
    }
    match &command.kind {
        Kind::Simple(simple) => {
            for assignment in &simple.assignments {
                match &assignment.value {
                    AssignmentValue::Word(word) | AssignmentValue::Element(word) => of_word(word, found),
                    AssignmentValue::Array(words) => words.iter().for_each(|word| of_word(word, found)),
                }
            }
            simple.words.iter().for_each(|word| of_word(word, found));
        }
        Kind::Group(list) | Kind::Subshell(list) => of_list(list, found),
        Kind::While { condition, body, .. } => {
            of_list(condition, found);
            of_list(body, found);
        }
        Kind::For { words, body, .. } => {
            words.iter().flatten().for_each(|word| of_word(word, found));
            of_list(body, found);
        }
        Kind::If { branches, otherwise } => {
            for branch in branches {
                of_list(&branch.condition, found);
                of_list(&branch.body, found);
            }
            otherwise.iter().for_each(|list| of_list(list, found));
        }
        Kind::Case { word, arms } => {
            word.iter().for_each(|word| of_word(word, found));
            arms.iter().for_each(|arm| of_list(&arm.body, found));
        }
        Kind::Function { body, .. } => of_command(body, found),
        Kind::Arithmetic => {}
    }
}

fn of_word<'a>(word: &'a Word, found: &mut Vec<&'a Redirection>) {
    for part in &word.parts {
        if let PartKind::Command(list) = &part.kind {
            of_list(list, found);
        }
    }
}
