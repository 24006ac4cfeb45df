/// So many bytes are added up at once.
const CHUNK: usize = 256;

/// The weak sum of a block, which is cheap to move by a byte (`get_checksum1` in checksum.c). Bytes count as signed. Of both
/// its halves only 16 bits are told, and numbers of that size are added up eight at a time on any processor.
pub fn rolling_sum(block: &[u8]) -> u32 {
    let signed = |byte: &u8| i16::from(byte.cast_signed()).cast_unsigned();
    let (mut first, mut second) = (0_u16, 0_u16);
    let (chunks, rest) = block.as_chunks::<CHUNK>();
    for chunk in chunks {
        // What `second` gains: as often `first` as there are bytes, and each byte as often as it is summed up.
        let (mut sum, mut weighted) = (0_u16, 0_u16);
        for (place, byte) in chunk.iter().enumerate() {
            sum = sum.wrapping_add(signed(byte));
            weighted = weighted.wrapping_add(signed(byte).wrapping_mul((CHUNK - place) as u16));
        }
        second = second
            .wrapping_add(first.wrapping_mul(CHUNK as u16))
            .wrapping_add(weighted);
        first = first.wrapping_add(sum);
    }
    for byte in rest {
        first = first.wrapping_add(signed(byte));
        second = second.wrapping_add(first);
    }
    u32::from(first) | u32::from(second) << 16
}

#[cfg(test)]
mod tests {
    use super::rolling_sum;

    #[test]
    fn sums_are_those_of_rsync() {
        assert_eq!(rolling_sum(b"hellO\n"), 0x0805_01fe);
        assert_eq!(rolling_sum(&[0xff, 0x80]), 0xff7e_ff7f);
        let bytes: Vec<u8> = (0..=255).cycle().take(768).collect();
        assert_eq!(rolling_sum(&bytes), 0xbf80_fe80);
    }

    #[test]
    fn sums_of_chunks_are_those_of_single_bytes() {
        let bytes: Vec<u8> = (0..2000_u32).map(|place| ((place * place) >> 3) as u8).collect();
        for length in [0, 1, 255, 256, 257, 700, 1024, 2000] {
            let (mut first, mut second) = (0_u32, 0_u32);
            for &byte in &bytes[..length] {
                first = first.wrapping_add(i32::from(byte.cast_signed()).cast_unsigned());
                second = second.wrapping_add(first);
            }
            let expected = first & 0xffff | second << 16;
            assert_eq!(rolling_sum(&bytes[..length]), expected, "{length}");
        }
    }
}
