//! What a client takes: the form by `Accept`, compression by `Accept-Encoding`.

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Form {
    /// Its content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
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
}

/// The form for this `Accept`: the one with the highest weight, and text for whoever asks for nothing that we have.
pub fn form(accept: &str) -> Form {
    let mut best = (0_u32, Form::Text);
    for part in accept.split(',') {
        let mut fields = part.split(';').map(str::trim);
        let kind = fields.next().unwrap_or_default();
        let (mut weight, mut version) = (WHOLE, "");
        for field in fields {
            match field.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => weight = weight_of(value),
                Some((name, value)) if name.trim().eq_ignore_ascii_case("version") => version = value.trim(),
                _ => {}
            }
        }
        let form = match kind.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" if matches!(version, "" | "1.0.0" | "0.0.1") => Form::OpenMetrics,
            "text/plain" if matches!(version, "" | "0.0.4") => Form::Text,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, form);
        }
    }
    best.1
}

/// The compression for this `Accept-Encoding`.
pub fn encoding(accept: &str) -> Encoding {
    let takes_gzip = accept.split(',').any(|part| {
        let mut fields = part.split(';').map(str::trim);
        let named = fields.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        named && fields.all(|field| field.split_once('=').is_none_or(|(_, value)| weight_of(value) > 0))
    });
    if takes_gzip { Encoding::Gzip } else { Encoding::Identity }
}

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
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", Form::Text),
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
    fn gzip_is_for_those_who_take_it() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("deflate, gzip;q=0.5", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("zstd", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            assert_eq!(encoding(accept), expected, "{accept}");
        }
    }
}
