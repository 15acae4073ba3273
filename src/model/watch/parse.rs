//! From what a person types to a condition, or to words on where it goes wrong and what may stand there.

use super::condition::{Compare, Condition, Given, Passing, States, Word};
use crate::model::{Millis, nearest};

/// At most so many are counted within a time: their times are kept.
const MOST_WITHIN: u64 = 10_000;
const DAY: Millis = 86_400_000;
const LONGEST: Millis = 365 * DAY;
const LONGEST_WITHIN: Millis = 7 * DAY;

/// What is wrong with the text of a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} (letter {at}): {wants}")]
pub struct ConditionError {
    /// The letter at which it goes wrong, from 1.
    pub at: usize,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub wants: String,
}

/// A word, a sign or a number, and the letter at which it begins, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

struct Tokens<'a> {
    all: Vec<Token<'a>>,
    next: usize,
    end: usize,
}

/// Blanks part; a sign of comparing parts from what is around it.
fn tokens(text: &str) -> Tokens<'_> {
    let mut all = Vec::new();
    let mut open: Option<(usize, usize, bool)> = None;
    let mut letters = 0;
    for (at, (byte, letter)) in text.char_indices().enumerate() {
        letters = at + 1;
        let is_sign = matches!(letter, '<' | '>' | '=' | '!');
        if let Some((from, first, was_sign)) = open
            && (letter.is_whitespace() || is_sign != was_sign)
        {
            all.push(Token { text: &text[from..byte], at: first });
            open = None;
        }
        if open.is_none() && !letter.is_whitespace() {
            open = Some((byte, at + 1, is_sign));
        }
    }
    if let Some((from, first, _)) = open {
        all.push(Token { text: &text[from..], at: first });
    }
    Tokens { all, next: 0, end: letters + 1 }
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.all.get(self.next).copied();
        self.next += 1;
        token
    }

    fn wanted(&mut self, wants: &str) -> Result<Token<'a>, ConditionError> {
        let end = self.end;
        self.next().ok_or_else(|| ConditionError {
            at: end,
            found: "it ends too early".to_owned(),
            wants: wants.to_owned(),
        })
    }

    fn end(&mut self) -> Result<(), ConditionError> {
        match self.next() {
            Some(token) => Err(wrong(token, "nothing may follow here")),
            None => Ok(()),
        }
    }
}

fn wrong(token: Token<'_>, wants: impl Into<String>) -> ConditionError {
    let mut found: String = token.text.chars().filter(|letter| !letter.is_control()).take(40).collect();
    if found.len() < token.text.len() {
        found.push('…');
    }
    ConditionError { at: token.at, found: format!("`{found}`"), wants: wants.into() }
}

/// All words that a condition can begin with.
pub fn firsts() -> impl Iterator<Item = &'static str> {
    let words = Word::ALL.into_iter().map(Word::as_str);
    let states = States::ALL.into_iter().map(States::as_str);
    let passing = Passing::ALL.into_iter().map(Passing::as_str);
    words.chain(["exit", "silent", "instances"]).chain(passing).chain(states)
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

pub fn condition(text: &str) -> Result<Condition, ConditionError> {
    let mut tokens = tokens(text);
    let all = || firsts().collect::<Vec<_>>().join(", ");
    let first = tokens.wanted(&format!("say what to watch for: {}", all()))?;
    let condition = if let Some(word) = Word::ALL.into_iter().find(|word| is(first.text, word.as_str())) {
        Condition::Word(word)
    } else if is(first.text, "exit") {
        let compare = compare(&mut tokens, "a comparison with an exit code goes on, as in `exit = 137`")?;
        let wants = "an exit code is a whole number, as in `exit = 137`";
        let token = tokens.wanted(wants)?;
        Condition::Exit { compare, code: token.text.parse().map_err(|_| wrong(token, wants))? }
    } else if is(first.text, "silent") {
        Condition::Silent { than: longer(&mut tokens, "silent > 15m")? }
    } else if is(first.text, "instances") {
        let compare = compare(&mut tokens, "a comparison with a number goes on, as in `instances < 1`")?;
        Condition::Instances { compare, count: count(&mut tokens, "instances < 1", u64::MAX)? }
    } else if let Some(what) = Passing::ALL.into_iter().find(|what| is(first.text, what.as_str())) {
        within(what, &mut tokens)?
    } else if let Some(states) = States::ALL.into_iter().find(|states| is(first.text, states.as_str())) {
        of_states(states, &mut tokens)?
    } else {
        let lower = first.text.to_ascii_lowercase();
        let meant = nearest(&lower, firsts()).or_else(|| nearest(&first.text.to_ascii_uppercase(), firsts()));
        let meant = meant.map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
        return Err(wrong(first, format!("{meant}One can watch for {}", all())));
    };
    tokens.end()?;
    Ok(condition)
}

