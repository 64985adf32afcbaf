//! Options in layers: defaults < file < environment < `--set` < flags.
//!
//! A crate declares its options beside the code that uses them with [`options!`]: name, type, default and help in one
//! place. [`load`] merges the layers and reports *every* mistake of every layer at once, each with the place where it was
//! made and what to do about it.
//!
//! - [`value`] turns text into durations, sizes, shares, addresses and back;
//! - [`layer`] reads one layer: a TOML file, a plain `option=value` file, the environment, `--set`;
//! - [`load`] merges them; [`Mistake`] is what is reported.

mod declare;
mod layer;
mod load;
mod mistake;
mod value;

#[doc(hidden)]
pub use declare::join as __join;
pub use declare::{Declared, Options, Reader};
pub use layer::{Entry, Raw, environment, file, sets};
pub use load::{Effective, Flag, Loaded, Sources, load};
pub use mistake::{Mistake, Mistakes, Origin};
pub use value::{Setting, Share, show_duration, show_size};
