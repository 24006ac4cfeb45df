#![cfg(test)]

use super::*;

fn words(file: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    visit(&parse(file.as_bytes()).list, &mut |command| {
        if let Kind::Simple(simple) = &command.kind
            && !simple.words.is_empty()
        {
            let words = simple.words.iter();
            found.push(words.map(|word| file[word.range.clone()].to_owned()).collect());
        }
    });
    found
}

fn visit(list: &List, see: &mut dyn FnMut(&Command)) {
    for command in list.items.iter().flat_map(|item| &item.pipeline.commands) {
        visit_command(command, see);
    }
}

fn visit_command(command: &Command, see: &mut dyn FnMut(&Command)) {
    see(command);
    match &command.kind {
        Kind::Simple(simple) => {
            for part in simple.words.iter().flat_map(|word| &word.parts) {
                if let PartKind::Command(list) = &part.kind {
                    visit(list, see);
                }
            }
        }
        Kind::Group(list) | Kind::Subshell(list) | Kind::For { body: list, .. } => visit(list, see),
        Kind::While { condition, body, .. } => {
            [condition, body].into_iter().for_each(|list| visit(list, see));
        }
        Kind::If { branches, otherwise } => {
            for branch in branches {
                visit(&branch.condition, see);
                visit(&branch.body, see);
            }
            otherwise.iter().for_each(|list| visit(list, see));
        }
        Kind::Case { arms, .. } => arms.iter().for_each(|arm| visit(&arm.body, see)),
        Kind::Function { body, .. } => visit_command(body, see),
        Kind::Arithmetic => {}
    }
}

#[test]
fn every_command_of_a_script_is_found() {
    let file = r#"#!/bin/bash
set -e # all of it
src=/web/wwwroot/
if [ -d "$src" ]; then rsync -a \
    "$src" h::data || exit 1
elif ! test -f x; then echo no
else :; fi
for i in a b; do one $i; done; while read f; do two; done < list
case "$1" in start|restart) three ;; *) four; esac
f() { five; }; function g { six; }
( seven && eight & ) | nine
x=$(ten "$(eleven)" `twelve`) thirteen
until fourteen; do :; done
"#;
    let found = words(file);
    let first: Vec<&str> = found
        .iter()
        .filter_map(|words| words.first())
        .map(|word| &**word)
        .collect();
    assert_eq!(
        first,
        [
            "set", "[", "rsync", "exit", "test", "echo", ":", "one", "read", "two", "three", "four", "five",
            "six", "seven", "eight", "nine", "thirteen", "fourteen", ":"
        ]
    );
    assert_eq!(found[2], ["rsync", "-a", "\"$src\"", "h::data"]);
}

#[test]
fn words_are_put_together_of_parts() {
    let file = br#"a$src$user1@$host1::"$dst 1"'q'\ x${y:-z}$(id)$((1+2))`w`"#;
    let script = parse(file);
    let Kind::Simple(simple) = &script.list.items[0].pipeline.commands[0].kind else {
        panic!("a simple command");
    };
    let shown: Vec<String> = simple.words[0]
        .parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::Literal(text) => format!("{}{}", String::from_utf8_lossy(text), part.is_quoted),
            PartKind::Variable { name, operator } => format!(
                "${}{}{}",
                String::from_utf8_lossy(&file[name.clone()]),
                String::from_utf8_lossy(&file[operator.clone()]),
                part.is_quoted
            ),
            PartKind::Command(_) => "command".to_owned(),
            PartKind::Arithmetic => "sum".to_owned(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "afalse",
            "$srcfalse",
            "$user1false",
            "@false",
            "$host1false",
            "::false",
            "$dsttrue",
            " 1q true",
            "xfalse",
            "$y:-zfalse",
            "command",
            "sum",
            "command"
        ]
    );
}

#[test]
fn here_documents_are_skipped_and_kept() {
    let file = b"cat <<EOF >a; cat <<-'X'\nrsync one\nEOF\n\ttwo\n\tX\nlast\n";
    let mut bodies = Vec::new();
    let mut names = Vec::new();
    visit(&parse(file).list, &mut |command| {
        let Kind::Simple(simple) = &command.kind else {
            return;
        };
        names.extend(simple.words.iter().filter_map(Word::literal));
        for here in command
            .redirections
            .iter()
            .filter_map(|redirection| redirection.here_document.clone())
        {
            bodies.push((
                String::from_utf8_lossy(&file[here.body]).into_owned(),
                here.is_literal,
            ));
        }
    });
    assert_eq!(
        bodies,
        [("rsync one\n".to_owned(), false), ("\ttwo\n".to_owned(), true)]
    );
    assert_eq!(names, [&b"cat"[..], b"cat", b"last"]);
}

#[test]
fn redirections_and_joins_are_told() {
    let script = parse(b"a >>log 2>&1 &\nb &> x && c < y || ! d | e");
    let joins: Vec<Join> = script.list.items.iter().map(|item| item.join).collect();
    assert_eq!(joins, [Join::Background, Join::And, Join::Or, Join::Next]);
    let first = &script.list.items[0].pipeline.commands[0].redirections;
    assert_eq!((first[0].operator, first[0].descriptor), (Operator::Append, None));
    assert_eq!(
        (first[1].operator, first[1].descriptor),
        (Operator::Duplicate, Some(2))
    );
    let last = &script.list.items[3].pipeline;
    assert!(last.is_negated && last.commands.len() == 2);
}

#[test]
fn arrays_and_tests_hold_no_commands() {
    let found = words(
        "opts=(-a\n # note\n --delete)\n[[ -n $a && $b < c ]] && run\nif (( a > 1 )); then x; fi\nopts+=(-z)\n",
    );
    assert_eq!(found.last().map(|words| &*words[0]), Some("x"));
    assert!(found.contains(&vec!["run".to_owned()]));
    let Kind::Simple(simple) = &parse(b"o=(-a 'b c')").list.items[0].pipeline.commands[0]
        .kind
        .clone()
    else {
        panic!("an assignment");
    };
    let AssignmentValue::Array(words) = &simple.assignments[0].value else {
        panic!("an array");
    };
    assert_eq!(words[1].literal().as_deref(), Some(&b"b c"[..]));
}

#[test]
fn broken_scripts_are_read_as_far_as_they_make_sense() {
    for broken in [
        "done; fi; } rsync -a x y",
        "if x; rsync -a x y",
        "while :; do rsync -a x y",
        ") rsync -a x y",
        ";; rsync -a x y",
        "case x in\nrsync -a x y",
        "foo (bar; rsync -a x y",
    ] {
        let found = words(broken);
        assert!(
            found
                .iter()
                .any(|words| words.join(" ").ends_with("rsync -a x y")),
            "{broken}: {found:?}"
        );
    }
}

/// Deep nesting is no recursion without bounds, and no part is read again and again.
#[test]
fn nothing_is_too_much() {
    for piece in [
        "(",
        "$(",
        "`",
        "\"$(",
        "{ ",
        "if x; then ",
        "case x in y) ",
        "while ",
        "f() ",
        "${",
        "$((",
        "((",
        "<<E \"",
        "<<E\n",
        "<(",
        "a=(",
        "x[",
        "@(",
        "\\",
        "'",
        "\"",
        "for i in ",
        "! ",
        "| ",
        "&& ",
        "[[ ",
        "function ",
        "case x in $(",
        "case x in a ",
    ] {
        parse(piece.repeat(20_000).as_bytes());
    }
}
