//! Tokens: 256 random bits each, shown once, kept as a hash in `tokens.json` of the state directory.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use procyon_units::{Clock, Wall};
pub use procyon_wire::Role;
use serde::{Deserialize, Serialize};

/// Name of the file in the state directory.
const FILE: &str = "tokens.json";
/// Bytes of the file at most; some 50,000 tokens.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Letters before the secret, so that a token is recognised where it should not be.
const PREFIX: &str = "procyon_";

/// Why tokens could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file system said no.
    #[error("could not {attempt} {path}")]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file is not what we wrote.
    #[error("{path} is damaged")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// There is such a token already.
    #[error("there is already a token named `{0}`")]
    NameTaken(String),
    /// A name must be something to say.
    #[error("a token's name has 1 to 64 printable characters")]
    BadName,
    /// The kernel gave no random bytes.
    #[error("could not get random bytes from the kernel")]
    Random,
}

/// A token as it is kept: without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// First 8 hexadecimal digits of the hash.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// BLAKE3 of the token, hexadecimal.
    hash: String,
    /// When it was made, Unix ms.
    pub created: i64,
    /// From when on it is void, Unix ms; none for ever good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

/// A token just made: the only time that its secret is seen.
#[derive(Clone)]
pub struct Created {
    /// The token as it is kept.
    pub token: Token,
    /// What its holder shows.
    pub secret: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created").field("token", &self.token).field("secret", &"***").finish()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Content {
    version: u32,
    /// Signs session cookies.
    session_key: String,
    tokens: Vec<Token>,
    /// Sessions that their users ended before their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<Ended>,
}

/// A session that its user ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    /// BLAKE3 of the cookie, hexadecimal.
    hash: String,
    /// When it would have ended by itself, Unix ms; then it is forgotten.
    until: i64,
}

/// Sessions ended by their users that are remembered; the ones that would end soonest are forgotten.
const MAX_ENDED: usize = 4096;

struct Held {
    content: Content,
    /// What the file looked like when it was read: time, size, inode.
    seen: Option<(SystemTime, u64, u64)>,
}

/// The tokens of one state directory. Other processes may change the file; that is noticed.
pub struct Tokens {
    path: PathBuf,
    held: Mutex<Held>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Tokens {
    /// The tokens in this state directory, which must exist. A missing file is made, mode 0600.
    pub fn open(state: &Path) -> Result<Self, TokenError> {
        let path = state.join(FILE);
        let _lock = lock(&path)?;
        let (content, seen) = if let Some(found) = read(&path)? {
            found
        } else {
            let content = Content { version: 1, session_key: random()?, tokens: Vec::new(), ended: Vec::new() };
            write(&path, &content)?;
            (content, stat(&path)?)
        };
        Ok(Self { path, held: Mutex::new(Held { content, seen }) })
    }

    /// Makes a token that is good until it is taken back.
    pub fn create(&self, name: &str, role: Role, clock: &dyn Clock) -> Result<Created, TokenError> {
        self.create_until(name, role, None, clock)
    }

    /// Makes a token that is good until `expires`.
    pub fn create_until(
        &self,
        name: &str,
        role: Role,
        expires: Option<Wall>,
        clock: &dyn Clock,
    ) -> Result<Created, TokenError> {
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(TokenError::BadName);
        }
        let secret = format!("{PREFIX}{}", random()?);
        let hash = blake3::hash(secret.as_bytes()).to_hex().to_string();
        let id = hash.chars().take(8).collect();
        let token = Token {
            id,
            name: name.to_owned(),
            role,
            hash,
            created: clock.wall().unix_ms(),
            expires: expires.map(Wall::unix_ms),
        };
        self.change(|content| {
            if content.tokens.iter().any(|known| known.name == name) {
                return Err(TokenError::NameTaken(name.to_owned()));
            }
            content.tokens.push(token.clone());
            Ok(())
        })?;
        Ok(Created { token, secret })
    }

