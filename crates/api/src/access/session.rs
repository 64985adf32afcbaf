//! Sessions: a browser's cookie in place of the token. Signed, so that they outlive a restart and cost no memory; each
//! ends with its token.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use procyon_units::Wall;

use super::tokens::{Token, Tokens};
use crate::limits::SESSION_LIFE;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "procyon_session";
/// Sessions ended by their users that are remembered until they would have ended by themselves.
const REMEMBERED_ENDS: usize = 4096;

/// Sessions that were ended before their time.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    ended: Mutex<VecDeque<String>>,
}

impl Sessions {
    /// A new session of this token: the value of the cookie.
    pub(crate) fn begin(tokens: &Tokens, token: &Token, now: Wall) -> String {
        let text = format!("{}.{}", token.id, now.unix_ms());
        let signature = tokens.sign(&text).to_hex();
        format!("{text}.{signature}")
    }

    /// The token of the session with this cookie.
    pub(crate) fn find(&self, tokens: &Tokens, cookie: &str, now: Wall) -> Option<Token> {
        let (text, signature) = cookie.rsplit_once('.')?;
        let signature = blake3::Hash::from_hex(signature).ok()?;
        // blake3::Hash compares in constant time.
        if tokens.sign(text) != signature {
            return None;
        }
        let (id, began) = text.split_once('.')?;
        let age = now.unix_ms().checked_sub(began.parse().ok()?)?;
        let life = i64::try_from(SESSION_LIFE.as_millis()).unwrap_or(i64::MAX);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not end sessions; one far in the future was not made by us.
        if age > life || age < -life || ended.iter().any(|known| known == cookie) {
            return None;
        }
        tokens.by_id(id, now)
    }

    /// Ends the session with this cookie.
    pub(crate) fn end(&self, cookie: &str) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= REMEMBERED_ENDS {
            ended.pop_front();
        }
        ended.push_back(cookie.to_owned());
    }
}

/// The value of our cookie in a `Cookie` header.
pub(crate) fn of_header(header: &str) -> Option<&str> {
    header.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use procyon_units::SystemClock;
    use procyon_wire::Role;

    use super::*;

    #[test]
    fn a_session_ends_with_its_time_its_token_and_its_user() {
        let state = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(state.path()).unwrap();
        let made = tokens.create("a", Role::Viewer, &SystemClock).unwrap();
        let sessions = Sessions::default();
        let now = Wall::from_unix_ms(1_000_000_000);
        let later = |by: std::time::Duration| Wall(now.0 + i64::try_from(by.as_nanos()).unwrap());
        let cookie = Sessions::begin(&tokens, &made.token, now);
        assert!(sessions.find(&tokens, &cookie, later(SESSION_LIFE / 2)).is_some());
        assert!(sessions.find(&tokens, &cookie, later(SESSION_LIFE * 2)).is_none());
        let forged = cookie.replacen(&made.token.id, "00000000", 1);
        assert!(sessions.find(&tokens, &forged, now).is_none());
        sessions.end(&cookie);
        assert!(sessions.find(&tokens, &cookie, now).is_none());
        let again = Sessions::begin(&tokens, &made.token, later(std::time::Duration::from_secs(1)));
        tokens.revoke("a").unwrap();
        assert!(sessions.find(&tokens, &again, now).is_none());
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(of_header("a=b; procyon_session=x.y; c=d"), Some("x.y"));
        assert_eq!(of_header("xprocyon_session=1"), None);
        assert_eq!(of_header("procyon_sessions=1"), None);
    }
}
