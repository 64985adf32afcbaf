//! `?collect[]=cpu&collect[]=meminfo` or `?exclude[]=zfs`: which collectors a scrape wants.

/// Which collectors are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// All that are enabled.
    Everything,
    /// These.
    Only(Vec<&'static str>),
    /// All but these.
    Without(Vec<&'static str>),
}

/// Why a query makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    #[error("Combined collect and exclude queries are not allowed.")]
    Both,
    #[error("Couldn't create filtered metrics handler: missing collector: {0}")]
    Missing(String),
}

impl Query {
    /// From the part behind the question mark. Every collector that is named has to be enabled.
    pub(super) fn parse(query: &str, enabled: &[&'static str]) -> Result<Self, QueryError> {
        let (mut collect, mut exclude) = (Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let list = match &*name {
                "collect[]" => &mut collect,
                "exclude[]" => &mut exclude,
                _ => continue,
            };
            let known = enabled.iter().find(|known| **known == value);
            list.push(*known.ok_or_else(|| QueryError::Missing(value.chars().take(LONGEST_NAME).collect()))?);
        }
        match (collect.is_empty(), exclude.is_empty()) {
            (true, true) => Ok(Self::Everything),
            (false, true) => Ok(Self::Only(collect)),
            (true, false) => Ok(Self::Without(exclude)),
            (false, false) => Err(QueryError::Both),
        }
    }

    /// Whether a collector is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(these) => these.contains(&name),
            Self::Without(these) => !these.contains(&name),
        }
    }

    /// Whether nothing was filtered: only then the exporter tells of itself.
    pub(super) const fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }
}

/// What of an unknown name is told back.
const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_enabled_collectors_one_way_or_the_other() {
        let parse = |query| Query::parse(query, &["cpu", "meminfo", "stat"]);
        assert_eq!(parse(""), Ok(Query::Everything));
        assert_eq!(parse("x=y&&=&%"), Ok(Query::Everything));
        assert_eq!(parse("collect[]=cpu&collect%5B%5D=stat"), Ok(Query::Only(vec!["cpu", "stat"])));
        assert_eq!(parse("exclude[]=cpu"), Ok(Query::Without(vec!["cpu"])));
        assert_eq!(parse("collect[]=cpu&exclude[]=stat"), Err(QueryError::Both));
        assert_eq!(parse("collect[]=zfs"), Err(QueryError::Missing("zfs".to_owned())));
        let only = parse("collect[]=cpu").unwrap();
        assert!(only.wants("cpu") && !only.wants("stat") && !only.is_everything());
    }
}
