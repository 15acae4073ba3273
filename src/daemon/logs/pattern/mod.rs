//! Filter patterns of `CloudWatch` Logs: words, columns and JSON. Pure and bounded: a pattern is at most 1024 letters, its
//! regular expressions run in time linear in the message.
//!
//! Source: CloudWatch Logs user guide, "Filter pattern syntax".

mod columns;
mod condition;
mod json;
mod logic;
mod terms;

/// `filterPattern` takes at most so many letters.
const LONGEST: usize = 1024;
/// How many regular expressions a pattern of columns or of JSON takes.
const MOST_REGEXES: usize = 2;

/// A pattern that was read.
#[derive(Debug)]
pub(in crate::daemon) struct Pattern(Kind);

#[derive(Debug)]
enum Kind {
    All,
    Terms(terms::Terms),
    Columns(columns::Columns),
    Json(json::Expression),
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::daemon) enum PatternError {
    #[error("it has {0} letters and takes at most {LONGEST}")]
    TooLong(usize),
    #[error("Invalid character(s) in term '{0}'; write what has other signs than letters, digits and `_` in quotes")]
    Term(String),
    #[error("a quote or a `%` is opened and not closed")]
    Open,
    #[error("`%{given}%` is not a regular expression that is taken here: {why}")]
    Regex { given: String, why: String },
    #[error("it has more than {MOST_REGEXES} regular expressions")]
    TooManyRegexes,
    #[error("it ends where {0} was expected")]
    Ends(&'static str),
    #[error("`{given}` stands where {wanted} was expected")]
    Wanted { given: String, wanted: &'static str },
    #[error("`{0}` is compared by size, which takes a number")]
    NotANumber(String),
    #[error("it has more parentheses in each other than are taken")]
    TooDeep,
}

impl Pattern {
    pub(in crate::daemon) fn parse(text: &str) -> Result<Self, PatternError> {
        let length = text.chars().count();
        if length > LONGEST {
            return Err(PatternError::TooLong(length));
        }
        let text = text.trim();
        let kind = match text.chars().next() {
            None => Kind::All,
            Some('{') => Kind::Json(json::Expression::parse(text)?),
            Some('[') => Kind::Columns(columns::Columns::parse(text)?),
            Some(_) => Kind::Terms(terms::Terms::parse(text)?),
        };
        Ok(Self(kind))
    }

    pub(in crate::daemon) fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Terms(terms) => terms.matches(message),
            Kind::Columns(columns) => columns.matches(message),
            Kind::Json(expression) => expression.matches(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mutation::{fuzz, mutated_text};
    use proptest::prelude::*;

    /// Which of the messages a pattern takes.
    fn taken<'a>(pattern: &str, messages: &[&'a str]) -> Vec<&'a str> {
        let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        messages.iter().copied().filter(|message| pattern.matches(message)).collect()
    }

    #[test]
    fn words_are_taken_left_out_or_one_of_several() {
        let bad = "[ERROR 400] BAD REQUEST";
        let unauthorized = "[ERROR 401] UNAUTHORIZED REQUEST";
        let missing = "[ERROR 419] MISSING ARGUMENTS";
        let warning = "[WARN 420] INVALID ARGUMENTS";
        let timeout = "INTERNAL SERVER ERROR: timed out";
        let all = [bad, unauthorized, missing, warning, timeout];
        let cases: [(&str, &[&str]); 18] = [
            ("", &all),
            ("  ", &all),
            ("\"\"", &all),
            ("ERROR", &[bad, unauthorized, missing, timeout]),
            ("error", &[]),
            ("ERROR ARGUMENTS", &[missing]),
            ("?ERROR ?WARN", &all),
            ("?401 ?WARN", &[unauthorized, warning]),
            ("ERROR -REQUEST", &[missing, timeout]),
            ("-ERROR", &[warning]),
            ("ERROR ?WARN", &[bad, unauthorized, missing, timeout]),
            ("\"INTERNAL SERVER ERROR\"", &[timeout]),
            ("\"ERROR:\"", &[timeout]),
            ("AUTHORIZED", &[]),
            ("%AUTHORIZED%", &[unauthorized]),
            ("%4[01][0-9]% -%BAD%", &[unauthorized, missing]),
            ("-\"BAD REQUEST\" REQUEST", &[unauthorized]),
            ("%^INTERNAL .*out$%", &[timeout]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(taken(pattern, &all), expected, "{pattern}");
        }
        assert_eq!(taken(r#""say \"no\"""#, &[r#"they say "no" again"#, "say no"]), [r#"they say "no" again"#]);
    }

    #[test]
    fn columns_are_words_quotes_and_brackets_and_their_number_counts() {
        let page = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 200 1534"#;
        let gone = r#"127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /gone.gif HTTP/1.0" 404 209"#;
        let other = r#"10.0.0.7 - ann [10/Oct/2000:13:50:35 -0700] "GET /a.html HTTP/1.0" 500 5"#;
        let short = "just four words here";
        let all = [page, gone, other, short];
        let cases: [(&str, &[&str]); 14] = [
            ("[ip, id, user, time, request, status, bytes]", &[page, gone, other]),
            ("[ip, id, user, time, request, status = 4*, bytes]", &[gone]),
            ("[ip, id, user, time, request = *.html*, status, bytes > 1000]", &[page]),
            ("[..., status >= 400, bytes]", &[gone, other]),
            ("[ip = 127.0.0.1, ...]", &[page, gone]),
            ("[ip != \"127.0.0.1\", ...]", &[other, short]),
            ("[ip, ..., bytes < 300]", &[gone, other]),
            ("[..., status = 404 || status = 500, bytes]", &[gone, other]),
            ("[..., status = 4* && status != 404, bytes]", &[]),
            ("[..., (status = 2* || status = 5*) && status != 500, bytes]", &[page]),
            ("[ip = %^10\\.%, ...]", &[other]),
            ("[w1, w2, w3, w4]", &[short]),
            ("[w1, w2, w3, w4 = h*e]", &[short]),
            ("[...]", &all),
        ];
        for (pattern, expected) in cases {
            assert_eq!(taken(pattern, &all), expected, "{pattern}");
        }
    }

    #[test]
    fn json_is_asked_by_selectors() {
        let trail = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],
            "objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c",
            "n":123,"f":12.5,"on":true,"user":{"id":1,"email":"John.Stiles@example.com"}}"#;
        let other = r#"{"eventType":"CreateTrail","level":"ERROR","code":4,"n":-1e3}"#;
        let text = "no JSON at all";
        let all = [trail, other, text];
        let both: &[&str] = &[trail, other];
        let cases: [(&str, &[&str]); 39] = [
            ("{ $.eventType = \"UpdateTrail\" }", &[trail]),
            ("{ $.eventType = UpdateTrail }", &[trail]),
            ("{ $.eventType != \"UpdateTrail\" }", &[other]),
            ("{ $.eventType = \"*Trail\" }", both),
            ("{ $.eventType = *ate* }", both),
            ("{ $.sourceIPAddress != 123.123.* }", &[trail]),
            ("{ $.sourceIPAddress = 111.111.* }", &[trail]),
            ("{ $.arrayKey[0] = \"value\" }", &[trail]),
            ("{ $.arrayKey[*] = \"another\" }", &[trail]),
            ("{ $.arrayKey[9] = \"another\" }", &[]),
            ("{ $.arrayKey = \"value\" }", &[]),
            ("{ $.objectList[1].id = 2 }", &[trail]),
            ("{ $.objectList[*].name = b }", &[trail]),
            ("{ $.SomeObject IS NULL }", &[trail]),
            ("{ $.level IS NULL }", &[]),
            ("{ $.on IS TRUE }", &[trail]),
            ("{ $.on IS FALSE }", &[]),
            ("{ $.level NOT EXISTS }", &[trail]),
            ("{ $.level EXISTS }", &[other]),
            ("{ $.SomeObject EXISTS }", &[trail]),
            ("{ $.['cluster.name'] = \"c\" }", &[trail]),
            ("{ $[\"cluster.name\"] = c }", &[trail]),
            ("{ $.level = \"ERROR\" && $.code > 3 }", &[other]),
            ("{ $.level = \"ERROR\" && $.code > 4 }", &[]),
            ("{ $.code >= 4 }", &[other]),
            ("{ $.code <= 3.99 }", &[]),
            ("{ $.n = 1.23e2 }", &[trail]),
            ("{ $.n = -1000 }", &[other]),
            ("{ $.n != 123 }", &[other]),
            ("{ $.n = \"123\" }", &[trail]),
            ("{ $.n = \"123.00\" }", &[]),
            ("{ $.f < 12.6 }", &[trail]),
            ("{ $.user.email = \"John.*\" && $.user.id = 1 }", &[trail]),
            ("{ ($.user.id = 1 || $.code = 4) && $.eventType = \"C*\" }", &[other]),
            ("{ $.user.id = 1 || $.code = 4 && $.eventType = \"X\" }", &[trail]),
            ("{ $.eventType = %^Cr[a-z]+Trail$% }", &[other]),
            ("{ $.eventType != %^Cr% }", &[trail]),
            ("{ $.missing != \"x\" }", &[]),
            ("{$.eventType=\"UpdateTrail\"&&($.n=123)}", &[trail]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(taken(pattern, &all), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_is_wrong() {
        let long = "x".repeat(1025);
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(100), ")".repeat(100));
        let cases = [
            (long.as_str(), "takes at most 1024"),
            ("foo-bar", "Invalid character(s) in term 'foo-bar'"),
            ("\"open", "not closed"),
            ("%open", "not closed"),
            ("%a(b)%", "parentheses"),
            ("%no!%", "`!`"),
            ("%[a%", "regular expression"),
            ("[a", "ends where"),
            ("[a = ]", "a value"),
            ("[a, ..., b, ...]", "only one"),
            ("[a = 1 && b = 2]", "`b = 2]` stands where the name of the column"),
            ("{ $.a }", "a comparison"),
            ("{ a = 1 }", "a selector"),
            ("{ $.a = 1", "ends where"),
            ("{ $.a > \"x\" }", "takes a number"),
            ("{ $.a = %x% && $.b = %y% && $.c = %z% }", "more than 2"),
            (deep.as_str(), "parentheses"),
            ("{}", "a selector"),
            ("{ $.a[x] = 1 }", "a number or `*`"),
        ];
        for (pattern, words) in cases {
            let error = Pattern::parse(pattern).expect_err(pattern).to_string();
            assert!(error.contains(words), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_word_of_any_script_may_be_the_first() {
        for (pattern, message) in [("échec", "un échec"), ("?エラー ?warn", "エラー 7"), ("世界 -über", "世界")]
        {
            assert!(Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(message)), "{pattern}");
        }
    }

    fuzz! {
        fn a_filter_pattern_that_is_almost_right_is_read_or_refused(
            pattern in prop_oneof![
                mutated_text(r#"{ ($.a.b[0] = "x*" && $.n >= 1e3) || $.c IS NULL || $.d NOT EXISTS || $.e = %^ab+c$% }"#),
                mutated_text(r#"[ip, user != "root", ..., status = 4*, bytes > 1000]"#),
                mutated_text(r#"ERROR -"not this" ?maybe ?"or this" %regex[0-9]+%"#),
                "[\\[{]?[ a-z$.=!<>&|()%\"*?,\\\\\\[\\]{}0-9NULISOTEX-]{0,40}",
            ],
            message in "\\PC{0,40}",
        ) {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&message);
                pattern.matches("127.0.0.1 ann x y 404 1234 ERROR maybe");
                pattern.matches(r#"{"a":{"b":["x",null]},"n":2000,"e":"abbc"}"#);
            }
        }
    }
}
