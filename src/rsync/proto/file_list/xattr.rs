use std::collections::HashMap;

use md5::{Digest as _, Md5};

use crate::rsync::proto::{
    Encode, Input, Stop, Violation,
    file_list::{acl::Cached, path::show},
};

/// An extended attribute of a file in the list (`xattrs.c`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Xattr {
    /// Its whole name, without a NUL.
    pub name: Box<[u8]>,
    /// Its number at the sender, from 1 on.
    pub number: i32,
    /// Its value.
    pub value: XattrValue,
}

/// The value of an extended attribute, as far as it is known.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum XattrValue {
    /// All of it.
    Whole(Box<[u8]>),
    /// Of a long one the length in bytes, and the digest.
    Digest(usize, [u8; 16]),
}

/// Values up to this length in bytes stand in the list.
const LONGEST_WHOLE: usize = 32;

const MAX_COUNT: i32 = 65_536;
const MAX_NAME: i32 = 4096;
const MAX_VALUE: i32 = 128 << 20;

/// The names and values of one file together.
const MAX_FILE: usize = 512 << 20;

/// The names of one file together. Linux gives no more than 64 KiB of them.
const MAX_NAMES: usize = 1 << 20;

impl Xattr {
    /// What stands in the list for attributes and their values, which are sorted by name.
    pub fn listed(attributes: Vec<(Vec<u8>, XattrValue)>) -> Vec<Self> {
        let numbered = (1..).zip(attributes);
        numbered
            .map(|(number, (name, value))| Self {
                name: name.into(),
                number,
                value,
            })
            .collect()
    }
}

impl XattrValue {
    /// Whether a value of that length in bytes does not stand in the list.
    pub const fn is_long(length: usize) -> bool {
        length > LONGEST_WHOLE
    }

    /// How long the value is, in bytes.
    pub fn length(&self) -> usize {
        match self {
            Self::Whole(value) => value.len(),
            Self::Digest(length, _) => *length,
        }
    }

    /// What stands in the list for a value.
    pub fn listed(value: &[u8]) -> Self {
        if value.len() <= LONGEST_WHOLE {
            Self::Whole(value.into())
        } else {
            Self::Digest(value.len(), Md5::digest(value).into())
        }
    }
}

/// Reads the attributes of the file of a name, where `known` sets have come before.
pub(super) fn read_xattrs(
    input: &mut Input<'_>,
    known: usize,
    name: &[u8],
) -> Result<Cached<Vec<Xattr>>, Stop> {
    let index = input.varint()?;
    match usize::try_from(index) {
        Ok(0) => {}
        Ok(place) if place <= known => return Ok(Cached::Known(place as u32 - 1)),
        _ => {
            return Err(Violation::XattrIndex {
                index,
                name: show(name),
            }
            .into());
        }
    }
    let count = input.varint()?;
    if !(0..=MAX_COUNT).contains(&count) {
        return Err(Violation::Range {
            what: "xattr count",
            value: count.into(),
            most: MAX_COUNT.into(),
        }
        .into());
    }
    let mut attributes = Vec::new();
    let (mut names, mut values) = (0, 0);
    for number in 1..=count {
        let name = size("xattr name_len", input.varint()?, MAX_NAME)? as usize;
        let length = value_length(input)?;
        let name = input.take(name)?;
        names += name.len();
        values += length;
        if names + values > MAX_FILE {
            return Err(Violation::XattrListLimit.into());
        }
        let (Some((0, name)), ..=MAX_NAMES) = (name.split_last(), names) else {
            return Err(Violation::XattrName.into());
        };
        if name.contains(&0) {
            return Err(Violation::XattrName.into());
        }
        let value = if length <= LONGEST_WHOLE {
            XattrValue::Whole(input.take(length)?.into())
        } else {
            let digest = input.take(16)?;
            XattrValue::Digest(length, digest.try_into().expect("as many as were asked for"))
        };
        attributes.push(Xattr {
            name: name.into(),
            number,
            value,
        });
    }
    Ok(Cached::New(attributes))
}

fn value_length(input: &mut Input<'_>) -> Result<usize, Stop> {
    match size("xattr datum_len", input.varint()?, i32::MAX)? {
        length @ ..=MAX_VALUE => Ok(length as usize),
        _ => Err(Violation::XattrValueLimit.into()),
    }
}

