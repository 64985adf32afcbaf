//! What a figure is.

use crate::value::Value;

/// One figure of rows of type `R`: its meaning and how to take it from a row.
#[derive(Debug)]
pub struct Figure<R: 'static> {
    /// What it means.
    pub meta: Meta,
    /// Its value in a row, in the base unit of [`Meta::unit`].
    pub value: fn(&R) -> Value<'_>,
    /// The form in which it is shown without a token; none where that is the same.
    pub without_token: Option<&'static Self>,
}

/// What a figure means.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// Permanent number: column and field number in every binary format.
    pub number: u16,
    /// Short id in JSON, filters, `--columns` and `sort`; unique within the scope.
    pub id: &'static str,
    /// Long name with the unit as suffix, for SQL, Parquet, Prometheus, OTLP.
    pub name: &'static str,
    /// What it is a figure of.
    pub scope: Scope,
    /// Base unit.
    pub unit: Unit,
    /// How it moves.
    pub kind: Kind,
    /// Name for people.
    pub title: Text,
    /// Head of a table column.
    pub head: Text,
    /// Meaning in one sentence.
    pub help: Text,
    /// Kernel file and field.
    pub source: &'static str,
    /// What reading it needs.
    pub privilege: Privilege,
    /// First kernel that has it.
    pub since: &'static str,
    /// How often it is read.
    pub pace: Pace,
    /// How rows of a group are put together.
    pub aggregate: Aggregate,
    /// Whether every local user may read it anyway, so that it is shown without a token on loopback.
    pub public: bool,
}

/// A text in both languages.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// 简体中文.
    pub zh: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// The word for it in JSON and documents.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// What a figure is a figure of.
    Scope {
        /// A process.
        Process = "process",
        /// The whole machine.
        Host = "host",
        /// A processor core.
        Core = "core",
        /// A disk.
        Disk = "disk",
        /// A network interface.
        Interface = "interface",
        /// A mounted file system.
        Filesystem = "filesystem",
        /// A temperature sensor.
        Sensor = "sensor",
        /// A logged-in user.
        User = "user",
        /// A container.
        Container = "container",
        /// A socket.
        Connection = "connection",
        /// A thread.
        Thread = "thread",
    }
}

words! {
    /// Base unit of a figure.
    Unit {
        /// An identifier or a bare number.
        None = "none",
        /// How many.
        Count = "count",
        /// Bytes.
        Bytes = "bytes",
        /// Bytes each second.
        BytesPerSecond = "bytes_per_second",
        /// Bits each second.
        BitsPerSecond = "bits_per_second",
        /// Processors in use.
        Cores = "cores",
        /// Seconds.
        Seconds = "seconds",
        /// A share, 0 to 1.
        Ratio = "ratio",
        /// Events each second.
        PerSecond = "per_second",
        /// Degrees Celsius.
        Celsius = "celsius",
        /// Hertz.
        Hertz = "hertz",
        /// Milliseconds since 1970-01-01 UTC.
        UnixMs = "unix_ms",
        /// Text.
        Text = "text",
        /// Yes or no.
        Bool = "bool",
    }
}

words! {
    /// How a figure moves.
    Kind {
        /// Up and down.
        Gauge = "gauge",
        /// Only up, from the start of what it belongs to.
        Counter = "counter",
        /// Text or identity.
        Text = "text",
    }
}

words! {
    /// What reading a figure needs.
    Privilege {
        /// Nothing.
        None = "none",
        /// To be the owner of the process, or `CAP_SYS_PTRACE`.
        OwnerOrPtrace = "owner or CAP_SYS_PTRACE",
        /// `CAP_NET_ADMIN`.
        NetAdmin = "CAP_NET_ADMIN",
    }
}

words! {
    /// How often a figure is read.
    Pace {
        /// Every tick.
        Tick = "tick",
        /// At a slower pace of its own.
        Slow = "slow",
        /// As often as its time budget allows.
        Budget = "budget",
        /// When the process is first seen and when it changes.
        Once = "once",
        /// When somebody looks.
        Demand = "demand",
    }
}

words! {
    /// How the rows of a group are put together.
    Aggregate {
        /// Added up.
        Sum = "sum",
        /// The largest.
        Max = "max",
        /// The smallest.
        Min = "min",
        /// Kept where all rows agree, else unknown.
        Same = "same",
    }
}

/// A figure whose head is its title, read every tick, free to read, public, on every kernel; `Sum` for numbers with a
/// unit, `Same` for the rest. The methods below say otherwise.
#[expect(clippy::too_many_arguments, reason = "an entry of the table; the order is that of its columns")]
pub(super) const fn figure<R>(
    scope: Scope,
    number: u16,
    id: &'static str,
    name: &'static str,
    unit: Unit,
    kind: Kind,
    title: [&'static str; 2],
    help: [&'static str; 2],
    source: &'static str,
    value: fn(&R) -> Value<'_>,
) -> Figure<R> {
    let aggregate = match unit {
        Unit::None | Unit::Text | Unit::Bool | Unit::UnixMs => Aggregate::Same,
        Unit::Ratio | Unit::Celsius | Unit::Hertz => Aggregate::Max,
        _ => Aggregate::Sum,
    };
    let [en, zh] = title;
    let title = Text { en, zh };
    let [en, zh] = help;
    let help = Text { en, zh };
    Figure {
        meta: Meta {
            number,
            id,
            name,
            scope,
            unit,
            kind,
            title,
            head: title,
            help,
            source,
            privilege: Privilege::None,
            since: "3.10",
            pace: Pace::Tick,
            aggregate,
            public: true,
        },
        value,
        without_token: None,
    }
}

impl<R> Figure<R> {
    /// Another head of the table column than the title.
    pub(super) const fn head(mut self, en: &'static str, zh: &'static str) -> Self {
        self.meta.head = Text { en, zh };
        self
    }

    /// Read at another pace than every tick.
    pub(super) const fn pace(mut self, pace: Pace) -> Self {
        self.meta.pace = pace;
        self
    }

    /// Needs a privilege, and so is shown to nobody without a token.
    pub(super) const fn needs(mut self, privilege: Privilege) -> Self {
        self.meta.privilege = privilege;
        self.meta.public = false;
        self
    }

    /// Not to be shown without a token although the kernel gives it to this collector freely.
    pub(super) const fn private(mut self) -> Self {
        self.meta.public = false;
        self
    }

    /// Shown without a token in this form instead.
    pub(super) const fn without_token(mut self, figure: &'static Self) -> Self {
        self.without_token = Some(figure);
        self
    }

    /// First kernel that has it.
    pub(super) const fn since(mut self, kernel: &'static str) -> Self {
        self.meta.since = kernel;
        self
    }

    /// Put together in groups in another way.
    pub(super) const fn group(mut self, aggregate: Aggregate) -> Self {
        self.meta.aggregate = aggregate;
        self
    }
}
