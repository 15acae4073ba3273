//! What a verb is given in a file.

use super::error::CommandError;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// The text of a file; `-` is standard input.
pub fn text_of(file: &Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|cause| unreadable(file, cause.to_string()))
}

/// A file as it is called in a message.
pub fn named(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// What a file has to hold: one object in JSON. `what` that is comes first in what is said of a file that does not.
pub fn object_in(text: &str, what: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Err(format!("it is empty; {what} in JSON is wanted: {{ … }}"));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(format!("{what} is a JSON object: {{ … }}")),
        Err(cause) => Err(format!("it is not JSON: {cause}")),
    }
}

pub fn unreadable(file: &Path, cause: String) -> CommandError {
    CommandError::Read { path: file.to_owned(), cause }
}
