//! A worker's session against a scripted coordinator over real connections: lost answers, restarts, refusals, damaged data.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod scripted;

use std::{
    future::{self, Future},
    sync::atomic::Ordering,
    time::Duration,
};

use scripted::{Bench, Coordinator, FAILS, PANICS, Play, attempts, unit, weights, write_join};
use seedgrid_common::{
    data::encode::digest,
    error_chain::with_hint,
    join::Token,
    study_id::StudyId,
    wire::v1::{Failure, StudyState},
};
use seedgrid_worker::{
    lifecycle::{Ending, time_limit::TimeLimit},
    run::{
        event_loop::{Farewell, Tally},
        exit_codes,
    },
};
use tokio::net::TcpListener;

const DONE: Farewell = Farewell::Left { ending: Ending::StudyDone, unacknowledged: 0 };

fn never() -> impl Future<Output = ()> {
    future::pending()
}

#[tokio::test]
async fn a_whole_study_is_trained_and_handed_over() {
    let (play, bench) = (Play::new(7), Bench::held(2));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let release = async {
        let both = || bench.drill.training.load(Ordering::SeqCst) == 2;
        play.until("both slots are seen in training", |script| both() && !script.metrics.is_empty()).await;
        bench.drill.release();
    };
    let ((farewell, tally), ()) = tokio::join!(bench.live(never()), release);
    assert_eq!(farewell, DONE);
    assert_eq!(tally, Tally { done: 7, ..Tally::default() });
    assert_eq!(bench.drill.peak.load(Ordering::SeqCst), 2, "two slots");
    let script = play.script();
    assert_eq!(script.results(), 7);
    assert_eq!(script.submits.len(), 7, "each once");
    assert_eq!(script.fetches, 1, "one fetch for all slots");
    assert_eq!(script.left, ["study done"]);
    assert!(script.submits.iter().all(|submit| submit.train_seconds > 0.0));
}

#[tokio::test]
async fn a_restarted_coordinator_gets_what_was_finished_meanwhile() {
    let (play, bench) = (Play::new(3), Bench::held(1));
    let first = Coordinator::start(&play);
    first.write_join(&play, &bench.join());
    let fault = async {
        // In training: its data set has arrived.
        let trains = || bench.drill.training.load(Ordering::SeqCst) == 1;
        play.until("a unit is in training", |script| trains() && script.beats.iter().any(|held| held.len() == 2)).await;
        drop(first);
        bench.drill.release();
        let finished = || bench.drill.finished.load(Ordering::SeqCst);
        play.until("the worker has trained on meanwhile", |_| finished() == 2).await;
        assert_eq!(play.script().ended.len(), 0);
        {
            let mut script = play.script();
            script.known.clear();
            script.registers.clear();
            script.token = Token::generate();
        }
        let second = Coordinator::start(&play);
        second.write_join(&play, &bench.join());
        play.until("the worker is back", |script| !script.registers.is_empty()).await;
        assert_eq!(play.script().registers[0].held.len(), 2, "it names its finished attempts");
        second
    };
    let ((farewell, _), _second) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    let script = play.script();
    assert_eq!(script.results(), 3);
    assert!(script.attempts.values().all(|&attempt| attempt == 1), "nothing was trained twice");
    assert_eq!(bench.drill.starts.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_lost_acknowledgement_is_asked_for_again() {
    let (play, bench) = (Play::new(2), Bench::new(1));
    play.script().lose_acknowledgements = 3;
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, DONE);
    let script = play.script();
    assert_eq!(script.results(), 2);
    assert!(script.submits.len() >= 4, "{} submits", script.submits.len());
    for id in script.ended.keys() {
        let repeats: Vec<_> =
            script.submits.iter().filter(|submit| submit.attempt.as_ref().unwrap().unit_id == *id).collect();
        assert!(repeats.windows(2).all(|pair| pair[0] == pair[1]), "a repeated submit is the same");
    }
}

/// Runs a study of two units with wanted weights to its end; returns the number of submits.
async fn with_weights(change: impl FnOnce(&mut scripted::Script)) -> (Play, usize) {
    let (play, bench) = (Play::new(2), Bench::new(1));
    play.script().keep_weights = true;
    change(&mut play.script());
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, DONE);
    let submits = play.script().submits.len();
    (play, submits)
}

