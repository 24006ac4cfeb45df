use std::{collections::HashMap, ops::Range};

use super::{
    Document, Element, Kind, Node, Problem, Trouble,
    scan::{Scanner, Tag, TagEnd, Token, is_space},
};

/// Reads `part` of a file.
pub(super) fn build(file: &[u8], part: Range<usize>) -> Document {
    let mut scanner = Scanner::new(file, part.clone());
    let mut tree = Tree {
        file,
        document: Document::default(),
        open: Vec::new(),
        open_names: HashMap::new(),
    };
    while let Some((range, token)) = scanner.token() {
        let kind = match token {
            Token::Node(kind) => kind,
            Token::Open(tag) => tree.open(tag, &range),
            Token::Close(name) => tree.close(name, &range),
        };
        tree.check_place(&range, &kind);
        tree.document.nodes.push(Node { range, kind });
    }
    while !tree.open.is_empty() {
        tree.close_innermost(part.end, tree.document.nodes.len());
    }
    tree.check_root(part.end);
    let Tree { mut document, .. } = tree;
    document.problems.append(&mut scanner.problems);
    document
        .problems
        .sort_by_key(|problem| (problem.range.start, problem.range.end));
    document
}

struct Tree<'a> {
    file: &'a [u8],
    document: Document,
    /// The elements around the current place, outermost first, as indexes, and how their tags end.
    open: Vec<(usize, TagEnd)>,
    /// How many of them have a name, in lower case: a closing tag that has no partner is so found without a search.
    open_names: HashMap<Vec<u8>, usize>,
}

impl Tree<'_> {
    fn open(&mut self, tag: Tag, range: &Range<usize>) -> Kind {
        let Document { nodes, elements, .. } = &mut self.document;
        let index = elements.len();
        let name = tag.name.bytes().to_ascii_lowercase();
        elements.push(Element {
            name: tag.name,
            attributes: tag.attributes,
            tag: range.clone(),
            range: range.clone(),
            nodes: nodes.len()..nodes.len() + 1,
            descendants: index + 1..index + 1,
        });
        if tag.end == TagEnd::Empty {
            return Kind::Empty(index);
        }
        *self.open_names.entry(name).or_default() += 1;
        self.open.push((index, tag.end));
        Kind::Open(index)
    }

    fn close(&mut self, name: Range<usize>, range: &Range<usize>) -> Kind {
        let written = &self.file[name.clone()];
        if !self.open_names.contains_key(&written.to_ascii_lowercase()) {
            self.report(range.clone(), Trouble::StrayClosingTag);
            return Kind::Close { name, element: None };
        }
        let node = self.document.nodes.len();
        loop {
            let (innermost, _) = *self.open.last().expect("an element of that name is open");
            let innermost_name = &self.document.elements[innermost].name;
            if !innermost_name.bytes().eq_ignore_ascii_case(written) {
                self.close_innermost(range.start, node);
                continue;
            }
            if innermost_name.bytes() != written {
                self.report(name.clone(), Trouble::NameCaseDiffers);
            }
            self.leave(range.end, node + 1);
            return Kind::Close {
                name,
                element: Some(innermost),
            };
        }
    }

    /// Ends the innermost element without a closing tag.
    fn close_innermost(&mut self, end: usize, node: usize) {
        let (index, tag_end) = self.leave(end, node);
        // A tag that is itself incomplete has been reported.
        if tag_end != TagEnd::Missing {
            let tag = self.document.elements[index].tag.clone();
            self.report(tag, Trouble::UnclosedElement);
        }
    }

    /// Leaves the innermost element, which ends at offset `end` and before the node with the index `node`.
    fn leave(&mut self, end: usize, node: usize) -> (usize, TagEnd) {
        let (index, tag_end) = self.open.pop().expect("only called with an open element");
        let descendants_end = self.document.elements.len();
        let element = &mut self.document.elements[index];
        element.range.end = end;
        element.nodes.end = node;
        element.descendants.end = descendants_end;
        let name = element.name.bytes().to_ascii_lowercase();
        if let Some(count) = self.open_names.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                self.open_names.remove(&name);
            }
        }
        (index, tag_end)
    }

    /// Reports what XML does not allow at this place of the file; the node is not yet in the document.
    fn check_place(&mut self, range: &Range<usize>, kind: &Kind) {
        match kind {
            Kind::Instruction(text) => {
                let target = &self.file[text.clone()];
                let name = target.split(|&byte| is_space(byte)).next();
                let is_xml = name.is_some_and(|name| name.eq_ignore_ascii_case(b"xml"));
                let nodes = &self.document.nodes;
                if is_xml && nodes.iter().any(|node| node.kind != Kind::ByteOrderMark) {
                    self.report(range.clone(), Trouble::LateXmlDeclaration);
                }
            }
            Kind::Text | Kind::CharacterData(_) if self.open.is_empty() => {
                let text = &self.file[range.clone()];
                let trouble = match self.document.elements.is_empty() {
                    true => Trouble::TextBeforeRoot,
                    false => Trouble::TextAfterRoot,
                };
                if let Some(start) = text.iter().position(|&byte| !is_space(byte)) {
                    let end = text.iter().rposition(|&byte| !is_space(byte));
                    let end = end.map_or(range.end, |last| range.start + last + 1);
                    self.report(range.start + start..end, trouble);
                }
            }
            _ => {}
        }
    }

    fn check_root(&mut self, end: usize) {
        let Some(root) = self.document.root() else {
            self.report(end..end, Trouble::NoRoot);
            return;
        };
        let mut problems = Vec::new();
        if !root.is("head") {
            problems.push((root.name.range(), Trouble::RootIsNotHead));
        }
        let further = self.document.top_level().skip(1);
        problems.extend(further.map(|e| (e.name.range(), Trouble::ElementAfterRoot)));
        for (range, trouble) in problems {
            self.report(range, trouble);
        }
    }

    fn report(&mut self, range: Range<usize>, trouble: Trouble) {
        self.document.problems.push(Problem { range, trouble });
    }
}
