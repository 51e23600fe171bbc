//! The common part of `run` and `serve`: a study's core and server in a run directory.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, thread::JoinHandle, time::Duration};

use seedgrid_common::{
    error_chain::chain, join::JoinFile, made_up_results::ResultKind, text::shell, unit::UnitId, utc,
};

use super::{
    Failure,
    join_addresses::{Listening, addresses},
    server_settings::ServerSettings,
    shared_arguments::StudyArguments,
};
use crate::{
    auth::{CredentialFiles, Identity, Place},
    cli::standard_streams,
    core::{Core, CoreError, CoreStudy, Holders, StudyPlan},
    grpc::{Bound, Entry, Server, StudyFiles},
    plan::{Overlap, Prepared, Spec, belongs, take_results},
    run_directory::{Owned, RunDirectory, lock_holder},
    scheduler::queue::Rules,
    store::{Store, StoredUnit, blobs::weights},
};

/// The time limit of calls in progress when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// A study that is ready to run.
pub(super) struct Opened {
    pub(super) directory: Owned,
    pub(super) store: Store,
    pub(super) prepared: Prepared,
    pub(super) results: ResultKind,
    /// The store's entry of each unit when it was opened.
    pub(super) known: BTreeMap<UnitId, StoredUnit>,
}

/// Reads the spec, locks the run directory and makes the plan. `replace` also permits a spec without any of the stored
/// results. `results`: the kind of results that are to come.
pub(super) fn open(arguments: &StudyArguments, replace: bool, results: ResultKind) -> Result<Opened, Failure> {
    let spec = Spec::read(&arguments.spec)?;
    say_what_is_unused(arguments, &spec);
    let directory = directory(arguments, &spec.study.name).own()?;
    if directory.is_open_to_all() {
        let path = directory.root();
        standard_streams::note(format_args!(
            "note: everybody on this machine can write to {}, and so change the run; `chmod o-w {}` ends that",
            path.display(),
            shell(path)
        ));
    }
    let mut store = Store::open(&directory.database())?;
    say_what_was_mended(&store);
    belongs(&directory, &store, &spec.study.name)?;
    take_results(&directory, &mut store, results)?;
    let mut prepared = Prepared::new(spec, arguments.data.as_deref(), &directory, Some(&store))?;
    let known = store.units()?;
    let overlap = Overlap::count(&prepared, &directory, Some(&store), &known)?;
    // The check comes before any change to the run directory.
    overlap.allows(replace)?;
    for note in overlap.notes() {
        standard_streams::note(format_args!("note: {note}"));
    }
    prepared.keep(&directory, &mut store)?;
    for note in weights_standing(&prepared, &directory, Some(&store), &known)?.notes() {
        standard_streams::note(format_args!("note: {note}"));
    }
    Ok(Opened { directory, store, prepared, results, known })
}

/// Counts the weights that the spec asks for, stored and missing.
pub(super) fn weights_standing(
    prepared: &Prepared,
    directory: &RunDirectory,
    store: Option<&Store>,
    known: &BTreeMap<UnitId, StoredUnit>,
) -> Result<weights::WeightCounts, Failure> {
    let kept = store.map(Store::weights).transpose()?.unwrap_or_default();
    Ok(weights::WeightCounts::count(&prepared.spec.study, &prepared.plan, known, &kept, directory.root()))
}

/// Prints the damage to the database and its repair.
pub(super) fn say_what_was_mended(store: &Store) {
    for note in store.mended().notes() {
        standard_streams::note(format_args!("note: {note}"));
    }
}

/// Prints notes about arguments and settings without effect.
pub(super) fn say_what_is_unused(arguments: &StudyArguments, spec: &Spec) {
    let kind = spec.study.dataset.kind;
    if arguments.data.is_some() && !kind.reads_files {
        standard_streams::note(format_args!("note: --data is not used: the data set {} needs no files", kind.name));
    }
    for stage in spec.study.races_without_rivals() {
        standard_streams::note(format_args!(
            "note: stage {stage} has a race, but each of its models has one configuration: a race needs two"
        ));
    }
    for doubt in spec.study.doubtful_selections() {
        standard_streams::note(format_args!("note: {doubt}; whatever does not fit fails if it is selected"));
    }
}

