//! Pages of lists whose rows have a key in order: the token is the last key of the page before, so that rows which come
//! or go meanwhile neither double nor hide another.

use super::PAGE;
use crate::daemon::api::errors::{ApiError, Service};
use std::fmt::Write as _;

/// One page of `rows`, by their keys; and the token of the next.
pub(super) fn page<T>(
    rows: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
    asked: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size(asked, PAGE)?;
    let after = token.filter(|token| !token.is_empty()).map(read).transpose()?;
    let mut rows: Vec<T> =
        rows.into_iter().filter(|row| after.as_deref().is_none_or(|after| key(row) > after)).collect();
    rows.sort_by(|a, b| key(a).cmp(key(b)));
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|row| write(key(row)));
    Ok((rows, next))
}

/// How many rows a page takes: what is asked for, at most `most`.
pub(super) fn size(asked: Option<i64>, most: usize) -> Result<usize, ApiError> {
    match asked {
        None => Ok(most),
        Some(count) if count >= 1 => Ok(usize::try_from(count).map_or(most, |count| count.min(most))),
        Some(count) => Err(ApiError::invalid(Service::Batch, format!("maxResults is `{count}`; it takes 1 to {most}"))),
    }
}

fn write(key: &str) -> String {
    key.bytes().fold(String::with_capacity(2 * key.len()), |mut token, byte| {
        // A text takes whatever is written to it.
        let _ = write!(token, "{byte:02x}");
        token
    })
}

fn read(token: &str) -> Result<String, ApiError> {
    let pair = |at: usize| u8::from_str_radix(token.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..token.len()).step_by(2).map(pair).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        ApiError::invalid(Service::Batch, format!("nextToken is `{token}`; it takes the token of the page before"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(mut rows: Vec<&str>, size: i64, arrives: &'static str) -> Vec<Vec<String>> {
        let mut token = None;
        let mut pages = Vec::new();
        loop {
            let (found, next) = page(rows.clone(), |row| row, Some(size), token.as_deref()).expect("a page");
            pages.push(found.into_iter().map(str::to_owned).collect());
            rows.push(arrives);
            token = next;
            if token.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_row_that_arrives_meanwhile_neither_doubles_nor_hides_another() {
        assert_eq!(pages(vec!["c", "a", "e", "d"], 2, "b"), [vec!["a", "c"], vec!["d", "e"]]);
        assert_eq!(pages(vec!["c", "a"], 2, "d"), [["a", "c"]]);
        assert_eq!(pages(vec![], 2, "d"), [Vec::<String>::new()]);
    }

    #[test]
    fn a_token_or_a_size_of_no_page_is_refused() {
        for token in ["xyz", "6", "ff", "é"] {
            assert!(page(["a"], |row| row, None, Some(token)).is_err(), "{token}");
        }
        assert!(page(["a"], |row| row, Some(0), None).is_err());
        assert_eq!(size(Some(5000), 100), Ok(100));
    }
}
