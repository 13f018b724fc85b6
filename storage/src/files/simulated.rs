//! A disk in memory that behaves as badly as a real one may when the power fails: sectors that were written after the
//! last sync are kept, lost or torn, each for itself, as a seed decides. Deterministic.

use minuet_core::file::{Directory, File};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// An error to be given by the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device failed (EIO).
    Device,
    /// The disk is full (ENOSPC).
    Full,
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Device => io::Error::other("simulated input/output error"),
            Self::Full => io::Error::new(ErrorKind::StorageFull, "simulated: no space left on device"),
        }
    }
}

/// Bytes behind those that are kept, up to the length, are zero: preallocating costs nothing.
#[derive(Clone, Debug, Default)]
struct Content {
    /// What a reader sees.
    now: Vec<u8>,
    length: usize,
    /// The length that a power cut leaves for certain.
    durable_length: usize,
    /// Sectors in which a reader may see what a power cut loses, with what it leaves for certain.
    dirty: BTreeMap<usize, [u8; SECTOR]>,
}

#[derive(Debug, Default)]
struct Disk {
    /// Names and the contents they stand for: renaming keeps open handles good.
    names: BTreeMap<String, u64>,
    contents: BTreeMap<u64, Content>,
    next_content: u64,
    /// Raised by a crash: handles from before are dead.
    life: u64,
    writes_left: Option<(u64, Fault)>,
    syncs_left: Option<(u64, Fault)>,
    written_bytes: u64,
    syncs: u64,
}

fn count_down(left: &mut Option<(u64, Fault)>) -> io::Result<()> {
    match left {
        Some((0, fault)) => Err(fault.error()),
        Some((n, _)) => {
            *n -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

/// SplitMix64: all that a disk needs of chance.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Content {
    fn synced(bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        Self { now: bytes, length, durable_length: length, dirty: BTreeMap::new() }
    }

    /// A sector as a reader sees it, with zeroes behind the file's end.
    fn sector(&self, sector: usize) -> [u8; SECTOR] {
        let start = (sector * SECTOR).min(self.now.len());
        let kept = &self.now[start..(start + SECTOR).min(self.now.len())];
        let mut bytes = [0; SECTOR];
        bytes[..kept.len()].copy_from_slice(kept);
        bytes
    }

    fn place(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(bytes);
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        for sector in offset / SECTOR..=(end - 1) / SECTOR {
            if !self.dirty.contains_key(&sector) {
                self.dirty.insert(sector, self.sector(sector));
            }
        }
        self.place(bytes, offset);
        self.length = self.length.max(end);
    }

    fn sync(&mut self) {
        self.durable_length = self.length;
        self.dirty.clear();
    }

    fn set_length(&mut self, length: usize) {
        self.now.truncate(length);
        self.length = length;
        self.sync();
    }

    fn read(&self, buffer: &mut [u8], start: usize) -> io::Result<()> {
        let end = start.checked_add(buffer.len()).ok_or(ErrorKind::InvalidInput)?;
        if end > self.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let kept = self.now.get(start.min(self.now.len())..end.min(self.now.len())).unwrap_or_default();
        buffer[..kept.len()].copy_from_slice(kept);
        buffer[kept.len()..].fill(0);
        Ok(())
    }

    fn whole(&self) -> Vec<u8> {
        let mut bytes = self.now.clone();
        bytes.resize(self.length, 0);
        bytes
    }

    fn crash(&mut self, chance: &mut Chance) {
        if self.length > self.durable_length && chance.next().is_multiple_of(2) {
            self.durable_length = self.length;
        }
        for (sector, durable) in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.durable_length);
            if start >= end {
                continue;
            }
            let kept = match chance.next() % 4 {
                0 | 1 => end - start,
                2 => 0,
                _ => usize::try_from(chance.next() % (end - start) as u64).expect("less than a sector"),
            };
            let lost = if chance.next().is_multiple_of(2) { start + kept..end } else { start..end - kept };
            let bytes = &durable[lost.start - start..lost.end - start];
            self.place(bytes, lost.start);
        }
        self.now.truncate(self.durable_length);
        self.length = self.durable_length;
    }
}

/// A simulated directory. Clones are the same directory.
#[derive(Clone, Debug, Default)]
pub struct MemoryDirectory {
    disk: Arc<Mutex<Disk>>,
}

