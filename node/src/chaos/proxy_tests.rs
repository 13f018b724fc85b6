use super::*;
use std::net::UdpSocket as End;

/// Far above what anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

fn ends() -> [End; 2] {
    [(); 2].map(|()| {
        let end = End::bind("127.0.0.1:0").unwrap();
        end.set_read_timeout(Some(LIMIT)).unwrap();
        end
    })
}

fn between(ends: &[End; 2]) -> Proxy {
    Proxy::between(&ends.each_ref().map(|end| end.local_addr().unwrap()), 1).unwrap()
}

fn send(proxy: &Proxy, ends: &[End; 2], from: usize, text: &str) {
    let other = 1 - from;
    let address = proxy.address(u16::try_from(from).unwrap(), u16::try_from(other).unwrap()).unwrap();
    ends[from].send_to(text.as_bytes(), address).unwrap();
}

fn received(ends: &[End; 2], at: usize) -> String {
    let mut buffer = [0; 1500];
    let length = ends[at].recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

fn loses(proxy: &Proxy, packets: u64) {
    let begun = std::time::Instant::now();
    while proxy.packets().1 < packets {
        assert!(begun.elapsed() < LIMIT, "{:?}", proxy.packets());
        std::thread::yield_now();
    }
}

#[test]
fn packets_go_both_ways_through_one_address() {
    let ends = ends();
    let proxy = between(&ends);
    assert_eq!(proxy.address(0, 1), proxy.address(1, 0));
    send(&proxy, &ends, 0, "there");
    assert_eq!(received(&ends, 1), "there");
    send(&proxy, &ends, 1, "back");
    assert_eq!(received(&ends, 0), "back");
}

#[test]
fn a_cut_link_loses_everything_until_it_heals_and_a_one_way_cut_one_direction_only() {
    let ends = ends();
    let proxy = between(&ends);
    proxy.fail(&Fault::Split(vec![0]));
    send(&proxy, &ends, 0, "lost");
    send(&proxy, &ends, 1, "lost");
    loses(&proxy, 2);
    proxy.fail(&Fault::Unheard(0));
    send(&proxy, &ends, 0, "lost too");
    send(&proxy, &ends, 1, "heard");
    loses(&proxy, 3);
    assert_eq!(received(&ends, 0), "heard");
    proxy.heal();
    send(&proxy, &ends, 0, "whole again");
    assert_eq!(received(&ends, 1), "whole again");
}

#[test]
fn a_slow_link_delivers_late_and_a_narrow_one_holds_back_and_then_loses() {
    let ends = ends();
    let proxy = between(&ends);
    proxy.fail(&Fault::Slow { delay_ms: 80, jitter_ms: 1 });
    let begun = std::time::Instant::now();
    send(&proxy, &ends, 0, "late");
    assert_eq!(received(&ends, 1), "late");
    assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());

    proxy.fail(&Fault::Narrow { bytes_per_second: 10_000 });
    let begun = std::time::Instant::now();
    // A tenth of a second each.
    (0..10).for_each(|_| send(&proxy, &ends, 0, &"x".repeat(1000)));
    loses(&proxy, 1);
    received(&ends, 1);
    received(&ends, 1);
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[test]
fn so_many_packets_are_lost_as_are_to_be() {
    let ends = ends();
    let proxy = between(&ends);
    proxy.fail(&Fault::Lossy { permille: 500 });
    let begun = std::time::Instant::now();
    for sent in 1..=400u64 {
        send(&proxy, &ends, 0, "maybe");
        while {
            let (passed, lost) = proxy.packets();
            passed + lost
        } < sent
        {
            assert!(begun.elapsed() < LIMIT, "{:?} of {sent}", proxy.packets());
            std::thread::yield_now();
        }
    }
    let (passed, lost) = proxy.packets();
    assert!(passed > 100 && lost > 100, "{passed} passed, {lost} lost");
}