/// A length, if it is one (`read_varint_size` in io.c).
fn size(what: &'static str, value: i32, most: i32) -> Result<i32, Violation> {
    match (0..=most).contains(&value) {
        true => Ok(value),
        false => Err(Violation::Size {
            what,
            value: value.into(),
            most: most.into(),
        }),
    }
}

/// Writes which long values are wanted of a file, by their numbers in ascending order (`send_xattr_request`).
pub fn write_wanted(numbers: &[i32], to: &mut impl Encode) {
    let mut last = 0;
    for &number in numbers {
        to.varint(number - last);
        last = number;
    }
    to.byte(0);
}

/// Reads which long values are wanted of a file, by their numbers, as [`read_wanted`] does.
///
/// # Errors
///
/// A number that cannot be, or more of them than a file has attributes.
pub fn read_all_wanted(input: &mut Input<'_>) -> Result<Vec<i32>, Stop> {
    let (mut numbers, mut last) = (Vec::new(), 0);
    while let Some(number) = read_wanted(last, input)? {
        numbers.push(number);
        if numbers.len() > MAX_COUNT as usize {
            return Err(Violation::XattrOverflow.into());
        }
        last = number;
    }
    Ok(numbers)
}

/// Reads the number of the next long value in a request or in a reply, where `last` was the one before; `None` at the
/// end. Whether there is such a value only the file's attributes say.
///
/// # Errors
///
/// A number that cannot be.
pub fn read_wanted(last: i32, input: &mut Input<'_>) -> Result<Option<i32>, Stop> {
    match input.varint()? {
        0 => Ok(None),
        distance => {
            let number = last.checked_add(distance).ok_or(Violation::XattrOverflow)?;
            Ok(Some(number))
        }
    }
}

/// Reads a long value behind its number, if so many bytes of the same file came before.
///
/// # Errors
///
/// One that is too long, alone or with those.
pub fn read_value<'a>(before: usize, input: &mut Input<'a>) -> Result<&'a [u8], Stop> {
    let length = value_length(input)?;
    if before + length > MAX_FILE {
        return Err(Violation::XattrListLimit.into());
    }
    input.take(length)
}

/// Writes a long value behind its number, which is so much higher than that of the one before.
pub fn write_value(distance: i32, value: &[u8], to: &mut impl Encode) {
    to.varint(distance);
    to.varint(i32::try_from(value.len()).expect("the system has shorter ones"));
    to.bytes(value);
}

/// Ends the long values of a file.
pub fn end_values(to: &mut impl Encode) {
    to.byte(0);
}

/// The distinct sets of attributes that were sent, numbered as they came.
#[derive(Clone, Debug, Default)]
pub struct XattrWriter(HashMap<Vec<Xattr>, i32>);

impl XattrWriter {
    /// Writes the attributes of a file, sorted by name: their set's number if it has come before, else all of them.
    pub fn write(&mut self, attributes: &[Xattr], to: &mut impl Encode) {
        if let Some(&number) = self.0.get(attributes) {
            to.varint(number);
            return;
        }
        to.varint(0);
        to.varint(i32::try_from(attributes.len()).expect("no file has more"));
        for attribute in attributes {
            let length = match &attribute.value {
                XattrValue::Whole(value) => value.len(),
                XattrValue::Digest(length, _) => *length,
            };
            to.varint(attribute.name.len() as i32 + 1);
            to.varint(i32::try_from(length).expect("the system has shorter ones"));
            to.bytes(&attribute.name);
            to.byte(0);
            match &attribute.value {
                XattrValue::Whole(value) => to.bytes(value),
                XattrValue::Digest(_, digest) => to.bytes(digest),
            }
        }
        let number = i32::try_from(self.0.len() + 1).expect("a list holds fewer");
        self.0.insert(attributes.to_vec(), number);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        MAX_FILE, MAX_VALUE, Xattr, XattrValue, XattrWriter, read_all_wanted, read_value, read_wanted,
        read_xattrs, write_wanted,
    };
    use crate::rsync::proto::{Encode as _, Input, Stop, Violation, file_list::acl::Cached};

    /// As rsync 3.5.0 sends them: a value of 40 letters, and a short one.
    const CAPTURED: &[u8] =
        b"\x00\x02\x0a\x28user.long\0\x2e\x5a\x5d\xf3\x0e\xbd\x85\x39\x44\x5b\xa6\xe0\xf6\x38\xb6\xf9\
        \x0b\x01user.short\0v";

