use proptest::{collection::vec, prelude::*};

use crate::rsync::proto::{
    Input, Stop, Violation,
    token::{Compression, Token, TokenReader, TokenWriter},
};

const ALL: [Compression; 6] = [
    Compression::None,
    Compression::Zlib,
    Compression::OldZlib,
    Compression::Zlibx,
    Compression::Lz4,
    Compression::Zstd,
];

/// Something to be said of a file.
#[derive(Clone, Debug)]
enum Say {
    Literal(Vec<u8>),
    Block(u32),
}

/// A block of a basis that does not exist.
fn block(index: u32, length: usize) -> Vec<u8> {
    let mut state = index.wrapping_mul(2_654_435_761);
    let letters = (0..length).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + (state >> 24) as u8 % 7
    });
    letters.collect()
}

fn write(writer: &mut TokenWriter, file: &[Say], length: usize, to: &mut Vec<u8>) {
    for say in file {
        match say {
            Say::Literal(bytes) => writer.literal(bytes, to),
            Say::Block(index) => writer.block(*index, &block(*index, length), to),
        }
    }
    writer.end(to);
}

/// How much comes at once behind the cut.
const PIECE: usize = 1500;

/// What a reader makes of a file that comes in pieces; neighbouring literals joined.
fn read(
    reader: &mut TokenReader,
    bytes: &[u8],
    cut: usize,
    length: usize,
) -> Result<(Vec<Say>, usize), Stop> {
    let mut file = Vec::new();
    let (mut taken, mut end) = (0, cut);
    loop {
        let mut input = Input::new(&bytes[taken..end]);
        let token = match reader.next(&mut input) {
            Ok(Token::Literal(piece)) => Some(Say::Literal(piece.to_vec())),
            Ok(Token::Block(index)) => Some(Say::Block(index)),
            Ok(Token::End) => None,
            Err(Stop::Short) if end < bytes.len() => {
                end = bytes.len().min(end + PIECE);
                continue;
            }
            Err(stop) => return Err(stop),
        };
        taken += input.position();
        match (token, file.last_mut()) {
            (None, _) => return Ok((file, taken)),
            (Some(Say::Literal(more)), Some(Say::Literal(before))) => before.extend(more),
            (Some(Say::Block(index)), _) => {
                reader.see(&block(index, length))?;
                file.push(Say::Block(index));
            }
            (Some(Say::Literal(piece)), _) if piece.is_empty() => {}
            (Some(literal), _) => file.push(literal),
        }
    }
}

