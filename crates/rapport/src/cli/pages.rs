//! Answers that come in pages, put together up to what was asked for.

use super::CliError;
use crate::wire::v1::Freshness;

/// As many as the server gives at once.
const LARGEST: usize = 500;

/// Some entries, and what the last answer said beside them.
#[derive(Debug, Default)]
pub struct Page<T> {
    pub entries: Vec<T>,
    /// Where the next page starts; empty if there is none.
    pub next: String,
    pub freshness: Option<Freshness>,
}

/// Asks for pages of some size from some token on, until there are enough entries or no more.
pub async fn gather<T>(
    limit: u32,
    ask: impl AsyncFn(u32, String) -> Result<Page<T>, CliError>,
) -> Result<Page<T>, CliError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut all = Page { entries: Vec::new(), next: String::new(), freshness: None };
    loop {
        let size = u32::try_from((limit - all.entries.len()).min(LARGEST)).unwrap_or(u32::MAX);
        let page = ask(size, all.next).await?;
        all.entries.extend(page.entries);
        all.entries.truncate(limit);
        (all.next, all.freshness) = (page.next, page.freshness);
        if all.next.is_empty() || all.entries.len() == limit {
            return Ok(all);
        }
    }
}

impl<T> Page<T> {
    /// For people: whether that was all.
    pub fn more(&self) -> &'static str {
        if self.next.is_empty() { "" } else { "\nThere are more; --limit asks for them.\n" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn numbers(size: u32, token: String, most: u32) -> Result<Page<u32>, CliError> {
        let from: u32 = token.parse().unwrap_or(0);
        // A page may be shorter than was asked for.
        let until = (from + size.min(400)).min(most);
        let next = if until < most { until.to_string() } else { String::new() };
        Ok(Page { entries: (from..until).collect(), next, freshness: None })
    }

    #[tokio::test]
    async fn pages_are_asked_for_until_there_are_enough() {
        for (limit, most, right, more) in
            [(10, 5, 5, false), (5, 10, 5, true), (1_000, 2_000, 1_000, true), (500, 500, 500, false)]
        {
            let all = gather(limit, async |size, token| numbers(size, token, most).await).await.unwrap();
            assert_eq!(all.entries, (0..right).collect::<Vec<_>>());
            assert_eq!(!all.more().is_empty(), more, "{limit} of {most}");
        }
    }
}