    fn there() -> Vec<Xattr> {
        Xattr::listed(vec![
            (b"user.long".to_vec(), XattrValue::listed(&[b'x'; 40])),
            (b"user.short".to_vec(), XattrValue::listed(b"v")),
        ])
    }

    #[test]
    fn captured_attributes_are_read_and_written() {
        assert_eq!(
            read_xattrs(&mut Input::new(CAPTURED), 0, b"f"),
            Ok(Cached::New(there()))
        );
        let (mut writer, mut written) = (XattrWriter::default(), Vec::new());
        for _ in 0..2 {
            writer.write(&there(), &mut written);
        }
        assert_eq!(written, [CAPTURED, &[1]].concat());
        for cut in 0..CAPTURED.len() {
            assert_eq!(
                read_xattrs(&mut Input::new(&CAPTURED[..cut]), 0, b"f"),
                Err(Stop::Short)
            );
        }
    }

    #[test]
    fn a_request_names_numbers_by_their_distance() {
        let mut written = Vec::new();
        write_wanted(&[1, 2, 300], &mut written);
        let (mut input, mut last, mut read) = (Input::new(&written), 0, Vec::new());
        while let Some(number) = read_wanted(last, &mut input).expect("a number") {
            read.push(number);
            last = number;
        }
        assert_eq!(read, [1, 2, 300]);
        let all = |bytes: &[u8]| read_all_wanted(&mut Input::new(bytes));
        assert_eq!(all(&written), Ok(read));
        for cut in 0..written.len() {
            assert_eq!(all(&written[..cut]), Err(Stop::Short));
        }
        let mut far = Vec::new();
        write_wanted(&[2, 1, -4], &mut far);
        assert_eq!(all(&far), Ok(vec![2, 1, -4]));
        assert_eq!(
            read_wanted(i32::MAX, &mut Input::new(&far)),
            Err(Stop::Broken(Violation::XattrOverflow))
        );
        let endless = vec![1; 70_000];
        assert_eq!(all(&endless), Err(Stop::Broken(Violation::XattrOverflow)));
    }

    #[test]
    fn values_have_a_length_that_can_be() {
        let listed = |lengths: &[i32]| {
            let mut bytes = vec![0];
            bytes.varint(lengths.len() as i32);
            for (number, &length) in lengths.iter().enumerate() {
                bytes.varint(2);
                bytes.varint(length);
                bytes.bytes(&[b'a' + number as u8, 0]);
                bytes.bytes(&[0; 16]);
            }
            match read_xattrs(&mut Input::new(&bytes), 0, b"f") {
                Ok(_) => String::new(),
                Err(Stop::Broken(violation)) => violation.to_string(),
                Err(Stop::Short) => panic!("it is whole"),
            }
        };
        let (value, list) = (
            "xattr datum_len exceeds per-value limit",
            "xattr list exceeds per-file limit",
        );
        assert_eq!(listed(&[MAX_VALUE; 3]), "");
        assert_eq!(listed(&[MAX_VALUE; 4]), list);
        assert_eq!(listed(&[MAX_VALUE + 1]), value);
        assert!(listed(&[-1]).contains("out of range"));
        let read = |before, length| {
            let mut bytes = Vec::new();
            bytes.varint(length);
            read_value(before, &mut Input::new(&bytes)).map(<[u8]>::len)
        };
        assert_eq!(read(0, MAX_VALUE + 1), Err(Violation::XattrValueLimit.into()));
        assert_eq!(read(MAX_FILE, 1), Err(Violation::XattrListLimit.into()));
        assert_eq!(read(MAX_FILE - 1, 1), Err(Stop::Short));
    }

    #[test]
    fn what_no_attribute_has_is_refused() {
        for bytes in [
            &b"\x03"[..],
            b"\x00\x01\x02\x01ab",
            b"\x00\x01\x03\x01a\0\0",
            b"\x00\x01\x00\x01",
            b"\x00\xc1\x00\x01",
        ] {
            let read = read_xattrs(&mut Input::new(bytes), 2, b"f");
            assert!(matches!(read, Err(Stop::Broken(_))), "{bytes:?}: {read:?}");
        }
    }
}