/// As a reader tells it.
fn joined(file: &[Say]) -> String {
    let mut told = Vec::new();
    for say in file {
        match (say, told.last_mut()) {
            (Say::Literal(bytes), _) if bytes.is_empty() => {}
            (Say::Literal(bytes), Some(Say::Literal(before))) => before.extend(bytes),
            _ => told.push(say.clone()),
        }
    }
    format!("{told:?}")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|letter| !letter.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

/// Captured from rsync 3.5.0, which wrote 80 letters, block 1, 80 others, blocks 1 and 2, and a letter.
const CAPTURED: [(Compression, &str); 4] = [
    (
        Compression::Zlib,
        "4007 4a4c4aa42a0400 81 4006 4a4ea12e0400 c00100 4003 520400 00",
    ),
    (
        Compression::Zlibx,
        "4007 4a4c4aa42a0400 81 4006 4a4ea12e0400 c00100 4003 520400 00",
    ),
    (
        Compression::Lz4,
        "400c 2f6162020036506261626162 81 400c 2f6364020036506463646364 c00100 4002 1021 00",
    ),
    (
        Compression::Zstd,
        "4011 28b52ffd00584400001061620 1001beab0 81 400b 44000010636401008b022c c00100 4004 08000021 00",
    ),
];

fn captured() -> Vec<Say> {
    vec![
        Say::Literal(b"ab".repeat(40)),
        Say::Block(1),
        Say::Literal(b"cd".repeat(40)),
        Say::Block(1),
        Say::Block(2),
        Say::Literal(b"!".to_vec()),
    ]
}

#[test]
fn captured_streams_are_read_from_every_cut() {
    for (compression, hex) in CAPTURED {
        let bytes = bytes(hex);
        for cut in 0..=bytes.len() {
            let (file, taken) =
                read(&mut TokenReader::new(compression), &bytes, cut, 700).expect("a whole file");
            assert_eq!(
                joined(&file),
                joined(&captured()),
                "{compression:?}, cut at {cut}"
            );
            assert_eq!(taken, bytes.len());
        }
    }
}

#[test]
fn what_is_written_is_no_longer_than_what_was_captured() {
    for (compression, hex) in CAPTURED {
        let mut written = Vec::new();
        write(
            &mut TokenWriter::new(compression, None),
            &captured(),
            700,
            &mut written,
        );
        assert!(
            written.len() <= bytes(hex).len(),
            "{compression:?}: {written:02x?}"
        );
    }
}

#[test]
fn blocks_longer_than_a_stored_one_enter_the_window() {
    let length = 200_000;
    let content = block(3, length);
    // What follows stands in the window only if the block entered it as it should.
    let file = [Say::Block(3), Say::Literal(content[length - 20_000..].to_vec())];
    let sizes = [Compression::Zlib, Compression::Zlibx].map(|compression| {
        let mut written = Vec::new();
        write(
            &mut TokenWriter::new(compression, None),
            &file,
            length,
            &mut written,
        );
        let (read, _) = read(&mut TokenReader::new(compression), &written, 0, length).expect("a file");
        assert_eq!(joined(&read), joined(&file));
        written.len()
    });
    assert!(sizes[0] * 10 < sizes[1], "{sizes:?}");
}

#[test]
fn a_run_ends_at_65536_blocks() {
    let file: Vec<_> = (5..70_000).chain(2..4).map(Say::Block).collect();
    for compression in ALL {
        let mut written = Vec::new();
        write(&mut TokenWriter::new(compression, None), &file, 1, &mut written);
        let (read, _) = read(&mut TokenReader::new(compression), &written, 0, 1).expect("a file");
        assert_eq!(joined(&read), joined(&file), "{compression:?}");
    }
}

#[test]
fn bytes_that_grow_by_compression_come_back() {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    let file = [Say::Literal(noise.take(300_000).collect())];
    for compression in ALL {
        let mut written = Vec::new();
        write(&mut TokenWriter::new(compression, None), &file, 700, &mut written);
        let (read, _) = read(&mut TokenReader::new(compression), &written, 77, 700).expect("a file");
        assert!(joined(&read) == joined(&file), "{compression:?}");
        assert!(written.len() < 303_000, "{compression:?}: {}", written.len());
    }
}

#[test]
fn numbers_that_no_block_has_are_refused() {
    for hex in [
        "20 ffffffff",
        "20 ffffff7f",
        "21 fcffff7f 0500",
        "c1 0000",
        "1f",
        "3f",
        "20 feffff7f 81",
    ] {
        let bytes = bytes(hex);
        let result = read(&mut TokenReader::new(Compression::Lz4), &bytes, bytes.len(), 1);
        assert_eq!(
            result.map(|_| ()),
            Err(Stop::Broken(Violation::CompressedToken)),
            "{hex}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_from_every_cut(
        files in vec(vec(prop_oneof![
            vec(0_u8..4, 0..300).prop_map(Say::Literal),
            vec(any::<u8>(), 0..60).prop_map(Say::Literal),
            (0_u32..6).prop_map(Say::Block),
            (60_u32..70).prop_map(Say::Block),
            any::<u32>().prop_map(|index| Say::Block(index % 0x7fff_ffff)),
        ], 0..8), 1..4),
        level in proptest::option::of(-3..12),
    ) {
        for compression in ALL {
            let mut written = Vec::new();
            let mut writer = TokenWriter::new(compression, level);
            let ends: Vec<_> = files.iter().map(|file| {
                write(&mut writer, file, 700, &mut written);
                written.len()
            }).collect();
            for cut in 0..=written.len() {
                let mut reader = TokenReader::new(compression);
                let mut taken = 0;
                for (file, &end) in files.iter().zip(&ends) {
                    let cut = cut.clamp(taken, end) - taken;
                    let (read, more) = read(&mut reader, &written[taken..end], cut, 700).expect("a file");
                    prop_assert_eq!(joined(&read), joined(file));
                    taken += more;
                    prop_assert_eq!(taken, end);
                }
                // A cut in every byte of a long stream takes too long.
                if cut > 400 {
                    break;
                }
            }
        }
    }

    #[test]
    fn any_bytes_end(bytes in vec(any::<u8>(), 0..600), starts_with_data in any::<bool>()) {
        for compression in ALL {
            let mut reader = TokenReader::new(compression);
            let mut stream = if starts_with_data { vec![0x40, 0xff] } else { Vec::new() };
            stream.extend(&bytes);
            let mut taken = 0;
            // A run of blocks needs no bytes.
            for _ in 0..100_000 {
                match read(&mut reader, &stream[taken..], stream.len() - taken, 1) {
                    Ok((_, more)) => taken += more,
                    Err(_) => break,
                }
            }
        }
    }
}
