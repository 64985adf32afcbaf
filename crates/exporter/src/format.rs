//! How answers are written: text 0.0.4 for everybody, OpenMetrics 1.0 and protocol buffers for those who ask for them.

mod float;
mod negotiate;
mod openmetrics;
mod protobuf;
mod text;
mod written;

pub use float::push_float;
pub use negotiate::{Encoding, Form, encoding, form};
pub use openmetrics::{end as end_openmetrics, write as write_openmetrics};
pub use protobuf::write as write_protobuf;
pub use text::write as write_text;
pub use written::Written;
