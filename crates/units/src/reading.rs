//! What came of reading a figure: its value, or why there is none.

/// A value that the kernel gave, or the reason why it did not. The reasons are facts to show, not errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Reading<T> {
    /// The kernel gave it.
    Known(T),
    /// Our privileges do not suffice.
    Forbidden,
    /// This kernel does not have it.
    Unsupported,
    /// It has no meaning here (memory of a kernel thread).
    Absent,
    /// Left alone: reading it would cost the machine too much.
    Skipped,
    /// Not read yet, or a rate before its second tick.
    #[default]
    Pending,
}

impl<T> Reading<T> {
    /// The value, if there is one.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Forbidden | Self::Unsupported | Self::Absent | Self::Skipped | Self::Pending => None,
        }
    }

    /// Whether there is a value.
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Turns the value into another one and keeps the reason where there is none.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Known(value) => Reading::Known(turn(value)),
            Self::Forbidden => Reading::Forbidden,
            Self::Unsupported => Reading::Unsupported,
            Self::Absent => Reading::Absent,
            Self::Skipped => Reading::Skipped,
            Self::Pending => Reading::Pending,
        }
    }

    /// The same reading of a borrowed value.
    pub const fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Known(value) => Reading::Known(value),
            Self::Forbidden => Reading::Forbidden,
            Self::Unsupported => Reading::Unsupported,
            Self::Absent => Reading::Absent,
            Self::Skipped => Reading::Skipped,
            Self::Pending => Reading::Pending,
        }
    }
}
