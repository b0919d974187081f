//! `taabia signing-key`: the keys that sign tokens.

use std::error::Error;

use super::args::SigningKeyCommand;
use super::clock::{SystemClock, SystemRandomness};
use super::config::SigningKey;
use super::settings;
use crate::ports::Clock as _;
use crate::services::access::KeyFile;

/// # Errors
/// When the key is given by configuration, or its file cannot be used.
pub fn signing_key(command: SigningKeyCommand) -> Result<bool, Box<dyn Error>> {
    let SigningKeyCommand::Rotate(args) = command;
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let SigningKey::File { path, .. } = config.signing_key() else {
        return Err(
            "access.signing_key: the key is given by configuration; put the new key before the old one there".into()
        );
    };
    KeyFile::new(&path).rotate(SystemClock.now(), &SystemRandomness)?;
    println!("a new key in {} signs from now on", path.display());
    Ok(true)
}
