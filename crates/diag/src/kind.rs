//! Kinds of failure and what each of them decides.

/// What sort of failure this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A command was called wrongly, or an option, a filter, a request body makes no sense.
    Usage,
    /// Nobody said who is asking, or what they said is wrong.
    Unauthorized,
    /// Whoever asks may not do this, or the kernel does not let us.
    NotPermitted,
    /// What was named does not exist.
    NotFound,
    /// What was named is no longer what it was: the process ended and its pid went to another one.
    Conflict,
    /// More than is taken.
    TooLarge,
    /// Not built yet, or not on this kernel.
    NotImplemented,
    /// Nothing answers, now; later perhaps.
    Unavailable,
    /// The question was answered, and the answer is bad: a check that found something.
    Finding,
    /// Anything else that failed.
    Failed,
}

/// How loudly a failure is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Data was lost or a person must act.
    Error,
    /// Something works less well than it should.
    Warn,
    /// Worth knowing.
    Info,
    /// For those who look for a fault in procyon.
    Debug,
}

impl Kind {
    /// Exit code of a command that ends with this.
    ///
    /// 0 done · 1 failed, or a check found something · 2 called wrongly · 3 not permitted · 4 no such thing (any more)
    /// · 5 nothing answers.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::Finding | Self::TooLarge | Self::NotImplemented => 1,
            Self::Usage => 2,
            Self::Unauthorized | Self::NotPermitted => 3,
            Self::NotFound | Self::Conflict => 4,
            Self::Unavailable => 5,
        }
    }

    /// Status of an HTTP answer that says this.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Usage => 400,
            Self::Unauthorized => 401,
            Self::NotPermitted => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::NotImplemented => 501,
            Self::Unavailable => 503,
            Self::Finding | Self::Failed => 500,
        }
    }

    /// The kind that an HTTP answer with this status tells of.
    pub const fn from_http_status(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::NotPermitted,
            404 => Self::NotFound,
            409 | 410 => Self::Conflict,
            413 => Self::TooLarge,
            400..=499 => Self::Usage,
            501 => Self::NotImplemented,
            502..505 => Self::Unavailable,
            _ => Self::Failed,
        }
    }

    /// How loudly it is logged where it is not passed on. What others did wrong is not our error.
    pub const fn level(self) -> Level {
        match self {
            Self::Failed => Level::Error,
            Self::Unavailable | Self::Finding => Level::Warn,
            Self::NotPermitted | Self::Unauthorized | Self::Conflict => Level::Info,
            Self::Usage | Self::NotFound | Self::TooLarge | Self::NotImplemented => Level::Debug,
        }
    }

    /// Whether the same may work when it is tried again later.
    pub const fn is_worth_retrying(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_we_send_is_understood_as_the_kind_that_it_was() {
        for kind in [
            Kind::Usage,
            Kind::Unauthorized,
            Kind::NotPermitted,
            Kind::NotFound,
            Kind::Conflict,
            Kind::TooLarge,
            Kind::NotImplemented,
            Kind::Unavailable,
            Kind::Failed,
        ] {
            assert_eq!(Kind::from_http_status(kind.http_status()), kind);
        }
    }
}
