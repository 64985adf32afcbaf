//! Sessions: a browser's cookie in place of the token. Signed, so that they outlive a restart and cost no memory; each
//! ends with its token.

use procyon_units::Wall;

use super::tokens::{Token, TokenError, Tokens, random};
use crate::limits::SESSION_LIFE;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "procyon_session";
/// A new session of this token: the value of the cookie. No two are equal, so that one can end without the other.
pub(crate) fn begin(tokens: &Tokens, token: &Token, now: Wall) -> Result<String, TokenError> {
    let text = format!("{}.{}.{}", token.id, now.unix_ms(), random()?.get(..16).unwrap_or_default());
    let signature = tokens.sign(&text).to_hex();
    Ok(format!("{text}.{signature}"))
}

/// The token of the session with this cookie.
pub(crate) fn find(tokens: &Tokens, cookie: &str, now: Wall) -> Option<Token> {
    let (id, began) = signed(tokens, cookie)?;
    let age = now.unix_ms().checked_sub(began)?;
    // A clock that was set back must not end sessions; one far in the future was not made by us.
    if age > life() || age < -life() || tokens.has_ended(cookie) {
        return None;
    }
    tokens.by_id(id, now)
}

/// Ends the session with this cookie; nothing happens when there is none.
pub(crate) fn end(tokens: &Tokens, cookie: &str, now: Wall) -> Result<(), TokenError> {
    // Only what we signed is worth remembering.
    match (find(tokens, cookie, now), signed(tokens, cookie)) {
        (Some(_), Some((_, began))) => {
            tokens.end_session(cookie, Wall::from_unix_ms(began.saturating_add(life())), now)
        }
        _ => Ok(()),
    }
}

/// Id of the token and beginning, Unix ms, of a session that we signed.
fn signed<'c>(tokens: &Tokens, cookie: &'c str) -> Option<(&'c str, i64)> {
    let (text, signature) = cookie.rsplit_once('.')?;
    let signature = blake3::Hash::from_hex(signature).ok()?;
    // blake3::Hash compares in constant time.
    if tokens.sign(text) != signature {
        return None;
    }
    let mut parts = text.split('.');
    Some((parts.next()?, parts.next()?.parse().ok()?))
}

fn life() -> i64 {
    i64::try_from(SESSION_LIFE.as_millis()).unwrap_or(i64::MAX)
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
        let now = Wall::from_unix_ms(1_000_000_000);
        let later = |by: std::time::Duration| Wall(now.0 + i64::try_from(by.as_nanos()).unwrap());
        let cookie = begin(&tokens, &made.token, now).unwrap();
        assert!(find(&tokens, &cookie, later(SESSION_LIFE / 2)).is_some());
        assert!(find(&tokens, &cookie, later(SESSION_LIFE * 2)).is_none());
        let forged = cookie.replacen(&made.token.id, "00000000", 1);
        assert!(find(&tokens, &forged, now).is_none());
        end(&tokens, &cookie, now).unwrap();
        assert!(find(&tokens, &cookie, now).is_none());
        let again = begin(&tokens, &made.token, now).unwrap();
        assert!(find(&tokens, &again, now).is_some(), "another session of the same moment goes on");
        tokens.revoke("a").unwrap();
        assert!(find(&tokens, &again, now).is_none());
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(of_header("a=b; procyon_session=x.y; c=d"), Some("x.y"));
        assert_eq!(of_header("xprocyon_session=1"), None);
        assert_eq!(of_header("procyon_sessions=1"), None);
    }
}
