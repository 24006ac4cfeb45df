use std::ops::Range;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while1},
    character::complete::{char, one_of},
    combinator::{map_opt, value},
    sequence::delimited,
};

use crate::syntax::Text;

/// The bytes of `range` with references decoded; what is no reference stays as it is.
pub(super) fn decode(file: &[u8], range: Range<usize>) -> Text {
    let mut text = Text::at(range.start);
    let mut at = range.start;
    while at < range.end {
        let input = &file[at..range.end];
        if let Ok((rest, character)) = reference(input) {
            let mut buffer = [0; 4];
            for &byte in character.encode_utf8(&mut buffer).as_bytes() {
                text.push(byte, at);
            }
            at = range.end - rest.len();
        } else {
            text.push(file[at], at);
            at += 1;
        }
    }
    text
}

/// Where `range` has an `&` that begins no reference.
pub(super) fn raw_ampersands(file: &[u8], range: Range<usize>) -> impl Iterator<Item = usize> {
    range
        .clone()
        .filter(move |&at| file[at] == b'&' && reference(&file[at..range.end]).is_err())
}

/// One of the five entities of XML, or a character's number.
fn reference(input: &[u8]) -> IResult<&[u8], char> {
    let named = alt((
        value('&', tag("amp")),
        value('<', tag("lt")),
        value('>', tag("gt")),
        value('"', tag("quot")),
        value('\'', tag("apos")),
    ));
    delimited(char('&'), alt((named, hexadecimal, decimal)), char(';')).parse(input)
}

fn hexadecimal(input: &[u8]) -> IResult<&[u8], char> {
    let digits = take_while1(|byte: u8| byte.is_ascii_hexdigit());
    map_opt((char('#'), one_of("xX"), digits), |(_, _, digits)| {
        character(digits, 16)
    })
    .parse(input)
}

fn decimal(input: &[u8]) -> IResult<&[u8], char> {
    let digits = take_while1(|byte: u8| byte.is_ascii_digit());
    map_opt((char('#'), digits), |(_, digits)| character(digits, 10)).parse(input)
}

fn character(digits: &[u8], radix: u32) -> Option<char> {
    let number = u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()?;
    char::from_u32(number).filter(|&character| character != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_and_lead_back_to_the_file() {
        let file = b"a&amp;&lt;&gt;&quot;&apos;&#65;&#x4e2D;b";
        let text = decode(file, 0..file.len());
        assert_eq!(text.display(), "a&<>\"'A\u{4e2d}b");
        assert_eq!(text.range_of(1..2), 1..2);
        assert_eq!(text.range_of(10..11), 39..40);
        assert_eq!(raw_ampersands(file, 0..file.len()).count(), 0);
    }

    #[test]
    fn other_ampersands_stay_and_are_found() {
        for raw in [
            "&",
            "&b;",
            "&amp",
            "&AMP;",
            "&#;",
            "&#x;",
            "&#0;",
            "&#xd800;",
            "&#x110000;",
        ] {
            let file = format!("x{raw} ");
            let range = 0..file.len();
            assert_eq!(decode(file.as_bytes(), range.clone()).display(), file);
            let found: Vec<_> = raw_ampersands(file.as_bytes(), range).collect();
            assert_eq!(found, [1], "{raw}");
        }
    }
}
