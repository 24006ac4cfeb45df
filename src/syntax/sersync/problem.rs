use std::ops::Range;

/// A place at which sersync or a conforming XML parser gives up, or might.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where.
    pub range: Range<usize>,
    /// What is wrong there.
    pub trouble: Trouble,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// `&` in a value that begins none of the five entities and no character number.
    AmpersandInValue,
    /// The same in text.
    AmpersandInText,
    /// An element without its closing tag; the range is the opening tag.
    UnclosedElement,
    /// A closing tag for which no element is open.
    StrayClosingTag,
    /// A tag without `>`: the next one, or the end of the file, comes first.
    UnclosedTag,
    /// A comment, character data, instruction or declaration that lasts to the end of the file.
    UnclosedNode,
    /// A quote without its partner in the tag.
    UnclosedQuote,
    /// No element at all.
    NoRoot,
    /// The first element is not `head`; the range is its name.
    RootIsNotHead,
    /// An attribute without `=`, or with nothing behind it.
    MissingValue,
    /// A value without an attribute name.
    MissingAttributeName,
    /// An attribute that the tag already has; the range is the name. XML has two names if their case differs.
    RepeatedAttribute,
    /// A value without quotes.
    UnquotedValue,
    /// `<` in a value.
    BracketInValue,
    /// `<` without a name behind it.
    BracketWithoutName,
    /// White space between `<` or `</` and the name.
    SpaceBeforeName,
    /// No white space between two attributes; the range is the second one's name.
    NoSpaceBeforeAttribute,
    /// A closing tag that differs from the opening one in case; the range is the name.
    NameCaseDiffers,
    /// `--` in a comment, or a comment that ends with `--->`.
    DashesInComment,
    /// An XML declaration that is not at the start of the file.
    LateXmlDeclaration,
    /// Text before the first element.
    TextBeforeRoot,
    /// Text behind the first element.
    TextAfterRoot,
    /// Another element behind the first one; the range is its name.
    ElementAfterRoot,
}

/// What is known of sersync 2.5.4 and a [`Trouble`]. A conforming XML parser refuses all of them but
/// [`Trouble::RootIsNotHead`] and a [`Trouble::RepeatedAttribute`] in another case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// sersync prints a message and exits: observed for a raw `&` and for elements that are not closed or closed in
    /// the wrong order. A file without `head`, or with a tag that does not end, leaves it nothing to read.
    Refused,
    /// sersync does not mind (observed with 2.5.4).
    Accepted,
    /// Not tried.
    Unknown,
}

impl Trouble {
    /// What sersync makes of it.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::AmpersandInValue
            | Self::UnclosedElement
            | Self::StrayClosingTag
            | Self::UnclosedTag
            | Self::NoRoot
            | Self::RootIsNotHead => Verdict::Refused,
            Self::UnquotedValue | Self::NameCaseDiffers | Self::DashesInComment | Self::TextAfterRoot => {
                Verdict::Accepted
            }
            Self::AmpersandInText
            | Self::UnclosedNode
            | Self::UnclosedQuote
            | Self::MissingValue
            | Self::MissingAttributeName
            | Self::RepeatedAttribute
            | Self::BracketInValue
            | Self::BracketWithoutName
            | Self::SpaceBeforeName
            | Self::NoSpaceBeforeAttribute
            | Self::LateXmlDeclaration
            | Self::TextBeforeRoot
            | Self::ElementAfterRoot => Verdict::Unknown,
        }
    }

    /// Whether it leaves open what stands in what.
    pub(super) fn breaks_nesting(self) -> bool {
        matches!(
            self,
            Self::UnclosedElement
                | Self::StrayClosingTag
                | Self::UnclosedTag
                | Self::UnclosedNode
                | Self::UnclosedQuote
        )
    }
}
