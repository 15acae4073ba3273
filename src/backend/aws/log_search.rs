//! A search in a stream by `FilterLogEvents`: the service looks through the lines, and answers with those that may be hits.

use super::budget::Caller::{Background, Operator};
use super::service::Service;
use crate::backend::log_search::{SearchLog, Searched};
use crate::backend::{Backend, BackendError};
use crate::model::{FilterLogEvents, FilteredLogEvent, GetLogEvents, LogPattern, Way};

/// Begins a token that goes on with what the service was asked; others are places of a stream.
const GOES_ON: &str = "filter ";
/// Lines that are read with a hit.
const AROUND: u32 = 1_000;

/// Looks through a stretch. Backwards, and from a place of which no time is known, pages are read and looked through here.
pub async fn search(backend: &impl Backend, service: &Service, search: SearchLog) -> Result<Searched, BackendError> {
    let is_begun = search.from.as_deref().is_some_and(|from| from.starts_with(GOES_ON));
    let is_known = search.edge.is_some() || is_begun || search.from.is_none();
    let finds_back = search.first && search.way == Way::Back;
    if finds_back || !is_known {
        return crate::backend::log_search::search(backend, search).await;
    }
    by_filter(service, search).await
}

async fn by_filter(service: &Service, search: SearchLog) -> Result<Searched, BackendError> {
    let (edge, seen) = search.edge.unzip();
    let (start, end) = match search.way {
        Way::Forward => (edge.max(search.since), None),
        Way::Back => (search.since, edge),
    };
    let next = search.from.as_deref().and_then(|from| from.strip_prefix(GOES_ON));
    let request = FilterLogEvents {
        log_group_name: search.group.clone(),
        log_stream_names: vec![search.stream.clone()],
        start_time: start,
        end_time: end,
        filter_pattern: pattern_of(&search.pattern),
        limit: None,
        next_token: next.map(str::to_owned),
    };
    let page = service.filtered(if search.first { Operator } else { Background }, request).await?;
    let lines = page.events.len() as u64;
    let mut hits: Vec<&FilteredLogEvent> = page.events.iter().filter(|event| search.takes(&event.message)).collect();
    // Those of the time of the edge that were seen are not met again.
    if next.is_none()
        && let (Some(edge), Some(seen)) = (edge, seen)
    {
        let mut left = seen;
        let mut is_new = |event: &&FilteredLogEvent| {
            let was_seen = event.timestamp == edge && left > 0;
            left -= usize::from(was_seen);
            !was_seen
        };
        hits.retain(&mut is_new);
    }
    let is_end = page.next_token.is_none();
    let to = page.next_token.as_ref().map(|token| format!("{GOES_ON}{token}")).unwrap_or_default();
    let Some(hit) = hits.first().filter(|_| search.first) else {
        let hits = if search.first { 0 } else { hits.len() as u64 };
        return Ok(Searched { lines, hits, found: None, to, is_end });
    };
    let skip = edge.filter(|edge| *edge == hit.timestamp && next.is_none()).and(seen).unwrap_or(0);
    let around = GetLogEvents {
        log_group_name: search.group.clone(),
        log_stream_name: search.stream.clone(),
        end_time: Some(hit.timestamp + 1),
        limit: Some(AROUND),
        ..GetLogEvents::default()
    };
    let page = service.log_page(Operator, around).await?;
    let is_there = |at: &usize| {
        let event = &page.events[*at];
        event.timestamp == hit.timestamp && search.takes(&event.message)
    };
    let all: Vec<usize> = (0..page.events.len()).filter(is_there).collect();
    let at = all.get(skip).or(all.last()).copied();
    Ok(Searched { lines, hits: 1, found: at.map(|at| (page, at)), to, is_end })
}

/// A filter pattern of the service that takes at least the lines that ours takes; `None`: all of them. Its words have a
/// case; what has none for us is written as a regular expression, which knows few signs.
///
/// Source: `CloudWatch` Logs user guide, "Filter pattern syntax".
fn pattern_of(pattern: &LogPattern) -> Option<String> {
    const LONGEST: usize = 1_000;
    let (text, has_case) = pattern.plain()?;
    // A line is looked at without its control sequences, which may stand within a word.
    let is_sound = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '_' | '#' | '=' | '@' | '/' | ';' | ',' | '-')
    };
    let written = if has_case {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else if text.chars().all(is_sound) {
        let letter = |letter: char| match (letter.to_ascii_lowercase(), letter.to_ascii_uppercase()) {
            (small, large) if small != large => format!("[{small}{large}]"),
            (same, _) => same.to_string(),
        };
        format!("%{}%", text.chars().map(letter).collect::<String>())
    } else {
        return None;
    };
    (written.len() <= LONGEST).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_asked_for_no_less_than_what_is_looked_for() {
        let asked = |typed: &str| pattern_of(&LogPattern::parse(typed).expect("sound").expect("a pattern"));
        let cases = [
            ("Error", Some("\"Error\"")),
            ("say \"No\"", Some("\"say \\\"No\\\"\"")),
            ("err-7", Some("%[eE][rR][rR]-7%")),
            ("no such", None),
            ("größe", None),
            ("/a.b", None),
            ("!Error", None),
            ("level:error", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(asked(typed).as_deref(), expected, "{typed}");
        }
        assert_eq!(asked(&"x".repeat(400)), None, "it would be too long");
    }
}
