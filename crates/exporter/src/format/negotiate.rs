//! What a client takes: the form by `Accept`, compression by `Accept-Encoding`.

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// Protocol buffers, each message behind its length.
    Protobuf,
}

impl Form {
    /// Its content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// How the answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The form for this `Accept`: the one with the highest weight, and text for whoever asks for nothing that we have.
pub fn form(accept: &str) -> Form {
    let mut best = (0_u32, Form::Text);
    for part in accept.split(',') {
        let mut fields = part.split(';').map(str::trim);
        let kind = fields.next().unwrap_or_default();
        let (mut weight, mut version, mut proto, mut layout) = (WHOLE, "", "", "delimited");
        for field in fields {
            match field.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => weight = weight_of(value),
                Some((name, value)) if name.trim().eq_ignore_ascii_case("version") => version = value.trim(),
                Some((name, value)) if name.trim().eq_ignore_ascii_case("proto") => proto = value.trim(),
                Some((name, value)) if name.trim().eq_ignore_ascii_case("encoding") => layout = value.trim(),
                _ => {}
            }
        }
        let form = match kind.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" if matches!(version, "" | "1.0.0" | "0.0.1") => Form::OpenMetrics,
            "application/vnd.google.protobuf" if proto == MESSAGE && layout == "delimited" => Form::Protobuf,
            "text/plain" if matches!(version, "" | "0.0.4") => Form::Text,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, form);
        }
    }
    best.1
}

/// The compression for this `Accept-Encoding`: the heaviest that we have; of two that weigh the same, Zstandard.
pub fn encoding(accept: &str) -> Encoding {
    let weigh = |wanted: &str| {
        let named = accept.split(',').find_map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let name = fields.next()?;
            let weight = fields.find_map(|field| field.split_once('=')).map_or(WHOLE, |(_, value)| weight_of(value));
            (name.eq_ignore_ascii_case(wanted) || (name == "*" && wanted == "gzip")).then_some(weight)
        });
        named.unwrap_or(0)
    };
    match (weigh("zstd"), weigh("gzip")) {
        (0, 0) => Encoding::Identity,
        (zstd, gzip) if zstd >= gzip => Encoding::Zstd,
        _ => Encoding::Gzip,
    }
}

/// What a protocol buffer has to hold.
const MESSAGE: &str = "io.prometheus.client.MetricFamily";

/// A weight of 1, in thousandths.
const WHOLE: u32 = 1000;

fn weight_of(value: &str) -> u32 {
    let weight = value.trim().parse::<f64>().unwrap_or(1.0).clamp(0.0, 1.0);
    (1..=WHOLE).take_while(|step| f64::from(*step) <= weight * f64::from(WHOLE) + 0.5).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_form_that_we_have_wins_and_text_is_for_the_rest() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, expected) in [
            (prometheus, Form::OpenMetrics),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Form::Text),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                Form::Protobuf,
            ),
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", Form::Text),
            ("application/vnd.google.protobuf;proto=other", Form::Text),
            ("application/openmetrics-text;q=0.1,text/plain", Form::Text),
            ("text/plain;version=1.0.0", Form::Text),
            ("*/*", Form::Text),
            ("", Form::Text),
            (";;;,=,q=", Form::Text),
        ] {
            assert_eq!(form(accept), expected, "{accept}");
        }
    }

    #[test]
    fn the_heaviest_compression_that_we_have_wins() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("deflate, gzip;q=0.5", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("zstd", Encoding::Zstd),
            ("gzip, zstd", Encoding::Zstd),
            ("gzip, zstd;q=0.5", Encoding::Gzip),
            ("*", Encoding::Gzip),
            ("br", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            assert_eq!(encoding(accept), expected, "{accept}");
        }
    }
}
