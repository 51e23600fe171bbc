use std::{
    io::{BufRead as _, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use miette::Diagnostic as _;
use seedgrid_common::data::encode::digest;
use tempfile::TempDir;

use super::*;

/// A small file of labels, large enough for several reads; it is not compressed, which the reader detects.
fn content() -> Vec<u8> {
    let labels = (0..300_000_u32).map(|index| (index % 7) as u8);
    [0, 0, 8, 1].into_iter().chain(300_000_u32.to_be_bytes()).chain(labels).collect()
}

fn file(name: &'static str) -> MnistFile {
    let content = content();
    MnistFile { name, bytes: content.len(), sha256: Box::leak(digest(&content).into_boxed_str()) }
}

/// The behaviour of a mirror.
#[derive(Clone, Copy)]
enum Manner {
    /// Correct answers.
    Good,
    /// The whole file in answer to any range.
    WithoutRanges,
    /// A wrong byte in the middle.
    Corrupt,
    /// A connection closed after this many bytes of the body.
    HangsUpAfter(usize),
    /// Status 404.
    NotFound,
}

/// A mirror on loopback that serves [`content`] under any name.
struct Mirror {
    url: String,
    /// The range of each request, if any.
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Mirror {
    fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mnist/", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ranges);
        // The thread ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), manner, &seen);
            }
        });
        Self { url, ranges }
    }

    /// A mirror without a server.
    fn dead() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/mnist", listener.local_addr().unwrap())
    }

    fn ranges(&self) -> Vec<Option<String>> {
        self.ranges.lock().unwrap().clone()
    }
}

/// Answers one request. It records the requested range before the answer, so that a client with the answer finds it. An
/// answer that the client no longer reads is ignored.
fn serve(mut stream: TcpStream, manner: Manner, seen: &Mutex<Vec<Option<String>>>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.to_owned())
    });
    seen.lock().unwrap().push(range.clone());
    let mut body = content();
    let from: usize = range.as_ref().map_or(0, |range| {
        range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap().parse().unwrap()
    });
    let (status, from) = match manner {
        Manner::NotFound => ("404 Not Found", body.len()),
        Manner::WithoutRanges => ("200 OK", 0),
        Manner::Good | Manner::Corrupt | Manner::HangsUpAfter(_) if from == 0 => ("200 OK", 0),
        Manner::Good | Manner::Corrupt | Manner::HangsUpAfter(_) if from < body.len() => ("206 Partial Content", from),
        Manner::Good | Manner::Corrupt | Manner::HangsUpAfter(_) => ("416 Range Not Satisfiable", body.len()),
    };
    if let Manner::Corrupt = manner {
        body[content().len() / 2] ^= 1;
    }
    let total = body.len();
    let body = &body[from..];
    let sent = if let Manner::HangsUpAfter(bytes) = manner { &body[..bytes.min(body.len())] } else { body };
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    if status.starts_with("206") {
        head.push_str(&format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(sent));
}

/// The shown progress, for the test to read.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn try_fetch(folder: &TempDir, mirrors: &[&str]) -> (Result<Vec<FetchedFile>, FetchError>, String) {
    try_through(None, folder, mirrors)
}