fn compare(tokens: &mut Tokens<'_>, wants: &str) -> Result<Compare, ConditionError> {
    let token = tokens.wanted(wants)?;
    let found = Compare::ALL.into_iter().find(|compare| compare.as_str() == token.text);
    found.ok_or_else(|| wrong(token, format!("{wants}; it compares by >, <, = and !=")))
}

fn within(what: Passing, tokens: &mut Tokens<'_>) -> Result<Condition, ConditionError> {
    let example = format!("{} > 5 in 10m", what.as_str());
    let compare = compare(tokens, &format!("a number within a time goes on, as in `{example}`"))?;
    let count = count(tokens, &example, MOST_WITHIN)?;
    let wants = format!("`in` and a time go on, as in `{example}`");
    let token = tokens.wanted(&wants)?;
    if !is(token.text, "in") {
        return Err(wrong(token, wants));
    }
    let token = tokens.wanted(&wants)?;
    let within = span(token, &example, LONGEST_WITHIN)?;
    if compare == Compare::Less && count == 0 {
        return Err(wrong(token, format!("fewer than 0 never are; as in `{} < 1 in 1h`", what.as_str())));
    }
    Ok(Condition::Within { what, compare, count, within })
}

/// A time asks how long, a number how many.
fn of_states(states: States, tokens: &mut Tokens<'_>) -> Result<Condition, ConditionError> {
    let name = states.as_str();
    let wants = format!("how long or how many goes on, as in `{name} > 20m` or `{name} > 100`");
    let compared = tokens.all.get(tokens.next).copied();
    let compare = compare(tokens, &wants)?;
    let token = tokens.wanted(&wants)?;
    if token.text.bytes().all(|byte| byte.is_ascii_digit()) {
        let count = token.text.parse().map_err(|_| wrong(token, "that is more than jobs can be"))?;
        return Ok(Condition::Many { states, compare, count });
    }
    let than = span(token, &format!("{name} > 20m"), LONGEST)?;
    match compared {
        Some(sign) if compare != Compare::More => {
            Err(wrong(sign, format!("a time is compared by `>` alone, as in `{name} > {}`", Given(than))))
        }
        _ => Ok(Condition::Longer { states, than }),
    }
}

fn longer(tokens: &mut Tokens<'_>, example: &str) -> Result<Millis, ConditionError> {
    let wants = format!("`>` and a time go on, as in `{example}`");
    let sign = tokens.wanted(&wants)?;
    if sign.text != ">" {
        return Err(wrong(sign, wants));
    }
    let token = tokens.wanted(&wants)?;
    span(token, example, LONGEST)
}

fn count(tokens: &mut Tokens<'_>, example: &str, most: u64) -> Result<u64, ConditionError> {
    let wants = format!("a whole number goes on, as in `{example}`");
    let token = tokens.wanted(&wants)?;
    let number: u64 = token.text.parse().map_err(|_| wrong(token, &*wants))?;
    if number > most {
        return Err(wrong(token, format!("at most {most} are counted")));
    }
    Ok(number)
}

/// `90s`, `20m`, `1h30m`, `2d`
fn span(token: Token<'_>, example: &str, most: Millis) -> Result<Millis, ConditionError> {
    let wants = || format!("a time is a number with s, m, h or d, as in `{example}`");
    let mut sum: Millis = 0;
    let mut number: Option<Millis> = None;
    for letter in token.text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let grown = number.unwrap_or(0).checked_mul(10).and_then(|ten| ten.checked_add(Millis::from(digit)));
            number = Some(grown.ok_or_else(|| wrong(token, format!("at most {} can be asked for", Given(most))))?);
            continue;
        }
        let unit = match letter.to_ascii_lowercase() {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => DAY,
            _ => return Err(wrong(token, wants())),
        };
        let part = number.take().ok_or_else(|| wrong(token, wants()))?.checked_mul(unit);
        let grown = part.and_then(|part| sum.checked_add(part));
        sum = grown.ok_or_else(|| wrong(token, format!("at most {} can be asked for", Given(most))))?;
    }
    if number.is_some() || token.text.is_empty() {
        return Err(wrong(token, wants()));
    }
    if sum == 0 {
        return Err(wrong(token, format!("the shortest time is 1s, as in `{example}`")));
    }
    if sum > most {
        return Err(wrong(token, format!("at most {} can be asked for", Given(most))));
    }
    Ok(sum)
}
