//! Bounds a binary property list before it is decoded.
//!
//! Objects refer to each other by number, so 150 bytes can describe ten million elements, a megabyte of text can be
//! used a thousand times, and an array can hold itself. Here the graph is walked without building anything: every
//! use of an object counts, as it will when the decoder expands it.

use crate::error::{Error, Result};

/// Collections inside collections; a reference cycle passes any bound.
const MAX_DEPTH: u8 = 16;
/// Objects in the file, and uses of objects once every reference is followed.
const MAX_NODES: usize = 65_536;
/// Bytes of text and data once every reference is followed. More than any body a caller lets in has without sharing.
const MAX_CONTENT: usize = 16 << 20;

const TRAILER: usize = 32;

/// Refuses a binary property list that would expand beyond the bounds.
///
/// # Errors
/// Malformed: `plist-syntax`, `plist-too-deep`, `plist-too-large`.
pub(super) fn check(body: &[u8]) -> Result<()> {
    let file = File::open(body).ok_or_else(incomplete)?;
    if file.objects > MAX_NODES {
        return Err(too_large());
    }
    let mut pending = vec![(file.root, 0)];
    let (mut nodes, mut content) = (1, 0);
    while let Some((object, depth)) = pending.pop() {
        match file.object(object).ok_or_else(incomplete)? {
            Object::Plain => {}
            Object::Content(bytes) => {
                content += bytes;
                if content > MAX_CONTENT {
                    return Err(too_large());
                }
            }
            Object::Collection(references) => {
                nodes += references.len() / file.reference_size;
                if nodes > MAX_NODES {
                    return Err(too_large());
                }
                if depth == MAX_DEPTH {
                    return Err(Error::malformed(
                        "plist-too-deep",
                        "The property list is nested too deep, or one of its collections holds itself.",
                    ));
                }
                let children = references.chunks_exact(file.reference_size);
                pending.extend(children.map(|reference| (unsigned(reference), depth + 1)));
            }
        }
    }
    Ok(())
}

fn incomplete() -> Error {
    Error::malformed("plist-syntax", "The binary property list is incomplete or damaged.")
}

fn too_large() -> Error {
    Error::malformed("plist-too-large", "The property list has more elements than any real message.")
}

/// One object, as far as its size matters.
enum Object<'a> {
    /// A value of at most 16 bytes, or a kind the decoder will refuse.
    Plain,
    /// Text or data of this many bytes.
    Content(usize),
    /// The references of an array or a dictionary.
    Collection(&'a [u8]),
}

struct File<'a> {
    /// Everything before the trailer.
    body: &'a [u8],
    offsets: &'a [u8],
    offset_size: usize,
    reference_size: usize,
    objects: usize,
    root: u64,
}

impl<'a> File<'a> {
    fn open(file: &'a [u8]) -> Option<Self> {
        let (body, trailer) = file.split_at_checked(file.len().checked_sub(TRAILER)?)?;
        body.strip_prefix(b"bplist00")?;
        let (sizes, places) = trailer.split_at_checked(8)?;
        let (_, &[offset_size, reference_size]) = sizes.split_last_chunk()?;
        let [objects, root, table] = [places.get(..8)?, places.get(8..16)?, places.get(16..)?].map(unsigned);
        let (offset_size, reference_size) = (width(offset_size)?, width(reference_size)?);
        let objects = usize::try_from(objects).ok()?;
        let table = body.get(usize::try_from(table).ok()?..)?;
        let offsets = table.get(..objects.checked_mul(offset_size)?)?;
        Some(Self { body, offsets, offset_size, reference_size, objects, root })
    }

    fn object(&self, number: u64) -> Option<Object<'a>> {
        let start = usize::try_from(number).ok()?.checked_mul(self.offset_size)?;
        let offset = unsigned(self.offsets.get(start..start.checked_add(self.offset_size)?)?);
        let (&marker, rest) = self.body.get(usize::try_from(offset).ok()?..)?.split_first()?;
        Some(match marker >> 4 {
            0x4 | 0x5 => Object::Content(length(marker, rest)?.0),
            0x6 => Object::Content(length(marker, rest)?.0.checked_mul(2)?),
            0xa => self.collection(marker, rest, 1)?,
            0xd => self.collection(marker, rest, 2)?,
            _ => Object::Plain,
        })
    }

    fn collection(&self, marker: u8, rest: &'a [u8], references_each: usize) -> Option<Object<'a>> {
        let (count, rest) = length(marker, rest)?;
        let size = count.checked_mul(references_each)?.checked_mul(self.reference_size)?;
        Some(Object::Collection(rest.get(..size)?))
    }
}

