//! XML 1.0, as the formats of other tools need it.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::render::visible::shown_as;

/// Writes elements, each on a line of its own.
pub(super) struct Xml<'a>(Writer<&'a mut dyn io::Write>);

impl<'a> Xml<'a> {
    /// Begins a document.
    pub(super) fn new(out: &'a mut dyn io::Write) -> io::Result<Self> {
        let mut writer = Writer::new_with_indent(out, b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Self(writer))
    }

    /// An element with what `content` writes.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.write_event(Event::Start(start(name, attributes)))?;
        content(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.0.write_event(Event::Empty(start(name, attributes)))
    }

    /// An element with lines of text.
    pub(super) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        let lines: Vec<_> = text.lines().map(allowed).collect();
        let text = lines.join("\n");
        self.element(name, attributes, |xml| {
            xml.0.write_event(Event::Text(BytesText::new(&text)))
        })
    }

    /// Ends the document.
    pub(super) fn end(self) -> io::Result<()> {
        self.0.into_inner().write_all(b"\n")
    }
}

fn start<'n>(name: &'n str, attributes: &[(&str, &str)]) -> BytesStart<'n> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, &*allowed(value)));
    }
    start
}

/// A text on one line, of characters that XML 1.0 allows: control characters and two others cannot even be escaped.
fn allowed(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c => shown_as(c),
        })
        .collect()
}
