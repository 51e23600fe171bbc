//! A real coordinator under attack: every attack is refused and counted, and the study's results are those of an
//! undisturbed run.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod calls;
mod floods;
mod stalled;
mod wire;

use std::{path::PathBuf, process::Command, sync::Arc};

use calls::{Peer, Taken};
use seedgrid_common::{
    join::{JoinFile, Role},
    wire::blob::{Blob, Content},
};
use seedgrid_tests::{
    process::{Running, finish, seedgrid, until, worker},
    study::{Scratch, holdout},
};

/// A coordinator under attack.
struct Victim {
    scratch: Scratch,
    spec: PathBuf,
}

impl Victim {
    fn file(&self, role: Role) -> JoinFile {
        JoinFile::read(&self.scratch.path("run").join(role.file_name())).unwrap()
    }

    fn refused(&self, kind: &str) -> u64 {
        self.scratch.status("run")["refusals"][kind].as_u64().unwrap_or(0)
    }

    fn serve(&self) -> Command {
        let mut command = seedgrid(["serve", "-v", "--listen", "127.0.0.1:0"]);
        command.arg(&self.spec).arg("--run-dir").arg(self.scratch.path("run"));
        command
    }

    fn worker(&self) -> Command {
        let mut command = worker(["--slots", "1", "--join"]);
        command.arg(self.scratch.path("run/join.toml")).arg("--cache").arg(self.scratch.path("cache"));
        command
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_among_enemies_ends_as_if_alone() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc-aux", "fc"], "1..=8", 12));
    let undisturbed = finish(&mut scratch.run(&spec, "alone"));
    assert_eq!(undisturbed.code(), 0, "{}", undisturbed.stderr);

    let victim = Victim { scratch, spec };
    let coordinator = Running::start(&mut victim.serve());
    coordinator.until_stderr("seedgrid-worker --join", 1);
    // It holds a unit until all attacks are over, so that the study does not end before.
    let mut holder = Peer::enrolled(&victim, 1).await;
    let held = holder.take().await;
    let holder = Arc::new(holder);
    let beating = tokio::spawn(calls::beat_on(Arc::clone(&holder), held.clone()));
    // Each hostile worker has a unit of its own.
    let mut thrown = Peer::enrolled(&victim, 5).await;
    let mut thief = Peer::enrolled(&victim, 8).await;
    let mut vandal = Peer::enrolled(&victim, 9).await;
    let [of_thrown, of_thief, of_vandal] = [thrown.take().await, thief.take().await, vandal.take().await];
    let honest = Running::start(&mut victim.worker());
    honest.until_stderr("done after", 1);

    let slow = tokio::spawn(wire::half_open_and_slow(victim.file(Role::Join)));
    credentials(&victim).await;
    revoked(&victim, thrown, &of_thrown).await;
    attempts(thief, &of_thief, &held).await;
    calls::malformed(vandal, &of_vandal).await;
    wire::garbage(&victim.file(Role::Join)).await;
    slow.await.unwrap();
    stalled::fetches(&victim, &holder, &held).await;
    stalled::pulls(&victim, &holder).await;
    wire::crowd(&victim).await;
    floods::lookers(&victim).await;
    floods::workers(&victim, &holder, &held).await;
    for (kind, at_least) in [
        ("put-out", 1000),
        ("handshake", 3),
        ("slow-handshake", 2),
        ("silent", 1),
        ("no-credential", 2),
        ("wrong-credential", 3),
        ("expired", 1),
        ("revoked", 3),
        ("wrong-role", 8),
        ("too-many-failures", 1),
        ("other-worker", 4),
        ("foreign-attempt", 6),
        ("malformed", 5),
        ("unknown-call", 2),
    ] {
        let counted = victim.refused(kind);
        assert!(counted >= at_least, "{kind}: {counted} of {at_least}: {}", victim.scratch.status("run"));
    }

    // Training continued throughout; the held unit is given back, and the study ends.
    assert!(!beating.is_finished(), "it was told to drop its unit");
    beating.abort();
    holder.leave().await;
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(honest.wait().code(), 0);
    assert_eq!(victim.scratch.report("run", "report.json"), victim.scratch.report("alone", "report.json"));
    // Thousands of calls were refused, and the log reports them in a few lines.
    let lines = ended.stderr.lines().filter(|line| line.contains("refused; `seedgrid status`")).count();
    assert!((14..200).contains(&lines), "{lines} lines");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    // The attackers' texts appear nowhere as code, and steer no terminal.
    assert!(ended.stderr.contains("script>alert") && !ended.stderr.contains('\x1b'), "{}", ended.stderr);
    for file in ["report.html", "report.md", "results-final.tex", "report.json"] {
        let text = String::from_utf8(victim.scratch.report("run", file)).unwrap();
        assert!(!text.contains("script>alert"), "{file}");
    }
    let attempts = String::from_utf8(victim.scratch.report("run", "attempts.csv")).unwrap();
    assert!(attempts.contains(",preempted,") && !attempts.contains(['\x1b', '\r']), "{attempts}");
}

/// A process may open few files on this machine: there is room for eight workers of one address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_workers_than_there_is_room_for_wait_until_one_goes() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=8", 12));
    let victim = Victim { scratch, spec };
    let serve = victim.serve();
    let mut narrow = Command::new("sh");
    narrow.args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    let coordinator = Running::start(&mut narrow);
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let mut members = Vec::new();
    for number in 1..=8 {
        let mut member = Peer::enrolled(&victim, number).await;
        member.register().await.unwrap();
        members.push(member);
    }
    let mut late = Peer::enrolled(&victim, 9).await;
    assert_eq!(late.register().await, Err("cut off"));
    assert!(victim.refused("crowded") >= 1, "{}", victim.scratch.status("run"));
    for member in &mut members {
        assert_eq!(member.register().await, Ok(()), "it stays");
    }
    members.pop().unwrap().leave().await;
    let mut tries = 0;
    while late.register().await.is_err() {
        tries += 1;
        assert!(tries < 1000, "there is room again, once its connection has gone");
    }
}

