//! The key pair of the engine's TCP door, in a file that only its owner may read.

use crate::config::DataDirectory;
use std::fmt;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

/// Digits of a key id, as AWS has them.
const ID_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What every request on TCP is signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// 20 letters and digits, from `BDK` on.
    pub access_key_id: String,
    /// 40 letters and digits.
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Why the key pair cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("the key pair in {} cannot be {action}: {cause}", path.display())]
    Storage { path: PathBuf, action: &'static str, cause: io::Error },
    #[error(
        "{} holds no key pair: it takes `aws_access_key_id = ...` and `aws_secret_access_key = ...` below `[default]`. \
         Remove it, and the engine makes another at its next start",
        path.display()
    )]
    Unreadable { path: PathBuf },
}

impl Credentials {
    /// The key pair of a data directory, which is made where there is none yet.
    pub(super) fn take(directory: &DataDirectory) -> Result<Self, CredentialsError> {
        let path = directory.credentials();
        let failed = |action| {
            let path = path.clone();
            move |cause| CredentialsError::Storage { path, action, cause }
        };
        match fs::metadata(&path) {
            Ok(found) => {
                if found.permissions().mode() & 0o077 != 0 {
                    tracing::warn!(path = %path.display(), "the key pair was open to other users, and is closed to them now");
                    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed("closed to others"))?;
                }
                Self::read(directory)
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let made = Self::random().map_err(failed("made"))?;
                made.write(directory).map_err(failed("written"))?;
                Ok(made)
            }
            Err(cause) => Err(failed("read")(cause)),
        }
    }

    /// The key pair that is there. The file has the form of AWS's own credentials file.
    pub fn read(directory: &DataDirectory) -> Result<Self, CredentialsError> {
        let path = directory.credentials();
        let text = fs::read_to_string(&path).map_err(|cause| CredentialsError::Storage {
            path: path.clone(),
            action: "read",
            cause,
        })?;
        let value = |wanted: &str| {
            let line = text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == wanted)?;
            Some(line.1.trim().to_owned()).filter(|value| !value.is_empty())
        };
        match (value("aws_access_key_id"), value("aws_secret_access_key")) {
            (Some(access_key_id), Some(secret_access_key)) => Ok(Self { access_key_id, secret_access_key }),
            _ => Err(CredentialsError::Unreadable { path }),
        }
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0_u8; 57];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        let text = |bytes: &[u8], digits: &[u8]| -> String {
            bytes.iter().map(|byte| char::from(digits[usize::from(*byte) % digits.len()])).collect()
        };
        let (id, secret) = bytes.split_at(17);
        Ok(Self {
            access_key_id: format!("BDK{}", text(id, ID_DIGITS)),
            secret_access_key: text(secret, SECRET_DIGITS),
        })
    }

    /// Written beside and then put in its place: nobody ever reads a half of it.
    fn write(&self, directory: &DataDirectory) -> io::Result<()> {
        let path = directory.credentials();
        let beside = path.with_extension("new");
        // One that a killed engine has left.
        match fs::remove_file(&beside) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let Self { access_key_id, secret_access_key } = self;
        write!(file, "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n")?;
        file.sync_all()?;
        fs::rename(beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pair_is_made_once_for_its_owner_alone_and_stays() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = DataDirectory::new(root.path()).expect("short");
        let made = Credentials::take(&directory).expect("made");
        assert_eq!((made.access_key_id.len(), made.secret_access_key.len()), (20, 40));
        assert!(made.access_key_id.starts_with("BDK"));
        let permissions = || fs::metadata(directory.credentials()).expect("there").permissions().mode() & 0o777;
        assert_eq!(permissions(), 0o600);
        assert_ne!(Credentials::random().expect("random"), made);

        fs::set_permissions(directory.credentials(), Permissions::from_mode(0o644)).expect("opened");
        assert_eq!(Credentials::take(&directory).expect("read"), made);
        assert_eq!(permissions(), 0o600, "it is closed again");
        assert!(!format!("{made:?}").contains(&made.secret_access_key), "a log must not hold the secret");
    }

    #[test]
    fn a_file_without_a_key_pair_is_refused_and_left_alone() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = DataDirectory::new(root.path()).expect("short");
        for text in ["", "[default]\naws_access_key_id = A\n", "aws_access_key_id =\naws_secret_access_key = x"] {
            fs::write(directory.credentials(), text).expect("written");
            let refusal = Credentials::take(&directory).expect_err(text).to_string();
            assert!(refusal.contains("aws_secret_access_key") && refusal.contains("Remove it"), "{refusal}");
            assert_eq!(fs::read_to_string(directory.credentials()).expect("there"), text);
        }
    }
}
