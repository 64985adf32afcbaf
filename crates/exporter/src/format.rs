//! How answers are written: text 0.0.4 for everybody, OpenMetrics 1.0 for those who ask for it.

mod float;
mod negotiate;
mod openmetrics;
mod text;

pub use float::push_float;
pub use negotiate::{Encoding, Form, encoding, form};
pub use openmetrics::write as write_openmetrics;
pub use text::write as write_text;
