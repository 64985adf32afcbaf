//! Rows whose fields follow the catalogue, and lists of them.

use std::marker::PhantomData;

use procyon_model::catalogue::{self, Figure, Meta, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::{Array, Object, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::history::Gap;

/// A row as readers see it: field id to value.
pub type Fields = Map<String, Value>;

/// A row of the scope `S`. On the wire it is a plain object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Row<S> {
    /// Field id to value.
    pub fields: Fields,
    #[serde(skip)]
    scope: PhantomData<S>,
}

impl<S> Row<S> {
    /// The value of a field; none where it is absent or not known.
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.fields.get(id).filter(|value| !value.is_null())
    }
}

impl<S> From<Fields> for Row<S> {
    fn from(fields: Fields) -> Self {
        Self { fields, scope: PhantomData }
    }
}

/// What rows are rows of: the fields that they may have.
pub trait Scope {
    /// Name of the schema.
    const NAME: &'static str;
    /// What it is, for the OpenAPI document.
    const ABOUT: &'static str;
    /// The figures that may stand in it.
    fn metas() -> Vec<&'static Meta>;
    /// Fields besides the figures: name, schema, whether every row has it.
    fn extras() -> Vec<(&'static str, Schema, bool)> {
        Vec::new()
    }
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $table:ident, $about:literal;)*) => {
        $(
            $(#[$doc])*
            pub type $name = Row<scope::$name>;

            impl Scope for scope::$name {
                const NAME: &'static str = stringify!($name);
                const ABOUT: &'static str = $about;
                fn metas() -> Vec<&'static Meta> {
                    metas(catalogue::$table)
                }
            }
        )*
    };
}

/// Marks the scope of a [`Row`].
pub mod scope {
    macro_rules! markers {
        ($($name:ident)*) => {
            $(
                #[doc = concat!("Marks a row as one of `", stringify!($name), "`.")]
                #[derive(Debug, Clone, Copy, PartialEq, Eq)]
                pub enum $name {}
            )*
        };
    }

    markers! {
        HostFigures Core Disk Interface Filesystem Sensor User Container Connection Thread ProcessFigures Process Ended
    }
}

scopes! {
    /// Figures of the whole machine.
    HostFigures = HOST, "Figures of the whole machine.";
    /// A core.
    Core = CORE, "A processor core.";
    /// A disk.
    Disk = DISK, "A disk or partition.";
    /// A network interface.
    Interface = INTERFACE, "A network interface.";
    /// A file system.
    Filesystem = FILESYSTEM, "A mounted file system.";
    /// A temperature sensor.
    Sensor = SENSOR, "A temperature sensor.";
    /// A logged-in user.
    User = USER, "A logged-in user.";
    /// A container.
    Container = CONTAINER, "A container.";
    /// A socket.
    Connection = CONNECTION, "A socket of any network namespace.";
    /// A thread.
    Thread = THREAD, "A thread of a process.";
    /// All figures of a process.
    ProcessFigures = PROCESS, "All figures of a process.";
}

/// A row of the process table: a process, or a group of them.
pub type Process = Row<scope::Process>;

impl Scope for scope::Process {
    const NAME: &'static str = "Process";
    const ABOUT: &'static str =
        "A row of the process table: the chosen columns, and its key; or, when grouped, the group.";
    fn metas() -> Vec<&'static Meta> {
        metas(catalogue::PROCESS)
    }
    fn extras() -> Vec<(&'static str, Schema, bool)> {
        vec![
            ("key", text("Address of the process: pid, start in clock ticks, boot."), false),
            ("depth", plain(&[Type::Integer], "Tree: how many ancestors are listed above it."), false),
            (
                "matched",
                plain(&[Type::Boolean], "Tree: whether the filter chose it, or it is there as an ancestor."),
                false,
            ),
            ("group", text("Groups: the value that the members share."), false),
            ("count", plain(&[Type::Integer], "Groups: number of members."), false),
            ("members", keys("Groups: addresses of the members."), false),
        ]
    }
}

/// A process that ended.
pub type Ended = Row<scope::Ended>;

