//! Regular expressions as people type them: filters of tables, searches in logs, patterns of log events.

pub use regex::Regex;
use regex::RegexBuilder;

/// The most that one may take, in bytes, so that a short text cannot ask for all the memory.
const LARGEST: usize = 1 << 20;

/// What is wrong in a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRegex {
    /// The letter that it is about, counted from 0.
    pub at: usize,
    pub what: String,
}

pub fn compile(text: &str, ignores_case: bool) -> Result<Regex, BadRegex> {
    if let Err(error) = regex_syntax::ast::parse::Parser::new().parse(text) {
        let at = text[..error.span().start.offset.min(text.len())].chars().count();
        return Err(BadRegex { at, what: error.kind().to_string() });
    }
    RegexBuilder::new(text)
        .case_insensitive(ignores_case)
        .size_limit(LARGEST)
        .build()
        .map_err(|error| BadRegex { at: 0, what: last_line(&error.to_string()) })
}

/// What the parser says last is what is wrong; a picture of where comes before.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_letter() {
        let bad = compile("grüezi(", false).expect_err("open");
        assert_eq!((bad.at, bad.what.as_str()), (6, "unclosed group"));
        let large = compile("(\\w{900}){900}", false).expect_err("too large");
        assert!(large.what.contains("size limit"), "{large:?}");
        assert!(compile("a.c", true).expect("sound").is_match("xABCx"));
        assert!(!compile("a.c", false).expect("sound").is_match("xABCx"));
    }
}
