//! The file of the signing keys: mode 0600, replaced as a whole, shared by the nodes that serve together.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::keys::{KeyError, RingKey, parse_ring};
use crate::domain::Timestamp;
use crate::ports::Randomness;

/// A path where signing keys are kept.
#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Adds a new key that signs from now on. The others are accepted until the tokens they signed have
    /// expired; those past that are dropped. Nodes that share the file notice within seconds.
    ///
    /// # Errors
    /// [`KeyError`]; the file is then as it was.
    pub fn rotate(&self, now: Timestamp, randomness: &dyn Randomness) -> Result<(), KeyError> {
        let pem = self.read()?;
        let mut keys = parse_ring(secrecy::ExposeSecret::expose_secret(&pem))?;
        for key in &mut keys {
            key.retired_at.get_or_insert(now);
        }
        keys.retain(|key| key.is_accepted(now));
        keys.insert(0, RingKey::generate(randomness)?);
        let ring: String = keys.iter().map(RingKey::to_pem).collect();
        let fresh = self.write_beside(&ring, randomness)?;
        fs::rename(&fresh, &self.0).and_then(|()| self.sync_directory()).map_err(|error| self.io(error))
    }

    pub(super) fn create_if_missing(&self, randomness: &dyn Randomness) -> Result<(), KeyError> {
        self.create_with(randomness, || Ok(RingKey::generate(randomness)?.to_pem()))
    }

    /// The content of a file of another key, which is made when it is missing and `make` is given.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read_or_create(
        &self,
        randomness: &dyn Randomness,
        make: Option<&dyn Fn() -> SecretString>,
    ) -> Result<SecretString, KeyError> {
        if let Some(make) = make {
            self.create_with(randomness, || Ok(secrecy::ExposeSecret::expose_secret(&make()).to_owned()))?;
        }
        self.read()
    }

    /// Two nodes that start at once agree on one key: the file appears complete or not at all.
    fn create_with(
        &self,
        randomness: &dyn Randomness,
        make: impl FnOnce() -> Result<String, KeyError>,
    ) -> Result<(), KeyError> {
        if self.0.exists() {
            return Ok(());
        }
        let fresh = self.write_beside(&make()?, randomness)?;
        let linked = match fs::hard_link(&fresh, &self.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) => self.sync_directory(),
        };
        let removed = fs::remove_file(&fresh);
        linked.and(removed).map_err(|error| self.io(error))
    }

    /// Refuses a file that group or world may read.
    pub(super) fn read(&self) -> Result<SecretString, KeyError> {
        let mode = fs::metadata(&self.0).map_err(|error| self.io(error))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: self.0.display().to_string(), mode });
        }
        fs::read_to_string(&self.0).map(SecretString::from).map_err(|error| self.io(error))
    }

    fn write_beside(&self, ring: &str, randomness: &dyn Randomness) -> Result<PathBuf, KeyError> {
        let mut suffix = [0; 8];
        randomness.fill(&mut suffix);
        let mut name = self.0.clone().into_os_string();
        name.push(format!(".{}.new", hex::encode(suffix)));
        let path = PathBuf::from(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
            file.write_all(ring.as_bytes())?;
            file.sync_all()
        });
        written.map(|()| path).map_err(|error| self.io(error))
    }

    fn sync_directory(&self) -> io::Result<()> {
        let directory = self.0.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(directory)?.sync_all()
    }

    fn io(&self, error: io::Error) -> KeyError {
        KeyError::Io { path: self.0.display().to_string(), error }
    }
}