#[tokio::test]
async fn weights_are_handed_over_before_the_result_counts() {
    let (play, submits) = with_weights(|_| {}).await;
    let script = play.script();
    assert_eq!((script.results(), submits), (2, 4), "each is submitted, its weights asked for, and submitted again");
    assert_eq!(script.blobs.len(), 2);
    for (head, bytes) in &script.blobs {
        let unit = script.ended.get(&head.attempt.unit.to_string()).unwrap();
        assert_eq!(unit.weights_digest, head.digest.to_string());
        assert!([1, 2].iter().any(|&seed| weights(seed).bytes() == bytes), "every byte arrives");
    }
}

#[tokio::test]
async fn weights_are_not_sent_where_nobody_asks_for_them() {
    let (play, submits) = with_weights(|script| script.keep_weights = false).await;
    let script = play.script();
    assert_eq!((script.results(), submits, script.blobs.len()), (2, 2, 0));
    assert!(script.submits.iter().all(|submit| submit.weights_digest.is_empty()));
}

#[tokio::test]
async fn an_upload_that_is_cut_off_or_forgotten_is_begun_again() {
    let (play, _) = with_weights(|script| {
        script.cut_uploads = 2;
        script.forget_uploads = 1;
    })
    .await;
    let script = play.script();
    assert_eq!(script.results(), 2);
    assert_eq!(script.blobs.len(), 3, "one of them was sent again after a restart that forgot it");
    assert!(script.registers.len() >= 3, "the worker reconnected");
}

#[tokio::test]
async fn weights_that_nobody_wants_any_more_do_not_hold_the_result_up() {
    let (play, _) = with_weights(|script| script.unwanted_uploads = 2).await;
    let script = play.script();
    assert_eq!((script.results(), script.blobs.len()), (2, 0));
    assert_eq!(script.registers.len(), 1, "and the connection stays");
}

#[tokio::test]
async fn weights_that_cannot_be_taken_fail_the_attempt_and_say_why() {
    let (play, _) = with_weights(|script| script.refuse_uploads = 1).await;
    let script = play.script();
    assert_eq!(script.results(), 1);
    let failures = script.failures();
    assert!(matches!(&failures[..], [(Failure::Error, detail)] if detail.contains("blob.kind is odd")), "{failures:?}");
}

