//! Mutants that are still RLP: an item changed, doubled, moved or left out, and all lengths around it made right again.
//! Byte by byte hardly any mutant gets past the lengths; these reach the checks behind them.

use crate::chance::Chance;
use minuet_core::alloy_rlp::Header;

/// More items than this are not taken apart.
const MAX_ITEMS: usize = 4096;
const MAX_DEPTH: usize = 8;

enum Item {
    Text(Vec<u8>),
    List(Vec<Item>),
}

/// A mutant, if the bytes (or those behind the type byte of a transaction) are one RLP item.
pub fn mutant(bytes: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let (prefix, mut rest) = bytes.split_at_checked(usize::from(bytes.first() == Some(&0x6d)))?;
    let mut left = MAX_ITEMS;
    let mut item = read(&mut rest, 0, &mut left).filter(|_| rest.is_empty())?;
    change(&mut item, chance);
    let mut out = prefix.to_vec();
    write(&item, &mut out);
    Some(out)
}

fn read(rest: &mut &[u8], depth: usize, left: &mut usize) -> Option<Item> {
    *left = left.checked_sub(1)?;
    let header = Header::decode(rest).ok()?;
    let (mut payload, after) = rest.split_at_checked(header.payload_length)?;
    *rest = after;
    if !header.list {
        return Some(Item::Text(payload.to_vec()));
    }
    if depth == MAX_DEPTH {
        return None;
    }
    let mut items = Vec::new();
    while !payload.is_empty() {
        items.push(read(&mut payload, depth + 1, left)?);
    }
    Some(Item::List(items))
}

fn write(item: &Item, out: &mut Vec<u8>) {
    match item {
        Item::Text(bytes) if bytes.len() == 1 && bytes[0] < 0x80 => out.push(bytes[0]),
        Item::Text(bytes) => {
            Header { list: false, payload_length: bytes.len() }.encode(out);
            out.extend_from_slice(bytes);
        }
        Item::List(items) => {
            let mut payload = Vec::new();
            items.iter().for_each(|item| write(item, &mut payload));
            Header { list: true, payload_length: payload.len() }.encode(out);
            out.extend_from_slice(&payload);
        }
    }
}

fn change(item: &mut Item, chance: &mut Chance) {
    match item {
        Item::Text(bytes) => change_text(bytes, chance),
        // Most of the time further down.
        Item::List(items) if !items.is_empty() && !chance.next().is_multiple_of(4) => {
            let place = chance.below(items.len());
            change(&mut items[place], chance);
        }
        Item::List(items) => change_list(items, chance),
    }
}

fn change_text(bytes: &mut Vec<u8>, chance: &mut Chance) {
    // Headers, bodies and certificates stand in other messages as texts.
    if bytes.len() > 8
        && chance.next().is_multiple_of(2)
        && let Some(inner) = mutant(bytes, chance)
    {
        *bytes = inner;
        return;
    }
    match chance.below(7) {
        0 => bytes.clear(),
        1 => *bytes = vec![chance.byte()],
        2 => bytes.push(chance.byte()),
        3 => _ = bytes.pop(),
        4 => {
            *bytes =
                (chance.next() >> chance.below(64)).to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
        }
        5 => bytes.insert(0, 0),
        _ if bytes.is_empty() => bytes.push(1),
        _ => {
            let place = chance.below(bytes.len());
            bytes[place] ^= 1 << chance.below(8);
        }
    }
}

fn change_list(items: &mut Vec<Item>, chance: &mut Chance) {
    let place = chance.below(items.len());
    let other = chance.below(items.len());
    match chance.below(6) {
        0 => items.push(Item::Text(Vec::new())),
        1 => items.push(Item::List(Vec::new())),
        2 if !items.is_empty() => _ = items.remove(place),
        3 if !items.is_empty() => items.swap(place, other),
        4 if !items.is_empty() => {
            let mut copy = Vec::new();
            write(&items[place], &mut copy);
            let copies = 1 << chance.below(5);
            let read_back = |_| read(&mut copy.as_slice(), 0, &mut { MAX_ITEMS });
            items.extend((0..copies).filter_map(read_back));
        }
        _ => items.clear(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use minuet_core::certificate::Certificate;
    use minuet_core::transaction::Transaction;

    #[test]
    fn mutants_stay_rlp_and_many_of_them_stay_values() {
        let mut chance = Chance::new(1);
        let certificate = samples::certificates()[0].to_bytes();
        let transaction = samples::transaction(3, &[1, 2]).envelope().clone();
        let (mut certificates, mut transactions) = (0, 0);
        for _ in 0..1000 {
            let bytes = mutant(&certificate, &mut chance).expect("a certificate is RLP");
            let mut rest = bytes.as_slice();
            assert!(read(&mut rest, 0, &mut { MAX_ITEMS }).is_some() && rest.is_empty());
            certificates += u32::from(Certificate::from_bytes(&bytes).is_ok());
            let bytes = mutant(&transaction, &mut chance).expect("a transaction is RLP behind its type");
            assert_eq!(bytes[0], 0x6d);
            transactions += u32::from(Transaction::decode(&bytes.into()).is_ok());
        }
        assert!(certificates > 100 && transactions > 100, "{certificates} and {transactions}");
    }

    #[test]
    fn what_is_no_rlp_has_no_such_mutant() {
        for bytes in [&b""[..], b"\xc1", b"\x80\x80", b"\xf8\xff", b"plain text"] {
            assert_eq!(mutant(bytes, &mut Chance::new(1)), None, "{bytes:02x?}");
        }
    }
}
