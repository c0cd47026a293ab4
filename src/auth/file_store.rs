//! A token store of files that only their owner can read.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};

/// Longest file that is read, in bytes: the platform's tokens are under 100, and scopes a few hundred.
const LONGEST: u64 = 64 * 1024;

/// Age of an unfinished file that nobody writes any more.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Tells the unfinished files of one process apart.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A [`TokenStore`] of files in one directory, one for each [`TokenKey`].
///
/// On Unix the directory is made with mode 0700 and files with 0600, and a file that others can read, or a directory
/// that others can write, is refused. Elsewhere the directory's own protection is all there is: put it where only the
/// program's account can read. Nothing is encrypted.
///
/// A file is written beside the old one and put in its place by a rename: a reader, in this process or in another, sees
/// the old token or the new one, never half of one. Of two processes that write at the same time the later one wins. What
/// cannot be read is told to the observer, and counts as nothing stored.
///
/// ```no_run
/// use genesys_cloud::{Client, ClientCredentials, FileStore, Region};
///
/// # fn main() -> genesys_cloud::Result<()> {
/// let client = Client::builder(Region::EuCentral1)
///     .credentials(ClientCredentials::from_env()?)
///     .token_store(FileStore::open("/var/lib/wallboard/tokens")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Path>);

/// What a file holds: the key beside the token, so that one can see whose it is.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    login: String,
    client_id: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(borrow)]
    token: &'a RawValue,
}

impl FileStore {
    /// A store in a directory, which is made when it is not there.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the directory cannot be made or read, is none, or, on Unix, when others than
    /// its owner can write to it.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        let directory: PathBuf = directory.into();
        let unusable = |error: io::Error| {
            let path = directory.display();
            Error::config(format!("the token store {path} cannot be used")).with_source(error)
        };
        make_directory(&directory).map_err(unusable)?;
        let about = fs::metadata(&directory).map_err(unusable)?;
        if !about.is_dir() {
            let path = directory.display();
            return Err(Error::config(format!("the token store {path} is not a directory")));
        }
        if let Some(mode) = forbidden_mode(&about, 0o022) {
            return Err(Error::config(format!(
                "the token store {} can be written by others (mode {mode:03o}): run chmod 700 on it",
                directory.display()
            )));
        }
        Ok(Self(directory.into()))
    }

    fn read(&self, key: &TokenKey) -> Result<Option<StoredToken>> {
        let path = self.0.join(name_of(key));
        let failed = |error: io::Error| {
            let path = path.display();
            Error::new(ErrorKind::Closed, format!("the stored token {path} cannot be read"))
                .with_source(error)
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Asked of what was opened, not of a name that may mean another file by now.
        let about = file.metadata().map_err(failed)?;
        if let Some(mode) = forbidden_mode(&about, 0o077) {
            return Err(Error::config(format!(
                "the stored token {} can be read by others (mode {mode:03o}): it may be known to them. Remove it, \
                 or run chmod 600 on it if you trust them",
                path.display()
            )));
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(LONGEST).read_to_end(&mut text).map_err(failed)?;
        let damaged = || {
            let path = path.display();
            Error::new(ErrorKind::Decode, format!("{path} holds no token: it counts as empty"))
        };
        let content: Content<'_> = serde_json::from_slice(&text).map_err(|_| damaged())?;
        let is_its_own = content.login == key.login()
            && content.client_id == key.client_id()
            && content.subject.as_deref() == key.subject();
        if !is_its_own {
            return Err(damaged());
        }
        StoredToken::from_json(content.token.get().as_bytes()).map(Some).map_err(|_| damaged())
    }

    fn write(&self, key: &TokenKey, token: &StoredToken) -> Result<()> {
        let name = name_of(key);
        let path = self.0.join(&name);
        let failed = |error: io::Error| {
            let path = path.display();
            Error::new(ErrorKind::Closed, format!("the token cannot be stored as {path}"))
                .with_source(error)
        };
        let json = token.to_json();
        let token: &RawValue = serde_json::from_str(json.expose())
            .map_err(|_| Error::new(ErrorKind::Decode, "the token cannot be written as JSON"))?;
        let content = Content {
            login: key.login().to_owned(),
            client_id: key.client_id().to_owned(),
            subject: key.subject().map(str::to_owned),
            token,
        };
        let text = Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default());
        self.sweep(&name);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.0.join(format!("{name}.{}.{serial}.tmp", std::process::id()));
        let written = write_new(&unfinished, &text).and_then(|()| fs::rename(&unfinished, &path));
        written.map_err(|error| {
            // Nothing more can be done about it; a later write sweeps it away.
            let _ = fs::remove_file(&unfinished);
            failed(error)
        })
    }

    fn delete(&self, key: &TokenKey) -> Result<()> {
        let path = self.0.join(name_of(key));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let text = format!("the stored token {} cannot be removed", path.display());
                Err(Error::new(ErrorKind::Closed, text).with_source(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what processes that died in the middle of a write have left.
    fn sweep(&self, name: &str) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for entry in entries.flatten() {
            let file = entry.file_name();
            let is_its_own = file.to_str().is_some_and(|file| file.starts_with(name));
            let unfinished = is_its_own && Path::new(&file).extension() == Some("tmp".as_ref());
            let is_old = |about: fs::Metadata| {
                let modified = about.modified().ok()?;
                Some(SystemTime::now().duration_since(modified).ok()? > FORGOTTEN)
            };
            if unfinished && entry.metadata().ok().and_then(is_old) == Some(true) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Runs what blocks on a thread that may.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.unwrap_or_else(|error| {
            let text = "the token store's work was abandoned by its runtime";
            Err(Error::new(ErrorKind::Closed, text).with_source(error))
        })
    }
}

impl TokenStore for FileStore {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>> {
        let key = key.clone();
        Box::pin(self.apart(move |store| store.read(&key)))
    }

    fn save<'a>(&'a self, key: &'a TokenKey, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        let (key, token) = (key.clone(), token.clone());
        Box::pin(self.apart(move |store| store.write(&key, &token)))
    }

    fn remove<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<()>> {
        let key = key.clone();
        Box::pin(self.apart(move |store| store.delete(&key)))
    }
}

/// The name of a key's file: a digest, since ids and accounts may hold what names of files cannot.
fn name_of(key: &TokenKey) -> String {
    let mut digest = Sha256::new();
    for part in [key.login(), key.client_id()].into_iter().chain(key.subject()) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    let mut name = String::from("token-");
    for byte in digest.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".json");
    name
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    // Before the rename: after a power cut there is the old token or the new one.
    file.sync_all()
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The permissions, if any of `forbidden` is among them.
#[cfg(unix)]
fn forbidden_mode(about: &fs::Metadata, forbidden: u32) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o777;
    (mode & forbidden != 0).then_some(mode)
}

#[cfg(not(unix))]
fn forbidden_mode(_: &fs::Metadata, _: u32) -> Option<u32> {
    None
}
