use std::{net::IpAddr, path::Path};

use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest},
};

use super::{Admission, Reach};
use crate::{
    host::Unknown,
    model::{
        Configuration, Files, NotOpened, Opened, Scope,
        access::{AddressPattern, AddressSet, Peer, hosts, merge, reach::is_mapped, region::Region},
        resolve,
    },
    terms::{Release, Source, Sources},
};

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &Path) -> Result<Opened, NotOpened> {
        Err(NotOpened::Unknown(Unknown::NoHost))
    }
}

fn configuration(text: &str) -> Configuration {
    let mut sources = Sources::default();
    let source = sources.add(Source::new("rsyncd.conf", text));
    resolve(&mut sources, source, Release::CURRENT, &NoFiles)
}

fn world(configuration: &Configuration) -> Vec<(Region, Admission)> {
    let reached = Reach::new(configuration).of(Scope::Module(0));
    merge(
        reached
            .world
            .iter()
            .map(|(region, one)| (*region, one.admission())),
    )
}

fn networks(text: &str, wanted: Admission) -> Vec<String> {
    world(&configuration(text))
        .into_iter()
        .filter(|(_, admission)| *admission == wanted)
        .flat_map(|(region, _)| region.networks())
        .map(|network| network.to_string())
        .collect()
}

#[test]
fn an_allow_list_alone_is_what_it_says() {
    assert_eq!(
        networks(
            "[m]\nhosts allow = 192.0.2.1/24 10.0.0.0/255.0.0.0 2001:db8::/32\n",
            Admission::Admitted
        ),
        ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]
    );
}

#[test]
fn one_denied_address_leaves_the_rest_of_the_world() {
    let open = networks(
        "[m]\nhosts allow = 192.0.2.7\nhosts deny = 0.0.0.0/32\n",
        Admission::Admitted,
    );
    assert_eq!(open.last().map(String::as_str), Some("::/0"));
    assert_eq!(open[0], "0.0.0.1/32");
}

#[test]
fn a_mask_with_gaps_lets_some_addresses_of_a_network_in() {
    let text = "[m]\nhosts allow = 10.0.0.5/255.0.0.255 10.1.0.0/16\n";
    assert_eq!(networks(text, Admission::Admitted), ["10.1.0.0/16"]);
    assert_eq!(networks(text, Admission::Partly)[0], "10.0.0.0/16");
    let text = "[m]\nhosts allow = 10.0.0.5/255.0.0.255\nhosts deny = 192.0.2.1\n";
    assert!(networks(text, Admission::Partly).is_empty(), "in neither list");
}

#[test]
fn no_peer_has_an_ipv4_address_in_ipv6() {
    assert!(networks("[m]\nhosts allow = ::ffff:127.0.0.1\n", Admission::Admitted).is_empty());
}

#[test]
fn a_list_of_several_modules_is_told_of_each() {
    let configuration =
        configuration("hosts deny = 192.0.2.0/24\n[a]\nhosts allow = 192.0.2.7\n[b]\nreverse lookup = no\n");
    let mut reach = Reach::new(&configuration);
    let [a, b] = [0, 1].map(|module| {
        let reached = reach.of(Scope::Module(module));
        let refused = reached
            .world
            .into_iter()
            .filter(|(_, one)| one.admission() == Admission::Refused);
        refused.flat_map(|(region, _)| region.networks()).count()
    });
    assert_eq!((a, b), (8, 1));
}

/// Words of which lists are made, near to each other.
fn word() -> impl Strategy<Value = String> {
    const ADDRESSES: [&str; 12] = [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.1.1",
        "10.1.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "2001:db8::1",
        "2001:db8::2",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "10.0.0",
    ];
    const MASKS: [&str; 20] = [
        "",
        "",
        "/32",
        "/31",
        "/24",
        "/8",
        "/1",
        "/0",
        "/128",
        "/127",
        "/64",
        "/33",
        "/255.255.255.0",
        "/255.0.0.0",
        "/0.0.0.0",
        "/255.0.0.255",
        "/0.0.0.1",
        "/ffff::",
        "/ffff::1",
        "/::",
    ];
    const OTHERS: [&str; 7] = ["*", "localhost", "*.example.org", "@group", "%NET%", "a;b", "un*"];
    let address = (
        prop::sample::select(&ADDRESSES[..]),
        prop::sample::select(&MASKS[..]),
    )
        .prop_map(|(address, mask)| format!("{address}{mask}"));
    (address, prop::sample::select(&OTHERS[..]), 0..12).prop_map(|(address, other, kind)| match kind {
        0 => other.to_owned(),
        _ => address,
    })
}

fn neighbours(address: IpAddr) -> Vec<IpAddr> {
    match address {
        IpAddr::V4(address) => [-1_i32, 0, 1, 1 << 8, 1 << 16]
            .map(|by| IpAddr::V4(address.to_bits().wrapping_add_signed(by).into()))
            .to_vec(),
        IpAddr::V6(address) => [-1_i128, 0, 1, 1 << 16, 1 << 96]
            .map(|by| IpAddr::V6(address.to_bits().wrapping_add_signed(by).into()))
            .to_vec(),
    }
}

proptest! {
    /// The daemon's way, word by word for one peer, is the referee.
    #[test]
    fn every_region_is_what_its_addresses_are(
        allow in vec(word(), 0..5),
        deny in vec(word(), 0..5),
        reverse in any::<bool>(),
        forward in any::<bool>(),
    ) {
        let yes_or_no = |yes| if yes { "yes" } else { "no" };
        let text = format!(
            "reverse lookup = {}\nforward lookup = {}\n[m]\nhosts allow = {}\nhosts deny = {}\n",
            yes_or_no(reverse), yes_or_no(forward), allow.join(" "), deny.join(", "),
        );
        let configuration = configuration(&text);
        let world = world(&configuration);
        let patterns = allow.iter().chain(&deny).filter_map(|word| AddressPattern::parse(word.as_bytes()));
        let set: AddressSet = patterns.collect();
        let around = |address| set.around_gaps().iter().any(|net| (net.first..=net.last).contains(&address));
        let edges = world.iter().map(|(region, _)| *region).chain(set.around_gaps().iter().copied());
        for address in edges.flat_map(|region| [region.first, region.last]).flat_map(neighbours) {
            let region = world.iter().find(|(region, _)| (region.first..=region.last).contains(&address));
            prop_assert!(region.is_some(), "{address} is nowhere");
            let (region, admission) = *region.expect("just seen");
            if is_mapped(&Region { first: address, last: address }) {
                continue;
            }
            let verdict = hosts(&configuration, Scope::Module(0), &Peer::new(address, None)).allowed;
            let expected = match admission {
                Admission::Admitted => Some(true),
                Admission::Refused => Some(false),
                // One word of the list is a name, another has a mask with gaps.
                Admission::Unknown if around(address) => verdict,
                Admission::Unknown => None,
                Admission::Partly => {
                    prop_assert!(around(address) && verdict.is_some(), "{text}{address} in {region:?}");
                    verdict
                }
            };
            prop_assert_eq!(verdict, expected, "{}{} in {:?}", text, address, region);
        }
    }
}
