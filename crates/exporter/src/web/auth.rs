//! Names and passwords of `basic_auth_users`: bcrypt, which is slow on purpose, done once for each pair and then remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::Semaphore;

/// What an unknown user's password is held against, so that it takes as long as a known one's.
const NOBODY: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
/// The most answers that are remembered.
const MOST_REMEMBERED: usize = 100;
/// The most passwords that are worked on at one time: whoever guesses gets no more of the machine than that.
const MOST_AT_ONCE: usize = 2;

/// Looks at names and passwords.
pub(super) struct Passwords {
    users: BTreeMap<String, String>,
    remembered: Mutex<HashMap<[u8; 32], bool>>,
    places: Semaphore,
}

impl Passwords {
    pub(super) fn new(users: BTreeMap<String, String>) -> Self {
        Self { users, remembered: Mutex::default(), places: Semaphore::new(MOST_AT_ONCE) }
    }

    /// Whether a request with this `Authorization` may pass. Without users everybody may.
    pub(super) async fn admit(&self, authorization: Option<&[u8]>) -> bool {
        if self.users.is_empty() {
            return true;
        }
        let Some((user, password)) = authorization.and_then(parse) else { return false };
        let (known, hash) = self.users.get(&user).map_or((false, NOBODY), |hash| (true, hash));
        let pair = fingerprint(&user, hash, &password);
        if let Some(fits) = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&pair) {
            return *fits;
        }
        // The semaphore is never closed.
        let Ok(_place) = self.places.acquire().await else { return false };
        let hash = hash.to_owned();
        let work = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false));
        let fits = work.await.unwrap_or(false) && known;
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(pair, fits);
        fits
    }
}

fn fingerprint(user: &str, hash: &str, password: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [user.as_bytes(), hash.as_bytes(), password] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// `Basic dXNlcjpwYXNz`.
fn parse(authorization: &[u8]) -> Option<(String, Vec<u8>)> {
    let (scheme, rest) = authorization.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let pair = BASE64_STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let (user, password) = pair.split_at(colon);
    Some((String::from_utf8(user.to_vec()).ok()?, password.get(1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(pair: &str) -> Vec<u8> {
        format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes()
    }

    #[test]
    fn a_known_user_with_the_right_password_passes_and_nobody_else() {
        let hash = bcrypt::hash_with_salt("se:cret", 4, [7; 16]).unwrap().to_string();
        let passwords = Passwords::new([("ada".to_owned(), hash)].into());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let admit = |authorization: Option<&[u8]>| runtime.block_on(passwords.admit(authorization));
        for _ in 0..2 {
            assert!(admit(Some(&basic("ada:se:cret"))));
            for wrong in ["ada:", "ada:secret", "bob:se:cret", ":", "ada"] {
                assert!(!admit(Some(&basic(wrong))), "{wrong}");
            }
        }
        for wrong in [&b"Basic ///"[..], b"Basic", b"Bearer abc", b""] {
            assert!(!admit(Some(wrong)));
        }
        assert!(!admit(None));
        assert!(runtime.block_on(Passwords::new(BTreeMap::new()).admit(None)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let hash = bcrypt::hash_with_salt("x", 4, [7; 16]).unwrap().to_string();
        let passwords = Passwords::new([("ada".to_owned(), hash)].into());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for number in 0..MOST_REMEMBERED + 20 {
            runtime.block_on(passwords.admit(Some(&basic(&format!("ada:{number}")))));
        }
        assert!(passwords.remembered.lock().unwrap().len() <= MOST_REMEMBERED);
    }
}
