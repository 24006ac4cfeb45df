/// The weak sum of a block, which is cheap to move by a byte (`get_checksum1` in checksum.c). Bytes count as signed.
pub fn rolling_sum(block: &[u8]) -> u32 {
    let (mut first, mut second) = (0_u32, 0_u32);
    // Of 64 bytes at once: what `second` gains is 64 times `first`, and each byte as often as it is summed up.
    let mut chunks = block.chunks_exact(64);
    for chunk in chunks.by_ref() {
        let (mut sum, mut weighted) = (0_i32, 0_i32);
        for (place, &byte) in chunk.iter().enumerate() {
            let byte = i32::from(byte.cast_signed());
            sum += byte;
            weighted += (64 - place as i32) * byte;
        }
        second = second
            .wrapping_add(first.wrapping_mul(64))
            .wrapping_add(weighted.cast_unsigned());
        first = first.wrapping_add(sum.cast_unsigned());
    }
    for &byte in chunks.remainder() {
        first = first.wrapping_add(i32::from(byte.cast_signed()).cast_unsigned());
        second = second.wrapping_add(first);
    }
    first & 0xffff | second << 16
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
}