/// The run directory that the arguments name.
pub(super) fn directory(arguments: &StudyArguments, study: &str) -> RunDirectory {
    RunDirectory::new(arguments.run_dir.clone().unwrap_or_else(|| PathBuf::from("runs").join(study)))
}

impl Opened {
    /// The number of units without a result, including those of later stages.
    pub(super) fn units_left(&self) -> usize {
        let left =
            |id| self.known.get(&id).is_none_or(|unit| unit.result.is_none()) && self.prepared.track.is_released(id);
        let known_left = self.prepared.plan.units().into_keys().filter(|id| left(*id)).count();
        known_left + self.prepared.to_come().units()
    }
}

/// A study's core and server.
pub(super) struct Hosting {
    pub(super) directory: Owned,
    core: Core,
    /// The study, in the core.
    pub(super) study: CoreStudy,
    thread: JoinHandle<Result<(), CoreError>>,
    server: Server,
}

impl Hosting {
    /// Starts the core and listens; writes the join file.
    pub(super) async fn start(opened: Opened, settings: ServerSettings<'_>, holders: Holders) -> Result<Self, Failure> {
        let Opened { directory, mut store, prepared, results, known: _ } = opened;
        let study = &prepared.spec.study;
        let plan = StudyPlan { study: study.clone(), digests: prepared.draws.digests(), results };
        let identity = match settings.plaintext {
            true => None,
            false => {
                let path = directory.identity();
                let what = if path.exists() { "is another one" } else { "is gone" };
                let before = JoinFile::read(&directory.join_file()).ok().and_then(|file| file.certificate);
                let identity = Identity::load_or_generate(&path)?;
                if before.is_some_and(|before| before != identity.certificate()) {
                    standard_streams::note(format_args!(
                        "note: {} {what}, so the study has a new certificate: copies of its join, admin and view files are of no use any more",
                        path.display()
                    ));
                }
                Some(identity)
            }
        };
        let bound = Bound::listen(settings.listen).await?;
        let place = Place {
            study: study.name.clone(),
            study_id: store.study_id()?,
            host: lock_holder::host(),
            addresses: addresses(&Listening::from_bound(&bound), settings),
            certificate: identity.as_ref().map(|identity| identity.certificate().to_owned()),
        };
        // The files come before any answer: a refused worker reads the file again and must find the new token.
        let keys = CredentialFiles::open(&directory, place, settings.join_expires, &mut store, utc::now_ms())?;
        let (core, thread) = Core::start(vec![(store, plan)], Rules::default(), holders)?;
        let study = core.study(keys.study()).expect("the core has the study that it was started with").clone();
        let entry = Entry { identity, one_address: settings.one_address };
        let files = StudyFiles { keys, datasets: prepared.draws.files(&directory) };
        let server = bound.serve(core.clone(), entry, vec![files]);
        Ok(Self { directory, core, study, thread, server })
    }

    /// The server's address.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops the server and the core. Returns the directory, still locked.
    pub(super) async fn stop(self) -> Result<Owned, Failure> {
        self.end(Hurry::No).await
    }

    /// The same after a signal: it does not wait for a store that another program has locked.
    pub(super) async fn stop_soon(self) -> Result<Owned, Failure> {
        self.end(Hurry::Yes).await
    }

    async fn end(self, hurry: Hurry) -> Result<Owned, Failure> {
        // The core stops first: streams of snapshots end with it, and nothing more is acknowledged. A core that waits
        // for its store stops later.
        let _ = tokio::time::timeout(STOP_GRACE, self.core.stop()).await;
        let busy = self.study.busy().clone();
        self.server.stop(STOP_GRACE).await?;
        if hurry == Hurry::Yes {
            // No more answers are sent, so the remaining writes were never acknowledged.
            busy.abandon();
        }
        let ended = tokio::task::spawn_blocking(move || self.thread.join())
            .await
            .map_err(|_| Failure::CorePanicked)?
            .map_err(|_| Failure::CorePanicked)?;
        match ended {
            Err(CoreError::Store(error)) if hurry == Hurry::Yes && error.is_busy() => {
                standard_streams::note(format_args!(
                    "note: {}\n  results that were not acknowledged are trained again",
                    chain(&error)
                ));
            }
            ended => ended?,
        }
        Ok(self.directory)
    }
}

/// Whether a signal requested the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hurry {
    Yes,
    No,
}