impl MemoryDirectory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds now, as a disk of its own; what is not synced is synced in the copy.
    #[must_use]
    pub fn copy(&self) -> Self {
        let disk = self.disk();
        let mut contents = disk.contents.clone();
        contents.values_mut().for_each(Content::sync);
        let (names, next_content) = (disk.names.clone(), disk.next_content);
        let copied = Disk { names, contents, next_content, ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(copied)) }
    }

    /// The power fails and comes back. Open files are dead; injected faults are gone.
    pub fn crash(&self, seed: u64) {
        self.kill();
        let mut chance = Chance(seed);
        self.disk().contents.values_mut().for_each(|content| content.crash(&mut chance));
    }

    /// The process dies, the power stays: open files are dead and injected faults gone, but readers go on seeing what was
    /// written and not synced, and a later [`MemoryDirectory::crash`] may still lose it.
    pub fn kill(&self) {
        let mut disk = self.disk();
        disk.life += 1;
        disk.writes_left = None;
        disk.syncs_left = None;
    }

    /// After `after` more successful writes (or preallocations) all of them fail, the first of them halfway.
    pub fn fail_writes(&self, after: u64, fault: Fault) {
        self.disk().writes_left = Some((after, fault));
    }

    /// After `after` more successful syncs all of them fail; what they were to sync stays unsynced.
    pub fn fail_syncs(&self, after: u64, fault: Fault) {
        self.disk().syncs_left = Some((after, fault));
    }

    /// Bytes written by [`File::write_all_at`] so far.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.disk().written_bytes
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn sync_count(&self) -> u64 {
        self.disk().syncs
    }

    /// What a file holds, as a reader sees it.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.disk();
        disk.names.get(name).map(|id| disk.contents[id].whole())
    }

    /// Changes a file behind its owner's back, durably. False if there is no such file.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut disk = self.disk();
        let Some(id) = disk.names.get(name).copied() else { return false };
        let content = disk.contents.entry(id).or_default();
        let mut bytes = content.whole();
        change(&mut bytes);
        *content = Content::synced(bytes);
        true
    }

    fn handle(&self, content: u64, life: u64) -> MemoryFile {
        MemoryFile { disk: Arc::clone(&self.disk), content, life }
    }
}

fn missing(name: &str) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("simulated: no file {name}"))
}

impl Directory for MemoryDirectory {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let disk = self.disk();
        let content = *disk.names.get(name).ok_or_else(|| missing(name))?;
        Ok(self.handle(content, disk.life))
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut disk = self.disk();
        if disk.names.contains_key(name) {
            return Err(io::Error::new(ErrorKind::AlreadyExists, format!("simulated: {name} exists")));
        }
        let content = disk.next_content;
        disk.next_content += 1;
        disk.names.insert(name.into(), content);
        disk.contents.insert(content, Content::default());
        Ok(self.handle(content, disk.life))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let content = disk.names.remove(from).ok_or_else(|| missing(from))?;
        disk.names.insert(to.into(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk().names.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

/// A handle to a simulated file.
#[derive(Debug)]
pub struct MemoryFile {
    disk: Arc<Mutex<Disk>>,
    content: u64,
    life: u64,
}

impl MemoryFile {
    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.life != self.life {
            return Err(io::Error::other("simulated: the file was opened before the power failed"));
        }
        work(&mut disk)
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::Error::from(ErrorKind::InvalidInput))
}

impl Disk {
    fn content(&mut self, id: u64) -> &mut Content {
        self.contents.entry(id).or_default()
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|disk| Ok(disk.content(self.content).length as u64))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = position(offset)?;
        self.with(|disk| disk.content(self.content).read(buffer, start))
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let start = position(offset)?;
        self.with(|disk| {
            let outcome = count_down(&mut disk.writes_left);
            let written = if outcome.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
            disk.content(self.content).write(written, start);
            disk.written_bytes += written.len() as u64;
            outcome
        })
    }

    fn preallocate(&mut self, length: u64) -> io::Result<()> {
        let length = position(length)?;
        self.with(|disk| {
            let outcome = count_down(&mut disk.writes_left);
            disk.content(self.content).set_length(if outcome.is_ok() { length } else { length / 2 });
            outcome
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|disk| {
            count_down(&mut disk.syncs_left)?;
            disk.syncs += 1;
            disk.content(self.content).sync();
            Ok(())
        })
    }
}
