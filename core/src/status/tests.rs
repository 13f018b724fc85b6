use super::*;

fn taken(samples: &Samples) -> Vec<u64> {
    let mut found = Vec::new();
    samples.drain(|sample| found.push(sample));
    found
}

#[test]
fn samples_come_out_once_and_in_order() {
    let samples = Samples::default();
    assert!(taken(&samples).is_empty());
    [3, 1, 2].into_iter().for_each(|sample| samples.record(sample));
    assert_eq!(taken(&samples), [3, 1, 2]);
    samples.record(u64::MAX);
    assert_eq!((taken(&samples), taken(&samples)), (vec![u64::from(u32::MAX)], vec![]));
    assert_eq!(samples.lost(), 0);
}

#[test]
fn samples_that_nobody_takes_are_lost_and_counted_and_the_first_ones_stay() {
    let samples = Samples::default();
    (0..SAMPLES as u64 + 7).for_each(|sample| samples.record(sample));
    assert_eq!(samples.lost(), 7);
    assert!(taken(&samples).into_iter().eq(0..SAMPLES as u64));
    samples.record(5);
    assert_eq!((taken(&samples), samples.lost()), (vec![5], 7));
}

#[test]
fn between_two_threads_every_sample_arrives_as_it_was_or_is_counted_as_lost() {
    const COUNT: u64 = 500_000;
    let samples = Samples::default();
    let recorded_all = AtomicBool::new(false);
    let found = std::thread::scope(|threads| {
        threads.spawn(|| {
            (0..COUNT).for_each(|sample| samples.record(sample));
            recorded_all.store(true, Release);
        });
        let mut found = Vec::new();
        loop {
            let was_over = recorded_all.load(Acquire);
            samples.drain(|sample| found.push(sample));
            if was_over {
                return found;
            }
        }
    });
    assert!(found.is_sorted_by(|before, after| before < after), "in order, each once");
    assert_eq!(found.len() as u64 + samples.lost(), COUNT);
}

#[test]
fn blocks_that_are_fetched_from_far_behind_say_nothing_about_finality() {
    let status = NodeStatus::default();
    status.known_height.set(108);
    assert!(status.is_near_tip(Height(100)) && status.is_near_tip(Height(200)));
    assert!(!status.is_near_tip(Height(99)));
}
