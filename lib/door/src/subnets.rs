//! The address range of a network that somebody makes. Docker gives a network a range out
//! of its pools; a person may choose one there too. Anywhere else it could be a range of the
//! lab's own network, and the host would no longer find its file server: a bridge goes
//! before the way through the gateway.

use std::net::Ipv4Addr;

use crate::Denial;
use crate::ask::Case;
use crate::facts::{Answer, Ask, Stop};
use crate::json::Value;

/// Docker's pools where its configuration names none.
const POOLS: &[&str] =
    &["172.17.0.0/16", "172.18.0.0/15", "172.20.0.0/14", "172.24.0.0/13", "192.168.0.0/16"];
/// The largest range of one network, as Docker's own are.
const LARGEST: u8 = 16;

/// An IPv4 range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u32,
    last: u32,
    length: u8,
}

impl Range {
    /// `10.1.0.0/16`; an address within the range stands for it, as Docker reads it.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u8 = length.parse().ok().filter(|length| digits && *length <= 32)?;
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let rest = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        Some(Self { first: address & !rest, last: address | rest, length })
    }
    fn holds(&self, other: &Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Judges what a network's `IPAM` says of addresses.
pub fn judge(case: &Case, ipam: &Value) -> Result<(), Stop> {
    let ranges = ipam.get("Config").and_then(Value::as_list).unwrap_or_default();
    // Clients send one empty range for none.
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        let subnet = range.get("Subnet").and_then(Value::as_text).unwrap_or_default();
        let Answer::Subnets { pools, routes } = case.answer(Ask::Subnets)? else {
            return Err(Denial::new(500, "door.facts", "the host's routes are not known").into());
        };
        one(subnet, pools, routes)?;
        inside(range, subnet)?;
    }
    Ok(())
}

fn one(subnet: &str, pools: &[String], routes: &[String]) -> Result<(), Denial> {
    let chosen: Vec<&str> =
        if pools.is_empty() { POOLS.to_vec() } else { pools.iter().map(String::as_str).collect() };
    let refused = |why: String| {
        Denial::forbidden(
            "network.range",
            format!("the address range `{}` is not for networks here", subnet.escape_debug()),
        )
        .why(why)
        .todo(format!(
            "leave it out, or take one of Docker's own, of {}; at most a /{LARGEST}",
            chosen.join(", ")
        ))
    };
    let Some(range) = Range::parse(subnet) else {
        return Err(refused("it is no IPv4 range".into()));
    };
    let within = chosen.iter().filter_map(|pool| Range::parse(pool)).any(|pool| pool.holds(&range));
    if !within || range.length < LARGEST {
        return Err(refused("it may be one of the lab's own, and would cut the host off".into()));
    }
    let taken = |route: &&String| Range::parse(route).is_some_and(|route| route.meets(&range));
    match routes.iter().find(taken) {
        Some(route) => Err(refused(format!("the host has {route} in use"))),
        None => Ok(()),
    }
}

/// What else a range has of addresses must lie in it.
fn inside(range: &Value, subnet: &str) -> Result<(), Denial> {
    let others = range.get("AuxiliaryAddresses").and_then(Value::as_object);
    let others = others.into_iter().flatten().map(|(_, value)| value);
    let single = ["IPRange", "Gateway"].into_iter().filter_map(|key| range.get(key));
    for text in single.chain(others).filter_map(Value::as_text).filter(|text| !text.is_empty()) {
        let whole = if text.contains('/') { text.to_owned() } else { format!("{text}/32") };
        let lies = Range::parse(subnet).zip(Range::parse(&whole)).is_some_and(|(a, b)| a.holds(&b));
        if !lies {
            return Err(Denial::forbidden(
                "network.range",
                format!("`{}` does not lie in {subnet}", text.escape_debug()),
            )
            .why("a network has the addresses of its own range")
            .todo("choose one within it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed(subnet: &str, pools: &[&str], routes: &[&str]) -> bool {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        one(subnet, &owned(pools), &owned(routes)).is_ok()
    }

    #[test]
    fn ranges_of_dockers_pools_are_free_to_choose() {
        let routes = ["172.17.0.0/16", "192.168.7.0/24"];
        for fine in ["172.28.0.0/16", "172.18.5.0/24", "192.168.96.0/20", "172.31.255.1/30"] {
            assert!(allowed(fine, &[], &routes), "{fine}");
        }
        for bad in [
            "10.5.0.0/16",
            "172.16.0.0/16",
            "172.32.0.0/16",
            "172.16.0.0/12",
            "0.0.0.0/0",
            "172.18.0.0/15",
            "172.17.5.0/24",
            "192.168.0.0/16",
            "192.168.7.128/25",
            "8.8.8.0/24",
            "fd00::/64",
            "",
            "172.28.0.0",
            "172.28.0.0/33",
            "172.28.0.0/+24",
            "172.28.0.0/-1",
            "172.28.0/24",
            " 172.28.0.0/16",
        ] {
            assert!(!allowed(bad, &[], &routes), "{bad}");
        }
        let mut range = Value::Object(vec![("Subnet".into(), Value::text("172.28.5.0/24"))]);
        for (key, text, fine) in [
            ("Gateway", "172.28.5.1", true),
            ("Gateway", "172.28.6.1", false),
            ("Gateway", "x", false),
            ("IPRange", "172.28.5.128/25", true),
            ("IPRange", "172.28.0.0/16", false),
        ] {
            range.set(key, Value::text(text));
            assert_eq!(inside(&range, "172.28.5.0/24").is_ok(), fine, "{key} {text}");
            range.remove(key);
        }
        // The daemon's configuration goes before Docker's presets.
        assert!(allowed("10.5.1.0/24", &["10.5.0.0/16"], &routes));
        assert!(!allowed("172.28.0.0/16", &["10.5.0.0/16"], &routes));
    }

    proptest! {
        /// No address of a route of the host's is ever in a range that passes.
        #[test]
        fn no_route_is_taken(a in any::<u32>(), b in any::<u32>(), la in 0u8..=32, lb in 1u8..=32) {
            let text = |address: u32, length: u8| format!("{}/{length}", Ipv4Addr::from(address));
            let (subnet, route) = (text(a, la), text(b, lb));
            if allowed(&subnet, &["0.0.0.0/0"], &[&route]) {
                let (range, route) = (Range::parse(&subnet).unwrap(), Range::parse(&route).unwrap());
                let single = |address| Range { first: address, last: address, length: 32 };
                let shared = range.holds(&single(b)) || route.holds(&single(a));
                prop_assert!(!shared, "{} {}", subnet, b);
            }
        }
    }
}
