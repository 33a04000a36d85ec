//! Faults of a store over HTTP: what passes is tried again, and no fault leaves half a file or an open upload.

use futures::future::join_all;
use pipeline_api::ErrorKind;
use pipeline_testkit::s3::{Action, Fault, Refusal, Rule, S3Server};

use super::server::{settings_at, store_at};
use super::*;

const NAME: &str = "t+0+00000000000000000000-2.json";
const MIB: usize = 1024 * 1024;

/// What may go wrong with a request and be right the next time.
const PASSING: [Fault; 7] = [
    Fault::Refuse(Refusal::INTERNAL_ERROR),
    Fault::Refuse(Refusal::SLOW_DOWN),
    Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR),
    Fault::RefuseWhenDone(Refusal::SLOW_DOWN),
    Fault::LoseAnswer,
    Fault::Cut,
    Fault::Silence,
];

/// Two parts, of which the second is small.
fn large_file() -> Vec<u8> {
    let mut bytes = vec![b'x'; 5 * MIB + 3];
    bytes[5 * MIB] = b'y';
    bytes
}

/// The only object that is there, if there is one.
fn object(server: &S3Server) -> Option<Vec<u8>> {
    let mut objects = files_in(&server.bucket());
    let object = objects.remove(&format!("stocks/{NAME}"));
    assert!(objects.is_empty(), "{:?}", objects.keys());
    object
}

#[tokio::test]
async fn a_file_gets_there_once_whatever_happens_to_its_first_requests() {
    join_all(PASSING.map(async |fault| {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(fault).times(2));
        store_at(&server).await.put(NAME, b"{}\n".to_vec()).await.unwrap();
        assert_eq!(object(&server).as_deref(), Some(&b"{}\n"[..]), "{fault:?}");
        assert_eq!(server.count(Action::Put), 3, "{fault:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_fault_that_stays_is_one_that_may_pass_and_names_the_object() {
    let conflict = Fault::Refuse(Refusal::OPERATION_ABORTED);
    join_all(PASSING.into_iter().chain([conflict]).map(async |fault| {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(fault));
        let error = store_at(&server).await.put(NAME, b"{}\n".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Retriable, "{fault:?}: {error:#}");
        assert_eq!(error.to_string(), format!("s3://lake/stocks/{NAME}: the store failed"));
    }))
    .await;
}

/// A store whose requests get more time than a large file takes.
async fn patient_store_at(server: &S3Server) -> Store {
    let settings = Settings { timeout: HumanDuration::seconds(30), ..settings_at(server) };
    Store::open(&settings, Path::new("/")).await.unwrap()
}

/// Puts a large file until it is there, and asserts that it is whole and alone.
async fn assert_gets_there(server: &S3Server, store: &Store) {
    let mut attempts = 3;
    while let Err(error) = store.put(NAME, large_file()).await {
        assert_eq!(error.kind(), ErrorKind::Retriable, "{error:#}");
        attempts -= 1;
        assert!(attempts > 0, "{error:#}");
    }
    assert!(object(server) == Some(large_file()));
    assert_eq!(server.open_uploads().unwrap(), []);
}

#[tokio::test]
async fn an_upload_in_parts_gets_there_whole_whatever_happens_to_one_of_its_requests() {
    for (action, fault) in [
        (Action::CreateUpload, Fault::Refuse(Refusal::SLOW_DOWN)),
        (Action::CreateUpload, Fault::LoseAnswer),
        (Action::CreateUpload, Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR)),
        (Action::PutPart, Fault::Refuse(Refusal::INTERNAL_ERROR)),
        (Action::PutPart, Fault::Cut),
        (Action::PutPart, Fault::LoseAnswer),
        (Action::CompleteUpload, Fault::Refuse(Refusal::SLOW_DOWN)),
        (Action::CompleteUpload, Fault::LoseAnswer),
        (Action::CompleteUpload, Fault::RefuseWhenDone(Refusal::INTERNAL_ERROR)),
        (Action::CompleteUpload, Fault::ErrorInBody(Refusal::INTERNAL_ERROR)),
        (Action::ListUploads, Fault::Refuse(Refusal::SLOW_DOWN)),
    ] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(fault).on(action).times(1));
        assert_gets_there(&server, &patient_store_at(&server).await).await;
        assert!(server.requests().iter().any(|request| request.fault == Some(fault)), "{action:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_part_that_is_never_answered_is_sent_again() {
    let server = S3Server::start().unwrap();
    // The second, which is small: the first has 20 seconds for its bytes.
    server.order(Rule::new(Fault::Silence).on(Action::PutPart).after(1).times(1));
    assert_gets_there(&server, &store_at(&server).await).await;
    assert!(server.count(Action::PutPart) > 2);
}

#[tokio::test]
async fn an_upload_in_parts_that_fails_is_aborted_and_leaves_no_object() {
    for (action, fault, kind) in [
        (Action::PutPart, Fault::Refuse(Refusal::SLOW_DOWN), ErrorKind::Retriable),
        (Action::PutPart, Fault::Cut, ErrorKind::Retriable),
        (Action::PutPart, Fault::Refuse(Refusal::EXPIRED_TOKEN), ErrorKind::Fatal),
        (Action::PutPart, Fault::Refuse(Refusal::NO_SUCH_UPLOAD), ErrorKind::Retriable),
        (Action::CompleteUpload, Fault::ErrorInBody(Refusal::INTERNAL_ERROR), ErrorKind::Retriable),
        (Action::CompleteUpload, Fault::ErrorInBody(Refusal::ACCESS_DENIED), ErrorKind::Retriable),
        (Action::CompleteUpload, Fault::Refuse(Refusal::ACCESS_DENIED), ErrorKind::Fatal),
    ] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(fault).on(action));
        let error = patient_store_at(&server).await.put(NAME, large_file()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{action:?} {fault:?}: {error:#}");
        assert_eq!(object(&server), None, "{action:?} {fault:?}");
        assert_eq!(server.open_uploads().unwrap(), [], "{action:?} {fault:?}");
        assert_eq!(server.count(Action::AbortUpload), 1, "{action:?} {fault:?}");
    }
}

#[tokio::test]
async fn an_upload_that_could_not_be_aborted_is_aborted_after_the_next_attempt() {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)).on(Action::PutPart));
    server.order(Rule::new(Fault::Refuse(Refusal::SLOW_DOWN)).on(Action::AbortUpload));
    patient_store_at(&server).await.put(NAME, large_file()).await.unwrap_err();
    assert_eq!(server.open_uploads().unwrap().len(), 1);
    server.heal();
    patient_store_at(&server).await.put(NAME, large_file()).await.unwrap();
    assert_eq!(server.open_uploads().unwrap(), []);
    assert!(object(&server) == Some(large_file()));
}

