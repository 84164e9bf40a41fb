//! An archive: lines of JSON behind a seal.

use std::io::{BufRead, BufReader, Read, Write};

use shared::error::{Error, Result};
use shared::id::TenantId;

use crate::record::{Record, Tally};
use crate::seal::{Opening, Passphrase, Sealing, damaged, not_written};

/// Writes an archive.
pub(crate) struct Writer<W> {
    sealed: Sealing<W>,
    tally: Tally,
}

impl<W: Write> Writer<W> {
    pub(crate) fn begin(out: W, passphrase: &Passphrase, salt: [u8; 16], tenant: &TenantId) -> Result<Self> {
        let sealed = Sealing::begin(out, passphrase, salt)?;
        let mut writer = Self { sealed, tally: Tally::default() };
        writer.write(&Record::Head { tenant: tenant.clone() })?;
        Ok(writer)
    }

    pub(crate) fn write(&mut self, record: &Record) -> Result<()> {
        self.tally.count(record);
        let mut line = serde_json::to_vec(record).map_err(Error::internal)?;
        line.push(b'\n');
        self.sealed.write_all(&line).map_err(not_written)
    }

    /// How much was written.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends the archive; without this it cannot be opened.
    pub(crate) fn finish(mut self) -> Result<Tally> {
        let tally = self.tally.clone();
        self.write(&Record::End(tally.clone()))?;
        self.sealed.finish()?;
        Ok(tally)
    }
}

/// Reads an archive, line by line.
pub(crate) struct Reader<R> {
    lines: BufReader<Opening<R>>,
    tally: Tally,
    /// Bytes of the line that was read last.
    size: usize,
    ended: bool,
}

impl<R: Read> Reader<R> {
    pub(crate) fn open(from: R, passphrase: &Passphrase) -> Result<(Self, TenantId)> {
        let lines = BufReader::new(Opening::begin(from, passphrase)?);
        let mut reader = Self { lines, tally: Tally::default(), size: 0, ended: false };
        match reader.next()? {
            Some(Record::Head { tenant }) => Ok((reader, tenant)),
            Some(_) | None => Err(damaged("it does not say whose it is")),
        }
    }

    /// The next line before the end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        if self.ended {
            return Ok(None);
        }
        let mut line = String::new();
        self.size = self.lines.read_line(&mut line).map_err(|error| damaged(&error.to_string()))?;
        let record: Record =
            serde_json::from_str(&line).map_err(|_| damaged("a line of it cannot be read"))?;
        if let Record::End(tally) = &record {
            if *tally != self.tally {
                return Err(damaged("lines are missing"));
            }
            self.ended = true;
            return Ok(None);
        }
        self.tally.count(&record);
        Ok(Some(record))
    }

    /// How much was read.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How long the last line was, which is more than what it brings takes in a table.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}