/// No credential, wrong ones, right ones for other calls, an expired one, a revoked one, and too many wrong ones.
async fn credentials(victim: &Victim) {
    let mut stranger = Peer::new(victim, 2, "").await;
    for _ in 0..2 {
        stranger.shown = None;
        assert_eq!(stranger.register().await.unwrap_err(), "Unauthenticated");
    }
    for shown in ["0".repeat(64), format!("{}.{}", stranger.id, "0".repeat(64)), "é".to_owned()] {
        stranger.show(&shown);
        assert_eq!(stranger.register().await.unwrap_err(), "Unauthenticated");
    }
    for role in Role::ALL {
        stranger.show(victim.file(role).token.expose());
        assert_eq!(stranger.register().await.unwrap_err(), "PermissionDenied", "{role:?} is no worker");
        assert_eq!(stranger.pull().await.unwrap_err(), "PermissionDenied");
    }
    let enrolled = Peer::enrolled(victim, 3).await;
    assert_eq!(enrolled.retry().await, Err("PermissionDenied"), "a worker does not steer");
    assert_eq!(enrolled.status().await, Err("PermissionDenied"));
    stranger.show(victim.file(Role::View).token.expose());
    assert_eq!(stranger.retry().await, Err("PermissionDenied"), "who looks does not steer");
    assert_eq!(stranger.status().await, Ok(()));

    // A join token with a lifetime of one second.
    let rotate = |options: &[&str]| {
        let mut command = seedgrid(["credentials", "rotate"]);
        assert_eq!(finish(command.arg(victim.scratch.path("run")).args(options)).code(), 0);
        victim.file(Role::Join).token.expose().to_owned()
    };
    let short = rotate(&["--expires", "1s"]);
    let mut late = Peer::new(victim, 4, &short).await;
    until("the token has expired", || victim.file(Role::Join).expires_ms.unwrap() <= calls::now_ms());
    assert_eq!(late.enroll().await, Err("Unauthenticated"));
    rotate(&[]);

    // Too many failed logins end that connection, and no other one.
    let mut guesser = Peer::new(victim, 6, &"1".repeat(64)).await;
    let mut answers = 0;
    while guesser.register().await.is_err_and(|code| code == "Unauthenticated") {
        answers += 1;
        assert!(answers < 1000, "nobody ended it");
    }
    assert_eq!(enrolled_again(victim).await, Ok(()), "members come from the same address and get in");
}

/// A worker that is revoked while it holds an attempt.
async fn revoked(victim: &Victim, mut thrown: Peer, held: &Taken) {
    let revoked = finish(seedgrid(["credentials", "revoke"]).arg(victim.scratch.path("run")).arg(&thrown.id));
    assert_eq!(revoked.code(), 0, "{}", revoked.stderr);
    // Its connection is closed: it notices that on a call, or has connected again before.
    let told = thrown.register().await.unwrap_err();
    assert!(["PermissionDenied", "cut off"].contains(&told), "{told}");
    assert_eq!(thrown.register().await.unwrap_err(), "PermissionDenied");
    assert_eq!(thrown.pull().await.unwrap_err(), "PermissionDenied");
    assert_eq!(thrown.finish(held).await, Err("PermissionDenied"));
    thrown.show(victim.file(Role::Join).token.expose());
    assert_eq!(thrown.enroll().await, Err("PermissionDenied"));
}

async fn enrolled_again(victim: &Victim) -> Result<(), &'static str> {
    let mut member = Peer::enrolled(victim, 7).await;
    member.register().await?;
    member.leave().await;
    Ok(())
}

/// Another worker's attempt, attempts that were not given out yet, and units and studies that do not exist: replayed and forged,
/// under the worker's own id and under another's.
async fn attempts(mut thief: Peer, own: &Taken, theirs: &Taken) {
    let future = Taken { attempt: own.attempt + 1, ..own.clone() };
    let unknown = Taken { unit_id: "f".repeat(32), attempt: 1, ..own.clone() };
    let elsewhere = Taken { study_id: "f".repeat(32), ..own.clone() };
    for forged in [theirs, &future, &unknown, &elsewhere] {
        assert_eq!(thief.finish(forged).await, Err("NeverGiven"));
        assert_eq!(thief.fail(forged).await, Err("NeverGiven"));
        let made_up = Blob::new(vec![7; 1000]);
        assert_eq!(thief.upload(forged, &made_up, Content::Weights).await, Err("NotFound"));
        assert_eq!(thief.beat(forged).await.unwrap(), std::slice::from_ref(forged), "it is told to drop it");
    }
    thief.report_metrics(theirs).await.unwrap();
    let id = std::mem::replace(&mut thief.id, format!("{:032x}", 1));
    assert_eq!(thief.finish(theirs).await, Err("PermissionDenied"));
    assert_eq!(thief.beat(theirs).await, Err("PermissionDenied"));
    assert_eq!(thief.report_metrics(theirs).await, Err("PermissionDenied"));
    thief.id = id;
    // It leaves, and its unit goes to others. A result of it would still be accepted, and this one would be made up.
    thief.leave().await;
}