#[tokio::test]
async fn a_store_that_does_not_show_its_uploads_takes_files_all_the_same() {
    for refusal in [Refusal::ACCESS_DENIED, Refusal { status: 501, code: "NotImplemented" }] {
        let server = S3Server::start().unwrap();
        server.order(Rule::new(Fault::Refuse(refusal)).on(Action::ListUploads));
        patient_store_at(&server).await.put(NAME, large_file()).await.unwrap();
        assert!(object(&server) == Some(large_file()));
        assert_eq!(patient_store_at(&server).await.remove(|_| true).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn removing_files_aborts_the_uploads_of_such_files_below_the_prefix_alone() {
    let server = S3Server::start().unwrap();
    let begin = async |url: &str, path: &str| {
        let settings = Settings { url: url.into(), timeout: HumanDuration::seconds(30), ..settings_at(&server) };
        server.order(Rule::new(Fault::Refuse(Refusal::EXPIRED_TOKEN)).on(Action::CompleteUpload));
        server.order(Rule::new(Fault::Refuse(Refusal::EXPIRED_TOKEN)).on(Action::AbortUpload));
        Store::open(&settings, Path::new("/")).await.unwrap().put(path, large_file()).await.unwrap_err();
        server.heal();
    };
    // More than one page of the server's list.
    for folder in ["k=a b/", "k=b&c/", "k=d+e/"] {
        begin("s3://lake/stocks", &format!("{folder}{NAME}")).await;
    }
    begin("s3://lake/stocks", "other.json").await;
    begin("s3://lake/stocks2", NAME).await;
    assert_eq!(server.open_uploads().unwrap().len(), 5);
    assert_eq!(patient_store_at(&server).await.remove(|name| name == NAME).await.unwrap(), 0);
    let left: Vec<String> = server.open_uploads().unwrap().into_iter().map(|upload| upload.key).collect();
    assert_eq!(left, ["stocks/other.json".to_owned(), format!("stocks2/{NAME}")]);
}

/// A server that takes and gives 16 KiB at once, and pauses before each.
fn dripping(millis: u64) -> S3Server {
    let server = S3Server::start().unwrap();
    server.order(Rule::new(Fault::Drip(std::time::Duration::from_millis(millis))));
    server
}

#[tokio::test]
async fn a_large_file_gets_more_time_than_one_request_of_no_size_by_a_slow_network() {
    // Above a megabyte a second. In both forms a request takes some three seconds, of half a one that an empty one has.
    for (bytes, requests) in [(vec![b'x'; 4 * MIB], Action::Put), (large_file(), Action::PutPart)] {
        let server = dripping(10);
        let begun = std::time::Instant::now();
        store_at(&server).await.put(NAME, bytes.clone()).await.unwrap();
        assert!(begun.elapsed() > 4 * settings_at(&server).timeout.get(), "this test would not see it");
        assert!(object(&server) == Some(bytes));
        assert_eq!(server.count(requests), if requests == Action::Put { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_network_slower_than_any_is_given_up_with_what_it_had_to_carry_and_its_time() {
    // 80 KiB a second.
    let server = dripping(200);
    let error = store_at(&server).await.put(NAME, vec![b'x'; 256 * 1024]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Retriable);
    let message = format!("{error:#}");
    assert!(message.contains("262144 bytes were not through within 1.5s; raise `timeout`"), "{message}");
    assert!(server.count(Action::Put) > 1);
    // The file may say that it is.
    let settings = Settings { timeout: HumanDuration::seconds(20), ..settings_at(&server) };
    let store = Store::open(&settings, Path::new("/")).await.unwrap();
    store.put(NAME, vec![b'x'; 256 * 1024]).await.unwrap();
    assert_eq!(object(&server).map(|bytes| bytes.len()), Some(256 * 1024));
}

#[tokio::test]
async fn what_a_store_answers_has_time_by_its_size_too_and_goes_on_where_it_was_given_up() {
    let requests_to_read = async |millis: u64, bytes: usize| {
        let server = S3Server::start().unwrap();
        let store = store_at(&server).await;
        store.put(NAME, vec![b'x'; bytes]).await.unwrap();
        server.order(Rule::new(Fault::Drip(std::time::Duration::from_millis(millis))).on(Action::Get));
        assert_eq!(store.read_part(NAME, 0..bytes as u64).await.unwrap().map(|part| part.len()), Some(bytes));
        server.count(Action::Get)
    };
    assert_eq!(requests_to_read(10, 2 * MIB).await, 1);
    assert!(requests_to_read(200, 256 * 1024).await > 1);
}
