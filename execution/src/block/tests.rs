use super::*;

fn plain(count: u64) -> Vec<Receipt> {
    (1..=count).map(|number| Receipt::transfer(number * TRANSFER_GAS)).collect()
}

#[test]
fn a_remembered_receipts_root_is_the_computed_one() {
    for count in [1, 2, 127, 128, 129, 300, 5_000, 300, 1] {
        let receipts = plain(count);
        assert_eq!(root_over(&receipts), receipts_root(&receipts), "{count} receipts");
    }
}

#[test]
fn receipts_of_anything_but_plain_transfers_have_their_own_root() {
    let known = root_over(&plain(3));
    let changes: [fn(&mut Receipt); 2] =
        [|receipt| receipt.success = false, |receipt| receipt.cumulative_gas_used += 16];
    for change in changes {
        for place in 0..3 {
            let mut receipts = plain(3);
            change(&mut receipts[place]);
            assert_ne!(root_over(&receipts), known);
            assert_eq!(root_over(&receipts), receipts_root(&receipts));
        }
    }
}
