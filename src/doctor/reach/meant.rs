//! Which addresses somebody meant who wrote a word into a host list that rsync reads otherwise.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// The bits of an address of IPv4, and of one of its numbers.
const BITS: u8 = 32;
const BITS_OF_NUMBER: u8 = 8;

/// Whether a word was meant for a client; nobody can tell if it has no address.
///
/// Numbers are decimal for people, whatever zeros stand in front; numbers that are not there, or for which `*` or `x` stand,
/// may be any; several addresses may be joined by whatever rsync does not take for a separator.
pub(super) fn is_meant(word: &str, client: IpAddr) -> Option<bool> {
    let is_apart = |letter: char| {
        matches!(
            letter,
            ',' | ';' | '，' | '；' | '、' | '|' | '"' | '\'' | ' ' | '\t'
        )
    };
    let parts = word.split(is_apart).filter(|part| !part.is_empty());
    let answers = parts.filter_map(|part| covers(part, client));
    answers.reduce(|one, other| one || other)
}

fn covers(part: &str, client: IpAddr) -> Option<bool> {
    let part = part.strip_prefix("rsync://").unwrap_or(part);
    // Neither a port nor the end of an address belongs there.
    let part = match part.split_once(':') {
        Some((address, _)) if decimal(address).is_some() => address,
        _ => part,
    };
    if let Some((first, last)) = part.split_once('-') {
        return range(first, last, client);
    }
    if let Some(network) = network(part) {
        return Some(network.contains(&client));
    }
    let (address, _) = part.split_once('/').unwrap_or((part, ""));
    // A log of another program may show an address of IPv4 so.
    Some(address.parse::<IpAddr>().ok()?.to_canonical() == client)
}

/// `192.0.2.1-192.0.2.9`, `192.0.2.1-9`
fn range(first: &str, last: &str, client: IpAddr) -> Option<bool> {
    let first = decimal(first)?;
    let last = match (decimal(last), last.parse::<u8>()) {
        (Some(last), _) => last,
        (None, Ok(number)) => {
            let [one, two, three, _] = first.octets();
            Ipv4Addr::new(one, two, three, number)
        }
        (None, Err(_)) => return None,
    };
    Some((IpAddr::V4(first)..=IpAddr::V4(last)).contains(&client))
}

fn decimal(word: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u8>> = word.split('.').map(|number| number.parse().ok()).collect();
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(numbers?).ok()?))
}

/// `192.0.2`, `192.0.2.`, `192.0.2.*`, `192.0.02.007`, `192.0/16`, `192.0.2.0/0.0.0.255`, `192.0.2.0\24`
fn network(word: &str) -> Option<IpNet> {
    let (address, mask) = word.split_once(['/', '\\']).unwrap_or((word, ""));
    let mut numbers = [0; 4];
    let mut count: u8 = 0;
    for number in address.trim_end_matches('.').split('.') {
        if matches!(number, "*" | "x" | "X" | "") {
            break;
        }
        *numbers.get_mut(usize::from(count))? = number.parse().ok()?;
        count += 1;
    }
    if count == 0 {
        return None;
    }
    // The address of a network ends with zeros.
    let set = 4 - numbers.iter().rev().take_while(|number| **number == 0).count();
    let written = count.min(u8::try_from(set.max(1)).ok()?) * BITS_OF_NUMBER;
    let bits = match mask.parse::<u8>() {
        Ok(bits @ 1..BITS) => bits,
        _ => decimal(mask).and_then(bits_of).unwrap_or(written),
    };
    Some(Ipv4Net::new(Ipv4Addr::from(numbers), bits).ok()?.trunc().into())
}

/// The bits of a mask, or of one that is turned round.
fn bits_of(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = if bits.leading_ones() > 0 {
        bits.leading_ones()
    } else {
        bits.leading_zeros()
    };
    u8::try_from(ones).ok().filter(|ones| *ones > 0)
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn people_mean_networks_by_many_words() {
        for word in [
            "192.0.2",
            "192.0.2.",
            "192.0",
            "192",
            "192.0.2.*",
            "192.0.2.x",
            "192.*.*.*",
            "192.0.02.007",
            "192.0.2.1-192.0.2.9",
            "192.0.2.1-9",
            "192.0/16",
            "192.0.2.9/24",
            "192.0.2.0\\24",
            "192.0.2.0/255.255.255",
            "192.0.2.0/0.0.0.255",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0/240",
            "192.0.2.0/32",
            "192.0.2.0",
            "10.0.0.0/8;192.0.2.7",
            "10.0.0.1，192.0.2.7",
            "\"192.0.2.7\"",
            "192.0.2.7:873",
            "::ffff:192.0.2.7",
            "rsync://192.0.2.7",
        ] {
            let client = "192.0.2.7".parse().expect("an address");
            assert_eq!(is_meant(word, client), Some(true), "{word}");
            let stranger = "203.0.113.7".parse().expect("an address");
            assert_eq!(is_meant(word, stranger), Some(false), "{word}");
        }
        for word in [
            "",
            "LOCAL",
            ".example.com",
            "web-1",
            "-",
            "/",
            "*",
            "1.2.3.4.5",
            "300.1.1.1",
        ] {
            let client = "192.0.2.7".parse().expect("an address");
            assert_eq!(is_meant(word, client), None, "{word}");
        }
        let six = "2001:db8::7".parse().expect("an address");
        assert_eq!(is_meant("2001:db8::7/200", six), Some(true));
        assert_eq!(is_meant("2001:db8::8", six), Some(false));
    }
}
