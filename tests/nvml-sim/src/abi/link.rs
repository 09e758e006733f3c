//! How cards reach each other.

use std::ffi::{c_int, c_uint};

use nvml_wrapper_sys::bindings::nvmlPciInfo_t;

use crate::board::Card;
use crate::code::{Answer, Code};
use crate::handle::{Handle, Out, Target, put_all};
use crate::live::Live;
use crate::world::Fabric;

/// A link that exists, and whether it is up.
fn link(live: &Live, device: Handle, number: c_uint) -> Answer<&Card> {
    let card = live.card(device)?;
    if number >= card.model.nvlinks { Err(Code::INVALID_ARGUMENT) } else { Ok(card) }
}

fn is_up(card: &Card) -> bool {
    // MIG takes the links away.
    !card.peers.is_empty() && !card.mig
}

/// The card at the other end: links are shared out evenly, the first to the first peer.
fn far_end<'a>(live: &'a Live, card: &Card, number: c_uint) -> Option<&'a Card> {
    if live.world.nvlink == Fabric::Switch || !is_up(card) {
        return None;
    }
    let each = (card.model.nvlinks as usize / card.peers.len()).max(1);
    let peer = *card.peers.get(number as usize / each)?;
    live.cards.get(peer as usize)
}

fn two(live: &Live, one: Handle, other: Handle) -> Answer<(&Card, &Card)> {
    Ok((live.card(one)?, live.card(other)?))
}

/// Same card 0, same node 40, across nodes 50.
fn distance(one: &Card, other: &Card) -> c_uint {
    if one.index == other.index {
        0
    } else if one.spec.numa == other.spec.numa {
        40
    } else {
        50
    }
}

abi! {
    fn nvmlDeviceGetNvLinkState: (live, device: Handle, number: c_uint, active: Out<c_uint>) {
        active.set(is_up(link(live, device, number)?).into())
    }
    fn nvmlDeviceGetNvLinkVersion: (live, device: Handle, number: c_uint, version: Out<c_uint>) {
        version.set(link(live, device, number)?.model.nvlink_version)
    }
    fn nvmlDeviceGetNvLinkCapability: (
        live, device: Handle, number: c_uint, _what: c_uint, can: Out<c_uint>
    ) {
        can.set(is_up(link(live, device, number)?).into())
    }
    fn nvmlDeviceGetNvLinkErrorCounter: (
        live, device: Handle, number: c_uint, _what: c_uint, count: Out<u64>
    ) {
        link(live, device, number)?;
        count.set(0)
    }
    fn nvmlDeviceGetNvLinkRemotePciInfo_v2 | nvmlDeviceGetNvLinkRemotePciInfo: (
        live, device: Handle, number: c_uint, pci: Out<nvmlPciInfo_t>
    ) {
        let card = link(live, device, number)?;
        match far_end(live, card, number) {
            Some(other) => pci.set(super::device::pci_info(other)),
            None => Err(Code::NOT_SUPPORTED),
        }
    }
    fn nvmlDeviceGetNvLinkRemoteDeviceType: (
        live, device: Handle, number: c_uint, kind: Out<c_uint>
    ) {
        let card = link(live, device, number)?;
        match (far_end(live, card, number), is_up(card)) {
            (Some(_), _) => kind.set(0),
            (None, true) => kind.set(2),
            (None, false) => kind.set(255),
        }
    }
    fn nvmlDeviceGetP2PStatus: (
        live, one: Handle, other: Handle, what: c_uint, status: Out<c_uint>
    ) {
        let (one, other) = two(live, one, other)?;
        let linked = is_up(one) && is_up(other) && one.peers.contains(&other.index);
        // 2 asks for NVLink; 0 and 1 for reading and writing, which PCIe does too.
        let can = match what {
            2 => linked,
            0 | 1 | 4 => !one.mig && !other.mig,
            _ => false,
        };
        status.set(if can { 0 } else { 5 })
    }
    fn nvmlDeviceGetTopologyCommonAncestor: (live, one: Handle, other: Handle, level: Out<c_uint>) {
        let (one, other) = two(live, one, other)?;
        level.set(distance(one, other))
    }
    fn nvmlDeviceGetTopologyNearestGpus: (
        live, device: Handle, level: c_uint, count: Out<c_uint>, array: Out<Handle>
    ) {
        let card = live.card(device)?;
        let near: Vec<_> = live
            .cards
            .iter()
            .filter(|other| other.index != card.index && distance(card, other) == level)
            .map(|other| Handle::to(Target::Gpu(other.index as usize)))
            .collect();
        let room = count.get()? as usize;
        count.set(near.len() as c_uint)?;
        put_all(&near[..room.min(near.len())], array)
    }
    fn nvmlDeviceOnSameBoard: (live, one: Handle, other: Handle, same: Out<c_int>) {
        two(live, one, other)?;
        same.set(0)
    }
}
