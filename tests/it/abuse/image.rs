//! Owns what a generated guest hands over: values as they are in its memory and on its stack, here and there
//! not as the canonical ABI wants them.

use super::types::{Core, Ty, area, text};
use super::{MEMORY, Random, THINGS};

/// How a guest keeps its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
    Latin1OrUtf16,
}

impl Encoding {
    pub const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Latin1OrUtf16];

    pub fn text(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf8",
            Encoding::Utf16 => "utf16",
            Encoding::Latin1OrUtf16 => "latin1+utf16",
        }
    }
}

/// Where the image begins in memory.
pub const BASE: u32 = 1024;
const UTF16_TAG: u32 = 1 << 31;

/// The part of a guest's memory that is there from the beginning.
pub struct Image {
    pub bytes: Vec<u8>,
    pub encoding: Encoding,
    /// Something is wrong once in so many places; nowhere, for 0.
    pub wrong_once_in: usize,
    /// The last handle that was passed on.
    owned: u32,
}

impl Image {
    pub fn new(encoding: Encoding, wrong_once_in: usize) -> Self {
        Image { bytes: Vec::new(), encoding, wrong_once_in, owned: 3 }
    }

    fn wrong(&self, random: &mut Random) -> bool {
        random.once_in(self.wrong_once_in)
    }

