//! Texts that workers send about themselves and their attempts are shown to people: they must not steer a terminal or a
//! page.

use seedgrid_common::wire::{PROTOCOL_VERSION, limits, v1};
use seedgrid_coordinator::store::Store;
use seedgrid_tests::study::holdout;
use tonic::Code;

use crate::cluster::Cluster;

#[tokio::test]
async fn names_that_steer_are_refused() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    let mut register = async |change: &dyn Fn(&mut v1::WorkerInfo)| {
        let mut info = v1::WorkerInfo { slots: 1, ..Default::default() };
        change(&mut info);
        let request = client.request(v1::RegisterRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: client.id.clone(),
            info: Some(info),
            held: vec![],
        });
        client.inner.register(request).await.map(|_| ()).map_err(|status| status.code())
    };
    for bad in [
        "\x1b[2J",
        "a\nb",
        "a\rb",
        "\0",
        "\u{202e}abc",
        "\u{9b}2J",
        "a\u{200f}",
        "\u{feff}a",
        "a\u{200b}b",
        "\u{e0041}",
        " a",
        "a ",
        "=cmd|' /C calc'!A0",
        "@SUM(1)",
        " =1+1",
    ] {
        let refused = Err(Code::InvalidArgument);
        assert_eq!(register(&|info| info.host = bad.to_owned()).await, refused, "{bad:?}");
        assert_eq!(register(&|info| info.place = bad.to_owned()).await, refused, "{bad:?}");
        assert_eq!(register(&|info| info.device = bad.to_owned()).await, refused, "{bad:?}");
        assert_eq!(register(&|info| info.isa = bad.to_owned()).await, refused, "{bad:?}");
        assert_eq!(register(&|info| info.version = bad.to_owned()).await, refused, "{bad:?}");
        assert_eq!(register(&|info| info.numerics_class = bad.to_owned()).await, refused, "{bad:?}");
    }
    for good in ["login-1.cluster", "labor-\u{e4}", "slurm 12_3", "<b>"] {
        assert_eq!(register(&|info| info.host = good.to_owned()).await, Ok(()), "{good:?}");
    }
    let long = |info: &mut v1::WorkerInfo| {
        let name = "n".repeat(limits::NAME_BYTES_MAX);
        (info.host, info.device, info.place) = (name.clone(), name.clone(), name);
    };
    assert_eq!(register(&long).await, Ok(()));
    let longer = |info: &mut v1::WorkerInfo| {
        long(info);
        info.isa = "n".to_owned();
    };
    assert_eq!(register(&longer).await, Err(Code::InvalidArgument), "all names together have a limit, too");
}

#[tokio::test]
async fn texts_that_steer_are_kept_without_what_steers() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = cluster.client(1).await;
    client.register(vec![]).await.unwrap();
    let attempt = client.unit().await;
    let detail = "line one\nline two \x1b]0;owned\x07 \u{202e}txt".to_owned();
    let report = v1::FailureReport { failure: v1::Failure::Error.into(), detail };
    client.submit(&attempt, v1::finished_attempt::Outcome::Failure(report)).await.unwrap();
    let attempts = Store::open_to_read(&cluster.directory.database()).unwrap().attempts().unwrap();
    let kept = attempts[0].detail.as_deref().unwrap();
    assert_eq!(kept, "line one line two \u{fffd}]0;owned\u{fffd} \u{fffd}txt");
}
