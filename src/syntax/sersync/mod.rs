//! The grammar of sersync's confxml.xml: XML as the parser inside sersync 2.5.4 takes it, which is not XML as the
//! standard has it.
//!
//! What each reading rests on: [`Verdict`] says of every problem whether sersync was seen to refuse the file, was
//! seen to accept it, or was not tried.

mod entity;
mod problem;
mod scan;
mod tree;

use std::ops::Range;

pub use problem::{Problem, Trouble, Verdict};

use crate::syntax::Text;

/// A whole file: nodes that stand one behind the other without a gap, so that their bytes are the file's bytes, and
/// the elements that their tags make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In the order of the file.
    pub nodes: Vec<Node>,
    /// In the order of their opening tags; each stands before the elements inside it.
    pub elements: Vec<Element>,
    /// What sersync, or a conforming XML parser, refuses; in the order of the file.
    pub problems: Vec<Problem>,
}

/// A tag, a comment, a stretch of text or the like.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Which bytes of the file.
    pub range: Range<usize>,
    /// What they are.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The UTF-8 byte order mark at the start of the file.
    ByteOrderMark,
    /// Everything between two other nodes; sersync reads no meaning in it.
    Text,
    /// `<!-- … -->`; the range is the text inside. It may hold tags and `--`, but no comment.
    Comment(Range<usize>),
    /// `<![CDATA[ … ]]>`; the range is the text inside.
    CharacterData(Range<usize>),
    /// `<? … ?>`, the XML declaration too; the range is the text inside.
    Instruction(Range<usize>),
    /// `<! … >`, such as a document type; the range is the text inside.
    Declaration(Range<usize>),
    /// `<name …>`; the number is the index of its element.
    Open(usize),
    /// `<name … />`; the number is the index of its element.
    Empty(usize),
    /// `</name>`.
    Close {
        /// Where the name stands.
        name: Range<usize>,
        /// The index of the element that it closes, if one of that name is open.
        element: Option<usize>,
    },
    /// `<` or `</` without a name behind it.
    StrayBracket,
}

/// An element, from its opening tag to its closing tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The name as written; compare it with [`Element::is`].
    pub name: Text,
    /// In the order of the file.
    pub attributes: Vec<Attribute>,
    /// The opening tag, or the only one.
    pub tag: Range<usize>,
    /// With everything inside. An element that is never closed ends where the element around it does.
    pub range: Range<usize>,
    /// The indexes of its nodes, tags included.
    pub nodes: Range<usize>,
    /// The indexes of all elements inside it.
    pub descendants: Range<usize>,
}

/// A name in a tag, mostly with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name as written; compare it with [`Attribute::is`].
    pub name: Text,
    /// `None` for a name that stands alone.
    pub value: Option<Value>,
    /// From the name to the closing quote.
    pub range: Range<usize>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// With `&amp;` and its like decoded. A byte that came out of a reference stands where the reference begins.
    pub text: Text,
    /// Where it is written, without quotes.
    pub range: Range<usize>,
    /// How it is written.
    pub quotes: Quotes,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quotes {
    /// `"value"`.
    Double,
    /// `'value'`.
    Single,
    /// `value`, which ends at white space or at the end of the tag.
    Without,
    /// `"value`; it is read as one without quotes.
    Unclosed,
}

/// Reads a file. Any bytes give a document.
pub fn parse(file: &[u8]) -> Document {
    tree::build(file, 0..file.len())
}

/// Reads `part` of a file as if it were a file of its own, with offsets in the whole file. That is how elements
/// that are commented out are found; the problems are then those of the part.
pub fn parse_part(file: &[u8], part: Range<usize>) -> Document {
    tree::build(file, part)
}

impl Document {
    /// The bytes that were parsed, put together from the nodes again.
    pub fn print(&self, file: &[u8]) -> Vec<u8> {
        self.nodes
            .iter()
            .flat_map(|node| &file[node.range.clone()])
            .copied()
            .collect()
    }

    /// The first element that stands in no other.
    pub fn root(&self) -> Option<&Element> {
        self.elements.first()
    }

    /// The elements directly inside `element`, which is one of this document.
    pub fn children(&self, element: &Element) -> impl Iterator<Item = &Element> {
        self.elements_of(element.descendants.clone())
    }

    /// The texts of all comments inside `element`, which is one of this document, at any depth.
    pub fn comments(&self, element: &Element) -> impl Iterator<Item = Range<usize>> {
        self.nodes[element.nodes.clone()]
            .iter()
            .filter_map(|node| match &node.kind {
                Kind::Comment(text) => Some(text.clone()),
                _ => None,
            })
    }

    /// Where passwords stand in the file that was parsed, or what may be one: the values of `passwd`, which the plugin
    /// `refreshCDN` has, a `passwordfile` that is no path, what stands behind a colon in `users`, and behind
    /// `--password=` in `params`; in comments too. In the order of the file.
    pub fn passwords(&self, file: &[u8]) -> Vec<Range<usize>> {
        let comments = self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Comment(text) => Some(parse_part(file, text.clone())),
            _ => None,
        });
        let mut found: Vec<_> = self.in_attributes().collect();
        // Whoever comments an element out leaves its password there.
        comments.for_each(|comment| found.extend(comment.in_attributes()));
        found.sort_by_key(|range| range.start);
        found
    }

    fn in_attributes(&self) -> impl Iterator<Item = Range<usize>> {
        let attributes = self.elements.iter().flat_map(|element| &element.attributes);
        attributes.filter_map(|attribute| {
            let value = attribute.value.as_ref()?;
            let bytes = value.text.bytes();
            if attribute.is("passwd") || (attribute.is("passwordfile") && !bytes.contains(&b'/')) {
                return Some(value.range.clone());
            }
            let mark: &[u8] = match attribute {
                _ if attribute.is("users") => b":",
                _ if attribute.is("params") => b"--password=",
                _ => return None,
            };
            let start = mark.len() + bytes.windows(mark.len()).position(|part| part == mark)?;
            Some(value.text.range_of(start..bytes.len()))
        })
    }

    /// Whether every tag is complete and has its partner, so that nothing had to be guessed about what stands in
    /// what.
    pub fn is_well_nested(&self) -> bool {
        !self.problems.iter().any(|p| p.trouble.breaks_nesting())
    }

    /// The outermost elements; a conforming file has one.
    pub fn top_level(&self) -> impl Iterator<Item = &Element> {
        self.elements_of(0..self.elements.len())
    }

    fn elements_of(&self, range: Range<usize>) -> impl Iterator<Item = &Element> {
        let mut next = range.start;
        std::iter::from_fn(move || {
            let element = self.elements[..range.end].get(next)?;
            next = element.descendants.end;
            Some(element)
        })
    }
}

impl Element {
    /// Whether it is called `name`, without case, as sersync compares.
    pub fn is(&self, name: &str) -> bool {
        self.name.bytes().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl Attribute {
    /// Whether it is called `name`, without case, as sersync compares.
    pub fn is(&self, name: &str) -> bool {
        self.name.bytes().eq_ignore_ascii_case(name.as_bytes())
    }
}

#[cfg(test)]
mod referee;
#[cfg(test)]
mod tests;