fn try_through(
    proxy: Option<&Proxy>,
    folder: &TempDir,
    mirrors: &[&str],
) -> (Result<Vec<FetchedFile>, FetchError>, String) {
    let shown = Shown::default();
    let mirrors: Vec<String> = mirrors.iter().map(|&mirror| mirror.to_owned()).collect();
    let files = ["first-labels", "second-labels"].map(file);
    let fetched = fetch_files(&files, folder.path(), &mirrors, proxy, &mut Progress::lines(Box::new(shown.clone())));
    (fetched, shown.text())
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_put_into_place_and_kept() {
    let (folder, mirror) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    let (fetched, shown) = try_fetch(&folder, &[&mirror.url]);
    let path = folder.path().join("first-labels.gz");
    let from = Some(format!("{}first-labels.gz", mirror.url));
    assert_eq!(fetched.unwrap()[0], FetchedFile { path: path.clone(), from });
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(names(&folder), ["first-labels.gz", "second-labels.gz"]);
    assert!(shown.contains("first-labels.gz: 50 %") && shown.contains("first-labels.gz: 100 %"), "{shown}");

    let (again, shown) = try_fetch(&folder, &[&Mirror::dead()]);
    assert_eq!(again.unwrap()[0], FetchedFile { path, from: None });
    assert!(shown.contains("first-labels: already there"), "{shown}");
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (folder, breaking) = (TempDir::new().unwrap(), Mirror::new(Manner::HangsUpAfter(200_000)));
    let (failed, _) = try_fetch(&folder, &[&breaking.url]);
    match failed.unwrap_err() {
        FetchError::Failed { name: "first-labels", attempts, .. } => {
            assert!(matches!(attempts[..], [Attempt { cause: DownloadError::Broken { bytes: 200_000, .. }, .. }]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(names(&folder), ["first-labels.gz.part"]);

    let good = Mirror::new(Manner::Good);
    let (fetched, shown) = try_fetch(&folder, &[&good.url]);
    fetched.unwrap();
    assert_eq!(good.ranges(), [Some("bytes=200000-".to_owned()), None]);
    assert!(shown.contains("going on after"), "{shown}");
    assert_eq!(fs::read(folder.path().join("first-labels.gz")).unwrap(), content());
}

#[test]
fn a_second_mirror_goes_on_where_the_first_broke() {
    let (folder, good) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    let breaking = Mirror::new(Manner::HangsUpAfter(1_000));
    let (fetched, _) = try_fetch(&folder, &[&breaking.url, &good.url]);
    assert_eq!(fetched.unwrap().len(), 2);
    assert_eq!(good.ranges(), [Some("bytes=1000-".to_owned()), None]);
    assert_eq!(breaking.ranges(), [None], "the mirror that works is asked first for the second file");
}

#[test]
fn servers_without_ranges_and_wrong_beginnings_start_over() {
    let good = Mirror::new(Manner::Good);
    for (mirror, beginning, requests) in [
        (Mirror::new(Manner::WithoutRanges), &content()[..500], 1),
        // The beginning is of another file, which is found at the end; the file is downloaded anew.
        (Mirror::new(Manner::Good), &[9; 500][..], 2),
        // Longer than the file: the server has no further bytes.
        (Mirror::new(Manner::Good), &vec![0; 400_000][..], 2),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("first-labels.gz.part"), beginning).unwrap();
        fs::write(folder.path().join("second-labels"), content()).unwrap();
        let (fetched, _) = try_fetch(&folder, &[&mirror.url, &good.url]);
        assert_eq!(fetched.unwrap()[0].from, Some(format!("{}first-labels.gz", mirror.url)));
        assert_eq!(mirror.ranges().len(), requests);
        assert_eq!(names(&folder), ["first-labels.gz", "second-labels"]);
    }
}

#[test]
fn corrupted_content_is_thrown_away() {
    let (folder, corrupt) = (TempDir::new().unwrap(), Mirror::new(Manner::Corrupt));
    let (failed, _) = try_fetch(&folder, &[&corrupt.url]);
    let error = failed.unwrap_err();
    assert!(error.to_string().contains("what arrived is not MNIST's file"), "{error}");
    assert!(names(&folder).is_empty());
    let good = Mirror::new(Manner::Good);
    let (fetched, _) = try_fetch(&folder, &[&corrupt.url, &good.url]);
    assert_eq!(fetched.unwrap()[0].from, Some(format!("{}first-labels.gz", good.url)));
}

#[test]
fn a_dead_mirror_and_one_without_the_file_are_passed_over() {
    let (folder, good) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    let without = Mirror::new(Manner::NotFound);
    let (fetched, shown) = try_fetch(&folder, &[&Mirror::dead(), &without.url, &good.url]);
    assert!(fetched.unwrap().iter().all(|file| file.from.as_ref().unwrap().starts_with(&good.url)));
    assert!(shown.contains("the server answered 404 Not Found"), "{shown}");
}

#[test]
fn without_a_network_the_error_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let (first, second) = (Mirror::dead(), Mirror::dead());
    let (failed, _) = try_fetch(&folder, &[&first, &second]);
    let error = failed.unwrap_err();
    let text = error.to_string();
    for url in [format!("{first}/first-labels.gz: "), format!("{second}/first-labels.gz: ")] {
        assert!(text.contains(&url), "{text}");
    }
    let hint = error.help().unwrap().to_string();
    for part in [&format!("{first}/first-labels.gz"), &format!("{first}/second-labels.gz"), "--data DIR"] {
        assert!(hint.contains(part), "{hint}");
    }
    assert!(hint.contains(&folder.path().display().to_string()), "{hint}");
    assert!(names(&folder).is_empty(), "nothing is left behind");
    assert!(matches!(try_fetch(&folder, &[]).0, Err(FetchError::NoMirror)));
}

#[test]
fn bad_files_are_moved_out_of_the_way() {
    let (folder, good) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    fs::write(folder.path().join("first-labels"), &content()[..1000]).unwrap();
    let (fetched, shown) = try_fetch(&folder, &[&good.url]);
    assert_eq!(fetched.unwrap()[0].path, folder.path().join("first-labels.gz"));
    assert!(shown.contains("is truncated"), "{shown}");
    assert_eq!(names(&folder), ["first-labels.bad", "first-labels.gz", "second-labels.gz"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let good = Mirror::new(Manner::Good);
    let error = fetch(&file, std::slice::from_ref(&good.url), &mut Progress::lines(Box::new(io::sink()))).unwrap_err();
    assert!(matches!(&error, FetchError::Folder { folder, .. } if *folder == file), "{error:?}");
    assert!(good.ranges().is_empty());
}

#[test]
fn two_downloads_into_one_folder_do_not_mix() {
    let (folder, good) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    let other = Part::open(&folder.path().join("first-labels.gz.part")).unwrap();
    let (failed, _) = try_fetch(&folder, &[&good.url]);
    assert!(matches!(failed, Err(FetchError::LockWait { .. })));
    drop(other);
    assert!(try_fetch(&folder, &[&good.url]).0.is_ok());
}

#[test]
fn the_public_mirrors_and_names_are_these() {
    let urls: Vec<String> = FILES.iter().map(|file| url(MIRRORS[1], file)).collect();
    assert_eq!(urls[0], "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz");
    assert_eq!(urls[3], "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz");
}

#[test]
fn the_proxy_is_named_where_it_is_used_and_its_password_is_not() {
    let (folder, good) = (TempDir::new().unwrap(), Mirror::new(Manner::Good));
    let dead = Mirror::dead();
    let at = dead.strip_prefix("http://").unwrap().strip_suffix("/mnist").unwrap();
    let proxy = Proxy::new(&format!("http://ada:secret@{at}")).unwrap();
    let (failed, shown) = try_through(Some(&proxy), &folder, &["http://mirror.invalid/mnist/"]);
    let error = failed.unwrap_err().to_string();
    let named = format!("http://mirror.invalid/mnist/first-labels.gz through the proxy http://{at}: ");
    assert!(error.contains(&named) && shown.contains(&named), "{error}\n{shown}");
    assert!(!error.contains("secret") && !shown.contains("secret"), "{error}\n{shown}");
    // A mirror on this machine, or an excepted one, is reached directly.
    let (fetched, shown) = try_through(Some(&proxy), &folder, &[&good.url]);
    assert!(!shown.contains("proxy"), "{shown}");
    fetched.unwrap();
    let excepting = Proxy::builder(ureq::ProxyProtocol::Http).host("p").no_proxy("mirror.invalid").build().unwrap();
    let way = |proxy| Way::new("http://mirror.invalid/a".to_owned(), Some(proxy)).to_string();
    assert_eq!(way(&excepting), "http://mirror.invalid/a");
    assert_eq!(way(&proxy), format!("http://mirror.invalid/a through the proxy http://{at}"));
}

#[test]
fn copies_of_other_programs_are_taken_and_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("MNIST/raw")).unwrap();
    let [first, second] = ["MNIST/raw/first-labels", "MNIST/raw/second-labels"].map(|name| folder.path().join(name));
    fs::write(&first, content()).unwrap();
    fs::write(&second, &content()[..1000]).unwrap();
    let good = Mirror::new(Manner::Good);
    let (fetched, shown) = try_fetch(&folder, &[&good.url]);
    let fetched = fetched.unwrap();
    assert_eq!(fetched[0], FetchedFile { path: first, from: None });
    assert_eq!(fetched[1].path, folder.path().join("second-labels.gz"));
    assert!(shown.contains("second-labels is truncated"), "{shown}");
    assert_eq!(fs::read(&second).unwrap(), &content()[..1000], "it is torchvision's");
}