#[tokio::test]
async fn a_wrong_token_is_final() {
    let (play, bench) = (Play::new(1), Bench::new(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    play.script().token = Token::generate();
    let (farewell, _) = bench.live(never()).await;
    let Farewell::Refused(refused) = &farewell else { panic!("{farewell:?}") };
    assert!(with_hint(refused).contains("hint: copy the join file"), "{refused}");
    assert_eq!(exit_codes::for_end(&farewell), exit_codes::REFUSED);
    assert_eq!(play.script().unauthenticated, 1, "asked once");
}

#[tokio::test]
async fn another_studys_coordinator_is_left_alone() {
    let (play, bench) = (Play::new(1), Bench::new(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    play.script().study = "another".to_owned();
    play.script().study_id = StudyId([8; 16]);
    let (farewell, _) = bench.live(never()).await;
    assert!(matches!(&farewell, Farewell::Refused(refused) if refused.reason.contains("another")), "{farewell:?}");
    assert!(play.script().registers.is_empty(), "the other study does not count it as a worker");
    assert!(play.script().attempts.is_empty());
}

#[tokio::test]
async fn a_token_that_changes_under_a_worker_is_read_again() {
    let (play, bench) = (Play::new(4), Bench::held(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let fault = async {
        play.until("a unit is in training", |script| !script.beats.is_empty()).await;
        play.script().token = Token::generate();
        coordinator.write_join(&play, &bench.join());
        play.script().enrolled.clear();
        play.until("it has enrolled again", |script| script.enrolments == 2).await;
        bench.drill.release();
    };
    let ((farewell, _), ()) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    assert_eq!(bench.drill.starts.load(Ordering::SeqCst), 4, "training was not disturbed");
    assert_eq!(play.script().enrolments, 2, "its credential was forgotten, so it enrolled again");
}

#[tokio::test]
async fn an_enrolled_worker_goes_on_with_a_useless_join_file() {
    let (play, bench) = (Play::new(4), Bench::held(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let fault = async {
        play.until("a unit is in training", |script| !script.beats.is_empty()).await;
        // The worker's file has the old token.
        play.script().token = Token::generate();
        play.script().known.clear();
        play.until("it is back", |script| script.registers.len() == 2).await;
        bench.drill.release();
    };
    let ((farewell, _), ()) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    let script = play.script();
    assert_eq!((script.enrolments, script.unauthenticated), (1, 0));
}

#[tokio::test]
async fn a_forgotten_worker_registers_again_with_what_it_holds() {
    let (play, bench) = (Play::new(2), Bench::held(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let fault = async {
        play.until("both units are held", |script| script.beats.iter().any(|held| held.len() == 2)).await;
        play.script().known.clear();
        play.until("it is back", |script| script.registers.len() == 2).await;
        assert_eq!(play.script().registers[1].held.len(), 2);
        bench.drill.release();
    };
    let ((farewell, _), ()) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    assert_eq!(bench.drill.starts.load(Ordering::SeqCst), 2, "training was not disturbed");
}

#[tokio::test]
async fn a_dropped_attempt_is_stopped() {
    let (play, bench) = (Play::new(1), Bench::held(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let fault = async {
        play.until("a unit is in training", |script| script.beats.iter().any(|held| held.len() == 1)).await;
        let held = play.script().beats.last().unwrap().clone();
        assert_eq!(attempts(&held).len(), 1);
        play.script().drop_next = held;
        play.until("it is let go", |script| script.beats.last().is_some_and(Vec::is_empty)).await;
        // The unit would never end by itself.
        play.until("it is stopped", |_| bench.drill.training.load(Ordering::SeqCst) == 0).await;
        play.script().state = Some(StudyState::Done);
    };
    let ((farewell, tally), ()) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    assert_eq!(tally, Tally { stopped: 1, ..Tally::default() });
    assert!(play.script().submits.is_empty(), "nothing is handed over");
}

#[tokio::test]
async fn errors_and_panics_are_reported_and_the_worker_goes_on() {
    let (play, bench) = (Play::new(2), Bench::new(1));
    {
        let mut script = play.script();
        let digest = digest(&script.dataset);
        script.waiting.push_front(unit(&digest, PANICS));
        script.waiting.push_front(unit(&digest, FAILS));
    }
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, tally) = bench.live(never()).await;
    assert_eq!(farewell, DONE);
    assert_eq!(tally, Tally { done: 2, failed: 2, ..Tally::default() });
    let script = play.script();
    let expected = [
        (Failure::Error, "an error in training".to_owned()),
        (Failure::Error, "training panicked: a panic in training".to_owned()),
    ];
    let mut failures = script.failures();
    failures.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(failures, expected);
    assert_eq!(script.results(), 2);
}

#[tokio::test]
async fn a_signal_gives_work_back() {
    let (play, bench) = (Play::new(5), Bench::held(2));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let told = play.until("units are in training", |script| script.beats.iter().any(|held| held.len() == 3));
    let (farewell, _) = bench.live(told).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::Terminated, unacknowledged: 0 });
    assert_eq!(exit_codes::for_end(&farewell), exit_codes::DONE);
    let script = play.script();
    assert_eq!(script.failures().len(), 3);
    assert!(script.failures().iter().all(|(failure, _)| *failure == Failure::Preempted));
    assert_eq!(script.left, ["terminated"]);
}

#[tokio::test]
async fn a_signal_ends_a_worker_whose_coordinator_is_away() {
    let (play, bench) = (Play::new(1), Bench::held(1));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let told = async {
        play.until("a unit is in training", |script| script.beats.iter().any(|held| held.len() == 1)).await;
        drop(coordinator);
    };
    let (farewell, _) = bench.live(told).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::Terminated, unacknowledged: 1 });
    assert_eq!(exit_codes::for_end(&farewell), exit_codes::UNREACHABLE);
}

#[tokio::test]
async fn after_a_signal_results_reach_a_coordinator_that_is_back() {
    let (play, bench) = (Play::new(2), Bench::held(1));
    let first = Coordinator::start(&play);
    first.write_join(&play, &bench.join());
    let mut second = None;
    let told = async {
        // In training: its data set has arrived.
        let trains = || bench.drill.training.load(Ordering::SeqCst) == 1;
        play.until("both units are held", |script| trains() && script.beats.iter().any(|held| held.len() == 2)).await;
        drop(first);
        bench.drill.release();
        let finished = || bench.drill.finished.load(Ordering::SeqCst);
        play.until("both units are trained", |_| finished() == 2).await;
        let coordinator = second.insert(Coordinator::start(&play));
        coordinator.write_join(&play, &bench.join());
    };
    let (farewell, _) = bench.live(told).await;
    assert!(matches!(farewell, Farewell::Left { unacknowledged: 0, .. }), "{farewell:?}");
    assert_eq!(play.script().results(), 2);
}

#[tokio::test]
async fn at_the_time_limit_work_is_given_back() {
    let (play, mut bench) = (Play::new(1), Bench::held(1));
    bench.rules.time_limit = Some(TimeLimit::after(Duration::from_secs(3)));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::TimeLimit, unacknowledged: 0 });
    let script = play.script();
    let failures = script.failures();
    assert!(failures.iter().all(|(failure, _)| *failure == Failure::OutOfTime), "{failures:?}");
    assert_eq!(failures.len(), script.attempts.len(), "all that it was given");
}

#[tokio::test]
async fn a_coordinator_that_never_comes_is_given_up() {
    let (play, mut bench) = (Play::new(1), Bench::new(1));
    bench.rules.connect_timeout = Duration::from_secs(1);
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    drop(coordinator);
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::Unreachable, unacknowledged: 0 });
    assert_eq!(exit_codes::for_end(&farewell), exit_codes::UNREACHABLE);
}

#[tokio::test]
async fn a_worker_may_start_before_its_coordinator() {
    let (play, bench) = (Play::new(1), Bench::new(1));
    // Another program has the port at first, and closes every connection.
    let early = TcpListener::bind("127.0.0.1:0").await.unwrap();
    write_join(&play, &bench.join(), early.local_addr().unwrap());
    let come = async {
        drop(early.accept().await.unwrap());
        drop(early);
        let coordinator = Coordinator::start(&play);
        coordinator.write_join(&play, &bench.join());
        coordinator
    };
    let ((farewell, _), _coordinator) = tokio::join!(bench.live(never()), come);
    assert_eq!(farewell, DONE);
}

#[tokio::test]
async fn a_data_set_is_fetched_once_and_kept() {
    let mut bench = Bench::new(2);
    bench.cache = Some(bench.folder.path().join("cache"));
    for fetches in [1, 0] {
        let play = Play::new(3);
        let coordinator = Coordinator::start(&play);
        coordinator.write_join(&play, &bench.join());
        assert_eq!(bench.live(never()).await.0, DONE);
        assert_eq!(play.script().fetches, fetches);
    }
}

#[tokio::test]
async fn a_damaged_data_set_is_never_used() {
    let mut bench = Bench::new(1);
    let cache = bench.folder.path().join("cache");
    bench.cache = Some(cache.clone());
    // Damaged in transit, twice, and then in the cache folder.
    for (corrupt, fetches) in [(2, 3), (0, 1)] {
        let play = Play::new(1);
        play.script().corrupt_fetches = corrupt;
        let coordinator = Coordinator::start(&play);
        coordinator.write_join(&play, &bench.join());
        assert_eq!(bench.live(never()).await.0, DONE);
        let script = play.script();
        assert_eq!((script.fetches, script.results()), (fetches, 1));
        let name = digest(&script.dataset);
        let mut bytes = std::fs::read(cache.join(&name)).unwrap();
        assert_eq!(digest(&bytes), name);
        bytes[100] ^= 1;
        std::fs::write(cache.join(&name), bytes).unwrap();
    }
    // Always damaged: the unit fails, with the reason.
    let play = Play::new(1);
    play.script().corrupt_fetches = u32::MAX;
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    assert_eq!(bench.live(never()).await.0, DONE);
    let failures = play.script().failures();
    assert!(matches!(&failures[..], [(Failure::Error, detail)] if detail.contains("damaged")), "{failures:?}");
}

#[tokio::test]
async fn a_cache_folder_that_goes_away_is_done_without() {
    let mut bench = Bench::new(1);
    let cache = bench.folder.path().join("cache");
    bench.cache = Some(cache.clone());
    let play = Play::new(1);
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    // The folder is opened at the start, and removed before the data set arrives.
    play.script().waiting.clear();
    play.script().state = Some(StudyState::Running);
    let fault = async {
        play.until("it has joined", |script| !script.registers.is_empty()).await;
        std::fs::remove_dir_all(&cache).unwrap();
        let mut script = play.script();
        let unit = unit(&digest(&script.dataset), 1);
        script.waiting.push_back(unit);
        script.state = None;
    };
    let ((farewell, _), ()) = tokio::join!(bench.live(never()), fault);
    assert_eq!(farewell, DONE);
    assert_eq!(play.script().results(), 1);
}

#[tokio::test]
async fn metrics_that_nobody_reads_hold_nothing_up() {
    let (play, mut bench) = (Play::new(2), Bench::new(1));
    // More than the stream, the connection and the buffer can hold.
    let drill = std::sync::Arc::get_mut(&mut bench.drill).unwrap();
    (drill.epochs, drill.batches) = (20_000, 0);
    play.script().stall_metrics = true;
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, DONE);
    assert_eq!(play.script().results(), 2);
    assert_eq!(play.script().metrics.len(), 0);
}

#[tokio::test]
async fn a_result_that_cannot_be_read_becomes_a_failure() {
    let (play, bench) = (Play::new(1), Bench::new(1));
    play.script().misread_results = 1;
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    assert_eq!(bench.live(never()).await.0, DONE);
    let failures = play.script().failures();
    assert!(matches!(&failures[..], [(Failure::Error, detail)] if detail.contains("odd")), "{failures:?}");
}

#[tokio::test]
async fn units_of_another_revision_are_not_trained() {
    let (play, bench) = (Play::new(1), Bench::new(1));
    play.script().false_id = Some("0".repeat(32));
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert!(matches!(&farewell, Farewell::Left { ending: Ending::Incompatible(_), unacknowledged: 0 }), "{farewell:?}");
    assert_eq!(exit_codes::for_end(&farewell), exit_codes::REFUSED);
    assert_eq!(bench.drill.starts.load(Ordering::SeqCst), 0);
    assert_eq!(play.script().failures()[0].0, Failure::Preempted);
}

#[tokio::test]
async fn a_drained_worker_finishes_what_it_holds() {
    let (play, bench) = (Play::new(3), Bench::new(1));
    play.script().state = Some(StudyState::Draining);
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::Drained, unacknowledged: 0 });
    assert_eq!(play.script().results(), 2, "one in the slot and one in waiting");
    assert_eq!(play.script().left, ["drained"]);
}

#[tokio::test]
async fn an_idle_worker_leaves() {
    let (play, mut bench) = (Play::new(0), Bench::new(1));
    bench.rules.idle_timeout = Some(Duration::from_secs(1));
    play.script().state = Some(StudyState::Running);
    let coordinator = Coordinator::start(&play);
    coordinator.write_join(&play, &bench.join());
    let (farewell, _) = bench.live(never()).await;
    assert_eq!(farewell, Farewell::Left { ending: Ending::Idle, unacknowledged: 0 });
    assert_eq!(play.script().left, ["idle"]);
}