impl Scope for scope::Ended {
    const NAME: &'static str = "Ended";
    const ABOUT: &'static str = "A process that ended.";
    fn metas() -> Vec<&'static Meta> {
        metas(catalogue::PROCESS)
    }
    fn extras() -> Vec<(&'static str, Schema, bool)> {
        let exit = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
            .description(Some("How it ended; null when that is not known, and without a token."))
            .property("code", Object::with_type(Type::Integer))
            .property("signal", Object::with_type(Type::String))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .build();
        let sender = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
            .description(Some(
                "Who sent the signal that ended it; null when nobody did or that is not known, and without a token.",
            ))
            .property("pid", Object::with_type(Type::Integer))
            .property("uid", Object::with_type(Type::Integer))
            .property("name", Object::with_type(Type::String))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .build();
        vec![
            ("key", text("Address of the process."), true),
            ("at", plain(&[Type::Integer], "When it was found gone, Unix ms."), true),
            ("exit", exit.into(), true),
            ("sender", sender.into(), true),
            (
                "oom",
                plain(&[Type::Boolean, Type::Null], "Whether the out-of-memory killer chose it; null without a token."),
                true,
            ),
            (
                "core",
                plain(
                    &[Type::Boolean, Type::Null],
                    "Whether its memory was written to a core file; null without a token.",
                ),
                true,
            ),
            ("final", plain(&[Type::Boolean], "Whether its totals are final: told by the kernel after its end."), true),
        ]
    }
}

fn metas<R>(table: &'static [Figure<R>]) -> Vec<&'static Meta> {
    table.iter().map(|figure| &figure.meta).collect()
}

/// JSON types that a figure may have; every one may be unknown.
fn types(meta: &Meta) -> Vec<Type> {
    match meta.unit {
        Unit::Text => vec![Type::String, Type::Null],
        Unit::Bool => vec![Type::Boolean, Type::Null],
        Unit::UnixMs => vec![Type::Integer, Type::Null],
        Unit::None
        | Unit::Count
        | Unit::Bytes
        | Unit::BytesPerSecond
        | Unit::BitsPerSecond
        | Unit::Cores
        | Unit::Seconds
        | Unit::Ratio
        | Unit::PerSecond
        | Unit::Celsius
        | Unit::Hertz => vec![Type::Number, Type::Null],
    }
}

fn plain(types: &[Type], about: &str) -> Schema {
    let types: Vec<Type> = types.to_vec();
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types)).description(Some(about)).build().into()
}

fn text(about: &str) -> Schema {
    plain(&[Type::String], about)
}

fn keys(about: &str) -> Schema {
    let mut array = Array::new(Object::with_type(Type::String));
    array.description = Some(about.to_owned());
    array.into()
}

impl<S: Scope> PartialSchema for Row<S> {
    fn schema() -> RefOr<Schema> {
        let mut object = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(S::ABOUT))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        for (name, schema, required) in S::extras() {
            object = object.property(name, schema);
            if required {
                object = object.required(name);
            }
        }
        for meta in S::metas() {
            let about = format!("{} [{}]", meta.help.en, meta.unit.word());
            object = object.property(meta.id, plain(&types(meta), &about));
        }
        RefOr::T(object.build().into())
    }
}

impl<S: Scope> ToSchema for Row<S> {
    fn name() -> std::borrow::Cow<'static, str> {
        S::NAME.into()
    }
}

/// A list of rows at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The instant that the rows are of, Unix ms.
    pub at: i64,
    /// The rows.
    pub items: Vec<T>,
    /// How many there are without the filter.
    pub total: usize,
    /// How many the filter chose.
    pub matched: usize,
    /// What to pass as `next` to go on; null at the end.
    pub next: Option<String>,
    /// The gap in which the instant lies that was asked for; absent outside of gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

impl<T> List<T> {
    /// A complete list.
    pub fn whole(at: i64, items: Vec<T>) -> Self {
        let total = items.len();
        Self { at, items, total, matched: total, next: None, gap: None }
    }
}