    pub fn reserve(&mut self, size: u32, align: u32) -> u32 {
        let at = (BASE + self.bytes.len() as u32).next_multiple_of(align);
        self.bytes.resize((at + size - BASE) as usize, 0);
        at
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        let at = (at - BASE) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// An address, or a wrong one in its place.
    pub fn address(&mut self, at: u32, random: &mut Random) -> u32 {
        match self.wrong(random) {
            true => random.of(&[
                at + 1,
                at + 2,
                at + 4,
                MEMORY,
                MEMORY - 1,
                MEMORY - 2,
                MEMORY - 4,
                MEMORY + 1,
                1 << 31,
                u32::MAX,
                u32::MAX - 1,
                u32::MAX - 7,
                0,
            ]),
            false => at,
        }
    }

    fn length(&mut self, length: u32, random: &mut Random) -> u32 {
        match self.wrong(random) {
            true => random.of(&[
                length + 1,
                length + 1000,
                length + MEMORY,
                length | UTF16_TAG,
                UTF16_TAG - 1,
                1 << 30,
                1 << 29,
                (1 << 29) + 1,
                (1 << 28) + 3,
                u32::MAX,
                0,
            ]),
            false => length,
        }
    }

    fn discriminant(&mut self, cases: usize, random: &mut Random) -> u32 {
        match self.wrong(random) {
            true => random.of(&[cases as u32, cases as u32 + 1, 0x7f, 0x80, 0xff, 0x100, u32::MAX]),
            false => random.below(cases) as u32,
        }
    }

    fn character(&mut self, random: &mut Random) -> u32 {
        match self.wrong(random) {
            true => random.of(&[0xd800, 0xdbff, 0xdc00, 0xdfff, 0x11_0000, u32::MAX]),
            false => random.of(&[0x61, 0xe9, 0xd7ff, 0xe000, 0x1_f980, 0x10_ffff]),
        }
    }

    /// An index in the guest's table: 1 is lent, 2 of another type, 3 was dropped, and those from 4 on are
    /// passed on one by one.
    fn handle(&mut self, owned: bool, random: &mut Random) -> u32 {
        if self.wrong(random) {
            return random.of(&[0, 1, 2, 3, 4, THINGS + 1, 1000, u32::MAX]);
        }
        match owned {
            true if self.owned < THINGS => {
                self.owned += 1;
                self.owned
            }
            _ => 1,
        }
    }

    /// Puts a string into memory; returns its address and length.
    fn string(&mut self, random: &mut Random) -> (u32, u32) {
        let text = text(random);
        let utf16 = || text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let (mut bytes, length, is_utf16) = match self.encoding {
            Encoding::Utf8 => (text.clone().into_bytes(), text.len() as u32, false),
            Encoding::Utf16 => (utf16(), utf16().len() as u32 / 2, true),
            Encoding::Latin1OrUtf16 => {
                let latin1: Option<Vec<u8>> =
                    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
                match latin1.filter(|_| !random.once_in(3)) {
                    Some(latin1) => (latin1.clone(), latin1.len() as u32, false),
                    None => (utf16(), (utf16().len() as u32 / 2) | UTF16_TAG, true),
                }
            }
        };
        if !bytes.is_empty() && self.wrong(random) {
            match is_utf16 {
                true => {
                    let at = 2 * random.below(bytes.len() / 2);
                    let surrogate: u16 = random.of(&[0xd800, 0xdbff, 0xdc00, 0xdfff]);
                    bytes[at..at + 2].copy_from_slice(&surrogate.to_le_bytes());
                }
                false => {
                    let at = random.below(bytes.len());
                    bytes[at] = random.of(&[0xff, 0xc0, 0xe9, 0x80, 0xf0]);
                }
            }
        }
        let at = self.reserve(bytes.len() as u32, 2);
        self.put(at, &bytes);
        (self.address(at, random), self.length(length, random))
    }

    fn list(&mut self, element: &Ty, random: &mut Random) -> (u32, u32) {
        let length = random.below(4) as u32;
        let (size, align) = element.layout();
        let at = self.reserve(size * length, align);
        for n in 0..length {
            self.store(element, at + n * size, random);
        }
        (self.address(at, random), self.length(length, random))
    }

    fn pair(&mut self, at: u32, (address, length): (u32, u32)) {
        self.put(at, &address.to_le_bytes());
        self.put(at + 4, &length.to_le_bytes());
    }

    /// Puts fields beside each other; returns where.
    pub fn area(&mut self, fields: &[Ty], random: &mut Random) -> u32 {
        let (size, align) = area(fields);
        let at = self.reserve(size, align);
        self.store_fields(fields, at, random);
        at
    }

    fn store_fields(&mut self, fields: &[Ty], at: u32, random: &mut Random) {
        let mut end = at;
        for ty in fields {
            let (size, align) = ty.layout();
            end = end.next_multiple_of(align);
            self.store(ty, end, random);
            end += size;
        }
    }

    /// Puts a value of the type into memory.
    pub fn store(&mut self, ty: &Ty, at: u32, random: &mut Random) {
        match ty {
            Ty::Bool | Ty::Unsigned(_) | Ty::Signed(_) | Ty::Flags(_) => {
                let size = ty.layout().0 as usize;
                self.put(at, &random.next().to_le_bytes()[..size]);
            }
            Ty::Char => {
                let character = self.character(random);
                self.put(at, &character.to_le_bytes());
            }
            Ty::Own | Ty::Borrow => {
                let handle = self.handle(matches!(ty, Ty::Own), random);
                self.put(at, &handle.to_le_bytes());
            }
            Ty::String => {
                let pair = self.string(random);
                self.pair(at, pair);
            }
            Ty::List(element) => {
                let pair = self.list(element, random);
                self.pair(at, pair);
            }
            Ty::Tuple(fields) | Ty::Record(fields) => self.store_fields(fields, at, random),
            cased => {
                let cases = cased.cases().expect("a type with cases");
                let discriminant = self.discriminant(cases.len(), random);
                self.put(at, &[discriminant as u8]);
                if let Some(Some(payload)) = cases.get(discriminant as usize) {
                    self.store(payload, at + cased.payload_offset(), random);
                }
            }
        }
    }

    /// A value of the type as core values.
    pub fn flat(&mut self, ty: &Ty, random: &mut Random) -> Vec<u64> {
        match ty {
            Ty::Bool | Ty::Unsigned(_) | Ty::Signed(_) | Ty::Flags(_) => vec![random.next()],
            Ty::Char => vec![self.character(random).into()],
            Ty::Own | Ty::Borrow => vec![self.handle(matches!(ty, Ty::Own), random).into()],
            Ty::String => {
                let (address, length) = self.string(random);
                vec![address.into(), length.into()]
            }
            Ty::List(element) => {
                let (address, length) = self.list(element, random);
                vec![address.into(), length.into()]
            }
            Ty::Tuple(fields) | Ty::Record(fields) => {
                fields.iter().flat_map(|ty| self.flat(ty, random)).collect()
            }
            cased => {
                let cases = cased.cases().expect("a type with cases");
                let discriminant = self.discriminant(cases.len(), random);
                let mut values = vec![u64::from(discriminant)];
                if let Some(Some(payload)) = cases.get(discriminant as usize) {
                    values.extend(self.flat(payload, random));
                }
                // What no case uses may be anything.
                let slots = cased.flat().len();
                values.extend((values.len()..slots).map(|_| random.next()));
                values
            }
        }
    }

    /// Core values as instructions that push them.
    pub fn push(values: &[u64], types: &[Core]) -> String {
        let one = |(value, core): (&u64, &Core)| match core {
            Core::I32 => format!("(i32.const {}) ", *value as u32 as i32),
            Core::I64 => format!("(i64.const {}) ", *value as i64),
        };
        values.iter().zip(types).map(one).collect()
    }
}
