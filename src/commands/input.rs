//! What a verb is given in a file.

use super::error::CommandError;
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

pub fn unreadable(file: &Path, cause: String) -> CommandError {
    CommandError::Read { path: file.to_owned(), cause }
}