/// A count from the marker's low half, or from the integer object that follows it; and what comes after.
fn length(marker: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    if marker & 0x0f < 0x0f {
        return Some((usize::from(marker & 0x0f), rest));
    }
    let (&integer, rest) = rest.split_first()?;
    let (count, rest) = rest.split_at_checked(1 << (integer & 0x03))?;
    Some((usize::try_from(unsigned(count)).ok()?, rest))
}

/// The widths the decoder knows; 24-bit numbers occur in files of other writers.
fn width(bytes: u8) -> Option<usize> {
    matches!(bytes, 1..=4 | 8).then_some(usize::from(bytes))
}

fn unsigned(big_endian: &[u8]) -> u64 {
    big_endian.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Assembles a file out of objects, numbered in order; the first is the root.
    fn file(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut file = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.extend(u32::try_from(file.len()).unwrap().to_be_bytes());
            file.extend(object);
        }
        let table = file.len() as u64;
        file.extend(offsets);
        file.extend([0, 0, 0, 0, 0, 0, 4, 1]);
        for number in [objects.len() as u64, 0, table] {
            file.extend(number.to_be_bytes());
        }
        file
    }

    fn code(file: &[u8]) -> &'static str {
        check(file).map_or_else(|error| error.code(), |()| "ok")
    }

    #[test]
    fn a_bomb_of_shared_arrays_is_refused() {
        let mut objects: Vec<_> = (1..8).map(|next| [vec![0xaa], vec![next; 10]].concat()).collect();
        objects.push(vec![0x09]);
        let bomb = file(&objects);
        assert!(bomb.len() < 200);
        assert_eq!(code(&bomb), "plist-too-large");
    }

    #[test]
    fn a_megabyte_of_text_used_a_hundred_times_is_refused() {
        let text = [vec![0x5f, 0x12], (1u32 << 20).to_be_bytes().to_vec(), vec![b'x'; 1 << 20]].concat();
        let uses = [vec![0xaf, 0x10, 100], vec![1; 100]].concat();
        assert_eq!(code(&file(&[uses, text.clone()])), "plist-too-large");
        assert_eq!(code(&file(&[vec![0xa1, 1], text])), "ok");
    }

    #[test]
    fn an_array_that_holds_itself_is_refused() {
        assert_eq!(code(&file(&[vec![0xa1, 0]])), "plist-too-deep");
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        let nested = |levels: u8| {
            let mut objects: Vec<_> = (1..=levels).map(|next| vec![0xa1, next]).collect();
            objects.push(vec![0x08]);
            file(&objects)
        };
        assert_eq!(code(&nested(16)), "ok");
        assert_eq!(code(&nested(17)), "plist-too-deep");
    }

    #[test]
    fn a_damaged_file_is_refused_wherever_it_is_cut() {
        let whole = file(&[vec![0xd1, 1, 2], vec![0x51, b'k'], vec![0x61, 0, b'v']]);
        assert_eq!(code(&whole), "ok");
        for end in 0..whole.len() {
            assert_eq!(code(&whole[..end]), "plist-syntax", "cut at {end}");
        }
        assert_eq!(code(&file(&[vec![0xa1, 9]])), "plist-syntax", "a reference to no object");
    }

    #[test]
    fn too_many_objects_are_refused_before_they_are_read() {
        let objects = vec![vec![0x08]; MAX_NODES + 1];
        assert_eq!(code(&file(&objects)), "plist-too-large");
    }

    /// Levels of collections, and all values.
    fn measure(value: &plist::Value) -> (usize, usize) {
        let inside: Vec<_> = match (value.as_array(), value.as_dictionary()) {
            (Some(values), _) => values.iter().map(measure).collect(),
            (None, Some(dictionary)) => dictionary.values().map(measure).collect(),
            (None, None) => return (0, 1),
        };
        let deepest = inside.iter().map(|(levels, _)| *levels).max().unwrap_or(0);
        (1 + deepest, 1 + inside.iter().map(|(_, values)| values).sum::<usize>())
    }

    proptest! {
        #[test]
        fn what_passes_expands_within_the_bounds(
            arrays in proptest::collection::vec(proptest::collection::vec(0..24_u8, 0..12), 1..20),
        ) {
            let mut objects: Vec<_> = arrays
                .iter()
                .map(|references| [vec![0xa0 | u8::try_from(references.len()).unwrap()], references.clone()].concat())
                .collect();
            objects.resize(24, vec![0x51, b'x']);
            let file = file(&objects);
            if check(&file).is_ok() {
                let value = plist::Value::from_reader(std::io::Cursor::new(file)).unwrap();
                let (levels, values) = measure(&value);
                prop_assert!(levels <= usize::from(MAX_DEPTH) && values <= MAX_NODES);
            }
        }
    }
}
