use super::{Ignored, Missing, Part, Place, Reason, Setting};
use crate::syntax::sersync::{Attribute, Document, Element};

/// Names that sersync-plus reads and sersync does not, by the element that has them.
const SERSYNC_PLUS: [(&str, &[&str]); 2] = [
    (
        "head",
        &["web", "database", "logging", "notification", "bidirectional"],
    ),
    (
        "remote",
        &[
            "mode",
            "node_id",
            "conflict_strategy",
            "sync_interval",
            "metadata",
        ],
    ),
];

/// Reads elements and remembers what was asked for in vain, and what nobody asked for.
pub(super) struct Reader<'a> {
    pub(super) document: &'a Document,
    pub(super) file: &'a [u8],
    pub(super) missing: Vec<Missing>,
    pub(super) ignored: Vec<Ignored>,
}

/// An element of which a part has been read.
pub(super) struct Block<'a> {
    pub(super) element: &'a Element,
    /// What has not been read yet.
    attributes: Vec<&'a Attribute>,
    children: Vec<&'a Element>,
    /// Which names have been asked for.
    asked_attributes: Vec<&'static str>,
    asked_children: Vec<&'static str>,
}

/// Whether sersync can do without something.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// It crashes.
    Mandatory,
    /// It does not look, or does not mind.
    Optional,
}

impl Need {
    /// The same need, if `condition` holds.
    pub(super) fn when(self, condition: bool) -> Self {
        match condition {
            true => self,
            false => Self::Optional,
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document, file: &'a [u8]) -> Self {
        Self {
            document,
            file,
            missing: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Reads `element`, and lists what `read` leaves of it.
    pub(super) fn block<T>(
        &mut self,
        element: &'a Element,
        read: impl FnOnce(&mut Self, &mut Block<'a>) -> T,
    ) -> T {
        let mut block = Block {
            element,
            attributes: element.attributes.iter().collect(),
            children: self.document.children(element).collect(),
            asked_attributes: Vec::new(),
            asked_children: Vec::new(),
        };
        let value = read(self, &mut block);
        self.ignore_rest(block);
        value
    }

    /// Reads the first element called `name`.
    pub(super) fn element<T>(
        &mut self,
        parent: &mut Block<'a>,
        name: &'static str,
        need: Need,
        read: impl FnOnce(&mut Self, &mut Block<'a>) -> T,
    ) -> Option<T> {
        parent.asked_children.push(name);
        let index = parent.children.iter().position(|child| child.is(name));
        self.check(index.is_some(), parent, Part::Element, name, need);
        let child = parent.children.remove(index?);
        Some(self.block(child, read))
    }

    /// Reads all elements called `name`, of which one is needed; `read` gets the number of those before.
    pub(super) fn elements<T>(
        &mut self,
        parent: &mut Block<'a>,
        name: &'static str,
        need: Need,
        mut read: impl FnMut(&mut Self, &mut Block<'a>, usize) -> T,
    ) -> Vec<T> {
        let children = parent.children.extract_if(.., |child| child.is(name));
        let values: Vec<_> = children
            .enumerate()
            .map(|(index, child)| self.block(child, |reader, block| read(reader, block, index)))
            .collect();
        self.check(!values.is_empty(), parent, Part::Element, name, need);
        values
    }

    /// Reads the first attribute called `name`.
    pub(super) fn attribute(
        &mut self,
        block: &mut Block<'a>,
        name: &'static str,
        need: Need,
    ) -> Option<Setting> {
        block.asked_attributes.push(name);
        let index = block.attributes.iter().position(|a| a.is(name));
        let attribute = index.map(|index| block.attributes.remove(index));
        let setting = attribute.and_then(setting);
        self.check(setting.is_some(), block, Part::Attribute, name, need);
        setting
    }

    fn check(&mut self, is_there: bool, within: &Block<'_>, part: Part, name: &'static str, need: Need) {
        if !is_there && matches!(need, Need::Mandatory) {
            self.missing.push(Missing {
                part,
                name,
                within: within.place(),
            });
        }
    }

    fn ignore_rest(&mut self, block: Block<'a>) {
        let within = block.place();
        let attributes = block.attributes.iter().map(|attribute| Ignored {
            part: Part::Attribute,
            name: attribute.name.clone(),
            range: attribute.range.clone(),
            within: within.clone(),
            reason: reason(block.element, &block.asked_attributes, |name| attribute.is(name)),
        });
        let children = block.children.iter().map(|child| Ignored {
            part: Part::Element,
            name: child.name.clone(),
            range: child.range.clone(),
            within: within.clone(),
            reason: reason(block.element, &block.asked_children, |name| child.is(name)),
        });
        self.ignored.extend(attributes.chain(children));
    }
}

impl Block<'_> {
    pub(super) fn place(&self) -> Place {
        Place {
            name: self.element.name.clone(),
            tag: self.element.tag.clone(),
            range: self.element.range.clone(),
        }
    }
}

fn setting(attribute: &Attribute) -> Option<Setting> {
    let value = attribute.value.as_ref()?;
    Some(Setting {
        name: attribute.name.range(),
        value: value.text.clone(),
        range: value.range.clone(),
    })
}

/// Why something in `parent`, of which `asked` was read, has been left.
fn reason(parent: &Element, asked: &[&str], is: impl Fn(&str) -> bool) -> Reason {
    let plus = SERSYNC_PLUS
        .iter()
        .any(|(element, names)| parent.is(element) && names.iter().any(|name| is(name)));
    match asked.iter().any(|name| is(name)) {
        true => Reason::Repeated,
        false if plus => Reason::SersyncPlus,
        false => Reason::Unknown,
    }
}
