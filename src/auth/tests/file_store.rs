//! Tokens in files: rights, damage, and several writers.

use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use url::Url;

use crate::auth::file_store::FileStore;
use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
use crate::error::ErrorKind;

/// A directory of one test, gone when it is dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("genesys-cloud-tokens-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> FileStore {
        FileStore::open(&self.0).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(id: &str, subject: Option<&str>) -> TokenKey {
    TokenKey::new(&Url::parse("https://login.mypurecloud.ie").unwrap(), id, subject)
}

fn token(text: &str) -> StoredToken {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let mut token = StoredToken::new(text, now, now + Duration::from_secs(3600));
    token.refresh_token = Some(format!("{text}-refresh").into());
    token
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_was_saved_is_loaded_by_another_store_and_keys_do_not_mix() {
    let place = Place::new();
    let keys = [key("id", None), key("id", Some("kim")), key("other", None), key("id", Some(""))];
    for (number, key) in keys.iter().enumerate() {
        place.store().save(key, &token(&format!("hush-{number}"))).await.unwrap();
    }
    assert_eq!(place.files().len(), keys.len());
    for (number, key) in keys.iter().enumerate() {
        let found = place.store().load(key).await.unwrap().unwrap();
        assert_eq!(found, token(&format!("hush-{number}")));
    }
    place.store().remove(&keys[0]).await.unwrap();
    place.store().remove(&keys[0]).await.unwrap();
    assert_eq!(place.store().load(&keys[0]).await.unwrap(), None);
    assert!(place.store().load(&keys[1]).await.unwrap().is_some());
    assert!(!format!("{:?}", place.store()).contains("hush"));
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_alone_and_others_are_refused() {
    let place = Place::new();
    let (store, key) = (place.store(), key("id", None));
    store.save(&key, &token("hush-token")).await.unwrap();
    let file = place.files().remove(0);
    assert_eq!((mode(&place.0), mode(&file)), (0o700, 0o600));
    for readable in [0o644, 0o640, 0o604, 0o660] {
        set_mode(&file, readable);
        let error = store.load(&key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains("read by others") && text.contains("chmod 600"), "{text}");
        assert!(text.contains(&format!("{readable:o}")) && !text.contains("hush"), "{text}");
    }
    set_mode(&file, 0o400);
    assert_eq!(store.load(&key).await.unwrap().unwrap(), token("hush-token"));
    // A new token is a new file.
    set_mode(&file, 0o666);
    store.save(&key, &token("hush-again")).await.unwrap();
    assert_eq!(mode(&file), 0o600);
    set_mode(&place.0, 0o770);
    let error = FileStore::open(&place.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("chmod 700"), "{error}");
    set_mode(&place.0, 0o700);
}

#[tokio::test]
async fn a_place_that_is_no_directory_is_refused() {
    let place = Place::new();
    fs::write(&place.0, "").unwrap();
    assert_eq!(FileStore::open(&place.0).unwrap_err().kind(), ErrorKind::Config);
    fs::remove_file(&place.0).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_told_of_and_written_over() {
    let place = Place::new();
    let (store, key) = (place.store(), key("id", None));
    store.save(&key, &token("hush-token")).await.unwrap();
    let file = place.files().remove(0);
    let whole = fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> =
        (0..whole.len()).step_by(7).map(|length| whole[..length].to_vec()).collect();
    damaged.push(b"hush-token".to_vec());
    damaged.push(vec![0xff; 100]);
    damaged.push(vec![b'['; 100_000]);
    damaged.push([whole.as_slice(), b" hush"].concat());
    let text = String::from_utf8(whole).unwrap();
    damaged.push(text.replace("\"id\"", "\"another\"").into_bytes());
    for bytes in damaged {
        // Written in place, so that its rights stay as they are.
        fs::write(&file, &bytes).unwrap();
        let error = store.load(&key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("counts as empty"), "{error}");
        assert!(!format!("{error:?} {:?}", error.body()).contains("hush"));
    }
    store.save(&key, &token("hush-new")).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap().unwrap(), token("hush-new"));
}

#[test]
fn several_writers_and_readers_never_see_half_a_token() {
    let place = Place::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let long = |number: usize| token(&format!("hush-{number}-").repeat(50 + number * 40));
    let first = place.store();
    runtime().block_on(first.save(&key("id", None), &long(0))).unwrap();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let store = place.store();
            scope.spawn(move || {
                for _ in 0..40 {
                    runtime().block_on(store.save(&key("id", None), &long(number))).unwrap();
                }
            });
        }
        for _ in 0..2 {
            let store = place.store();
            scope.spawn(move || {
                for _ in 0..100 {
                    let found = runtime().block_on(store.load(&key("id", None))).unwrap().unwrap();
                    assert!((0..4).any(|number| found == long(number)));
                }
            });
        }
    });
    assert_eq!(place.files().len(), 1, "nothing unfinished is left: {:?}", place.files());
}

#[tokio::test]
async fn what_a_process_left_unfinished_is_swept_away() {
    let place = Place::new();
    let (store, key) = (place.store(), key("id", None));
    store.save(&key, &token("hush-token")).await.unwrap();
    let name = place.files().remove(0).file_name().unwrap().to_str().unwrap().to_owned();
    let [old, young, foreign] =
        [format!("{name}.1.0.tmp"), format!("{name}.1.1.tmp"), "notes.tmp".to_owned()];
    for file in [&old, &young, &foreign] {
        fs::write(place.0.join(file), "").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for file in [&old, &foreign] {
        let file = fs::File::options().write(true).open(place.0.join(file)).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    store.save(&key, &token("hush-token")).await.unwrap();
    let left = |file: &str| place.0.join(file).exists();
    assert_eq!((left(&old), left(&young), left(&foreign)), (false, true, true));
}