    /// The tokens, oldest first.
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        self.refresh()?;
        Ok(self.with(|held| held.content.tokens.clone()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> Result<bool, TokenError> {
        Ok(self.list()?.is_empty())
    }

    /// Takes back the token with this id or name; false if there is none. Its sessions end with it.
    pub fn revoke(&self, id_or_name: &str) -> Result<bool, TokenError> {
        self.change(|content| {
            let before = content.tokens.len();
            content.tokens.retain(|token| token.id != id_or_name && token.name != id_or_name);
            Ok(content.tokens.len() < before)
        })
    }

    /// Remembers that this session has ended, until it would have ended by itself, also over a restart.
    pub(crate) fn end_session(&self, cookie: &str, until: Wall, now: Wall) -> Result<(), TokenError> {
        let hash = blake3::hash(cookie.as_bytes()).to_hex().to_string();
        self.change(|content| {
            content.ended.retain(|ended| ended.until > now.unix_ms() && ended.hash != hash);
            content.ended.push(Ended { hash, until: until.unix_ms() });
            content.ended.sort_by_key(|ended| ended.until);
            let over = content.ended.len().saturating_sub(MAX_ENDED);
            content.ended.drain(..over);
            Ok(())
        })
    }

    /// Whether the user ended this session.
    pub(crate) fn has_ended(&self, cookie: &str) -> bool {
        self.look(|content| {
            !content.ended.is_empty() && {
                let hash = blake3::hash(cookie.as_bytes()).to_hex();
                content.ended.iter().any(|ended| ended.hash == hash.as_str())
            }
        })
    }

    /// The token whose secret this is.
    pub(crate) fn find(&self, secret: &str, now: Wall) -> Option<Token> {
        // The hash is of 256 random bits: comparing hashes tells nothing about the secret through time.
        let hash = blake3::hash(secret.as_bytes()).to_hex();
        self.look(|content| content.tokens.iter().find(|token| token.hash == hash.as_str()).cloned())
            .filter(|token| token.is_good(now))
    }

    /// The token with this id.
    pub(crate) fn by_id(&self, id: &str, now: Wall) -> Option<Token> {
        self.look(|content| content.tokens.iter().find(|token| token.id == id).cloned())
            .filter(|token| token.is_good(now))
    }

    /// Signs a text for a session.
    pub(crate) fn sign(&self, text: &str) -> blake3::Hash {
        self.look(|content| {
            let key = *blake3::hash(content.session_key.as_bytes()).as_bytes();
            blake3::keyed_hash(&key, text.as_bytes())
        })
    }

    /// Reads the file again if it changed; what is held stays when it cannot be read.
    fn look<T>(&self, ask: impl FnOnce(&Content) -> T) -> T {
        if let Err(error) = self.refresh() {
            tracing::warn!(error = %procyon_diag::message_of(&error), "keeping the tokens that were read before");
        }
        self.with(|held| ask(&held.content))
    }

    fn refresh(&self) -> Result<(), TokenError> {
        let now = stat(&self.path)?;
        if now.is_none() {
            // Whoever takes the file away takes all tokens back; a session signed by the key that it held is void as well.
            if self.with(|held| held.seen.is_some()) {
                tracing::warn!(path = %self.path.display(), "the file of tokens is gone, so no token is good any more");
                let content = Content { version: 1, session_key: random()?, tokens: Vec::new(), ended: Vec::new() };
                self.with(|held| *held = Held { content, seen: None });
            }
        } else if now != self.with(|held| held.seen) {
            if let Some((content, seen)) = read(&self.path)? {
                self.with(|held| *held = Held { content, seen });
            }
        }
        Ok(())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Content) -> Result<T, TokenError>) -> Result<T, TokenError> {
        let _lock = lock(&self.path)?;
        self.refresh()?;
        let mut content = self.with(|held| held.content.clone());
        let outcome = change(&mut content)?;
        write(&self.path, &content)?;
        let seen = stat(&self.path)?;
        self.with(|held| *held = Held { content, seen });
        Ok(outcome)
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Held) -> T) -> T {
        ask(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Token {
    /// Whether its time has not run out.
    pub fn is_good(&self, now: Wall) -> bool {
        self.expires.is_none_or(|expires| now.unix_ms() < expires)
    }

    /// When it was made.
    pub const fn created_at(&self) -> Wall {
        Wall::from_unix_ms(self.created)
    }
}

fn io_error<'a>(attempt: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> TokenError + 'a {
    move |source| TokenError::Io { attempt, path: path.to_owned(), source }
}

pub(crate) fn random() -> Result<String, TokenError> {
    let mut bytes = [0_u8; 32];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(TokenError::Random),
        }
    }
    Ok(bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write;
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

/// Holds others off while the file is changed; released when dropped.
fn lock(path: &Path) -> Result<File, TokenError> {
    let at = path.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&at)
        .map_err(io_error("open", &at))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|errno| io_error("lock", &at)(errno.into()))?;
    Ok(file)
}

fn stat(path: &Path) -> Result<Option<(SystemTime, u64, u64)>, TokenError> {
    use std::os::unix::fs::MetadataExt;
    match path.metadata() {
        Ok(meta) => Ok(Some((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), meta.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

type Seen = Option<(SystemTime, u64, u64)>;

fn read(path: &Path) -> Result<Option<(Content, Seen)>, TokenError> {
    let seen = stat(path)?;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text).map_err(io_error("read", path))?;
    let content =
        serde_json::from_slice(&text).map_err(|source| TokenError::Damaged { path: path.to_owned(), source })?;
    Ok(Some((content, seen)))
}

/// Writes a new file beside the old one and swaps them, so that no reader ever sees half of it.
fn write(path: &Path, content: &Content) -> Result<(), TokenError> {
    let new = path.with_extension("new");
    let text =
        serde_json::to_vec_pretty(content).map_err(|source| TokenError::Damaged { path: path.to_owned(), source })?;
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .map_err(io_error("open", &new))?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(io_error("set permissions of", &new))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(io_error("write", &new))?;
    std::fs::rename(&new, path).map_err(io_error("replace", path))
}

#[cfg(test)]
mod tests {
    use procyon_units::SystemClock;

    use super::*;

    #[test]
    fn a_token_is_found_by_its_secret_and_never_kept() {
        let state = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(state.path()).unwrap();
        let made = tokens.create("laptop", Role::Operator, &SystemClock).unwrap();
        assert_eq!(tokens.find(&made.secret, SystemClock.wall()).unwrap().name, "laptop");
        assert!(tokens.find("procyon_wrong", SystemClock.wall()).is_none());
        let file = state.path().join(FILE);
        let kept = std::fs::read_to_string(&file).unwrap();
        assert!(!kept.contains(made.secret.trim_start_matches(PREFIX)));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(tokens.create("laptop", Role::Viewer, &SystemClock), Err(TokenError::NameTaken(_))));
    }

    #[test]
    fn a_token_is_good_until_its_time() {
        let state = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(state.path()).unwrap();
        let until = Wall::from_unix_ms(1000);
        let made = tokens.create_until("guest", Role::Viewer, Some(until), &SystemClock).unwrap();
        assert!(tokens.find(&made.secret, Wall::from_unix_ms(999)).is_some());
        assert!(tokens.find(&made.secret, until).is_none());
        assert!(tokens.by_id(&made.token.id, until).is_none());
    }

    #[test]
    fn what_another_process_changes_is_noticed() {
        let state = tempfile::tempdir().unwrap();
        let (server, command) = (Tokens::open(state.path()).unwrap(), Tokens::open(state.path()).unwrap());
        let made = command.create("ci", Role::Viewer, &SystemClock).unwrap();
        assert_eq!(server.find(&made.secret, SystemClock.wall()).unwrap().role, Role::Viewer);
        assert_eq!(server.sign("x"), command.sign("x"));
        assert!(command.revoke("ci").unwrap());
        assert!(server.find(&made.secret, SystemClock.wall()).is_none());
        assert!(!command.revoke("ci").unwrap());
    }

    #[test]
    fn a_file_that_is_taken_away_takes_all_tokens_back() {
        let state = tempfile::tempdir().unwrap();
        let server = Tokens::open(state.path()).unwrap();
        let made = server.create("a", Role::Viewer, &SystemClock).unwrap();
        let signed = server.sign("x");
        std::fs::remove_file(state.path().join(FILE)).unwrap();
        assert!(server.find(&made.secret, SystemClock.wall()).is_none());
        assert!(server.by_id(&made.token.id, SystemClock.wall()).is_none());
        assert_ne!(server.sign("x"), signed, "sessions are void too");
        assert!(server.is_empty().unwrap());
        // A new one is noticed as ever.
        let command = Tokens::open(state.path()).unwrap();
        let made = command.create("b", Role::Operator, &SystemClock).unwrap();
        assert_eq!(server.find(&made.secret, SystemClock.wall()).unwrap().name, "b");
    }

    #[test]
    fn sessions_that_ended_are_remembered_within_bounds() {
        let state = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(state.path()).unwrap();
        tokens.end_session("long", Wall::from_unix_ms(9000), Wall(0)).unwrap();
        tokens.end_session("short", Wall::from_unix_ms(10), Wall(0)).unwrap();
        assert!(tokens.has_ended("long") && tokens.has_ended("short") && !tokens.has_ended("other"));
        let again = Tokens::open(state.path()).unwrap();
        assert!(again.has_ended("long"), "also after a restart");
        again.end_session("third", Wall::from_unix_ms(9000), Wall::from_unix_ms(11)).unwrap();
        assert!(tokens.has_ended("third") && !tokens.has_ended("short"));
        let kept = std::fs::read_to_string(state.path().join(FILE)).unwrap();
        assert!(!kept.contains("\"long"), "only a hash is kept: {kept}");
    }

    #[test]
    fn a_damaged_file_is_an_error_and_keeps_a_running_server_going() {
        let state = tempfile::tempdir().unwrap();
        let server = Tokens::open(state.path()).unwrap();
        let made = server.create("a", Role::Viewer, &SystemClock).unwrap();
        std::fs::write(state.path().join(FILE), "{").unwrap();
        assert!(matches!(Tokens::open(state.path()), Err(TokenError::Damaged { .. })));
        assert!(server.find(&made.secret, SystemClock.wall()).is_some());
    }
}
