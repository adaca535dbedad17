//! The state file: a log of everything that changed the sandbox, one JSON object a line, from which a restart makes the
//! same world again.
//!
//! Appending a line is the whole write, so there is no moment at which the file is half of the old and half of the new. A
//! last line cut off by a crash was never acknowledged and is dropped. The file holds tokens in plain text: it belongs to
//! a sandbox.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{calendar::NewCalendar, error::Error, generate::Generate, gmail::Alias, oauth::GrantChange};

/// One change, and when it happened by the sandbox's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub at: DateTime<Utc>,
    pub change: Change,
}

/// Everything that changes the sandbox. The world follows from these alone, ids included.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// The clock was moved.
    Advance {
        ms: i64,
    },
    Grant(GrantChange),
    AddAccount {
        email: String,
        name: String,
    },
    AddAlias {
        email: String,
        alias: Alias,
    },
    Generate {
        email: String,
        generate: Generate,
    },
    Load {
        email: String,
        path: PathBuf,
    },
    Deliver {
        email: String,
        #[serde(with = "encoded")]
        raw: Bytes,
        labels: Vec<String>,
        internal_date: DateTime<Utc>,
        thread: Option<String>,
    },
    ModifyLabels {
        email: String,
        id: String,
        add: Vec<String>,
        remove: Vec<String>,
    },
    RenameLabel {
        email: String,
        id: String,
        name: String,
    },
    Delete {
        email: String,
        id: String,
    },
    AddCalendar {
        email: String,
        calendar: NewCalendar,
    },
    DeleteCalendar {
        email: String,
        calendar: String,
    },
    PutEvent {
        email: String,
        calendar: String,
        event: serde_json::Value,
    },
    MoveEvent {
        email: String,
        calendar: String,
        event: String,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    },
    CancelEvent {
        email: String,
        calendar: String,
        event: String,
    },
    CancelInstance {
        email: String,
        calendar: String,
        event: String,
        original_start: DateTime<Utc>,
    },
    ExpireHistory {
        email: String,
    },
    InvalidateSyncTokens {
        email: String,
    },
}

/// Bytes as base64, in the file alone: in memory a large mail stays as it is.
mod encoded {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes::from).map_err(D::Error::custom)
    }
}

/// The open log; keeps nothing when there is no file.
#[derive(Debug, Default)]
pub(super) struct Log(Option<(PathBuf, File)>);

impl Log {
    /// Opens the file and reads what it holds, in order.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Record>), Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // It holds tokens, though only of invented people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut records = Vec::new();
        for (index, line) in text[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
        {
            let record = serde_json::from_slice(line);
            records.push(record.map_err(|source| Error::State { path: path.to_owned(), line: index + 1, source })?);
        }
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Self(Some((path.to_owned(), file))), records))
    }

    pub(super) fn append(&mut self, record: &Record) -> Result<(), Error> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let mut line = serde_json::to_vec(record).expect("records hold only string keys and plain values");
        line.push(b'\n');
        file.write_all(&line).map_err(|source| Error::File { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ms: i64) -> Record {
        Record { at: DateTime::UNIX_EPOCH, change: Change::Advance { ms } }
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let (mut log, _) = Log::open(&path).unwrap();
        log.append(&record(1)).unwrap();
        drop(log);
        let mut bytes = std::fs::read(&path).unwrap();
        let whole = bytes.len();
        bytes.extend_from_slice(b"{\"at\":\"2026-");
        std::fs::write(&path, &bytes).unwrap();
        let (mut log, records) = Log::open(&path).unwrap();
        assert_eq!((records.len(), std::fs::read(&path).unwrap().len()), (1, whole));
        log.append(&record(2)).unwrap();
        assert_eq!(Log::open(&path).unwrap().1.len(), 2);
    }
}
