//! Owns the types that pass between a generated guest and its host: their text, their layout and their
//! values.

use retake_chain::Value;

use super::Random;

/// A type of the component model.
#[derive(Clone, Debug)]
pub enum Ty {
    Bool,
    /// An unsigned integer of so many bytes.
    Unsigned(u32),
    /// A signed integer of so many bytes.
    Signed(u32),
    Char,
    String,
    List(Box<Ty>),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Tuple(Vec<Ty>),
    Record(Vec<Ty>),
    Variant(Vec<Option<Ty>>),
    Enum(usize),
    Flags(usize),
    /// An owned handle of the resource `thing`.
    Own,
    /// A borrowed one.
    Borrow,
}

/// Which handles may be in a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Handles {
    None,
    Own,
    OwnAndBorrow,
}

/// A core type; floats break nothing, so there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    I32,
    I64,
}

impl Core {
    pub fn text(self) -> &'static str {
        match self {
            Core::I32 => "i32",
            Core::I64 => "i64",
        }
    }
}

const CASES: usize = 4;

impl Ty {
    pub fn random(random: &mut Random, depth: usize, handles: Handles) -> Ty {
        let simple = |random: &mut Random| match random.below(11) {
            0 => Ty::Bool,
            1 => Ty::Unsigned(random.of(&[1, 2, 4, 8])),
            2 => Ty::Signed(random.of(&[1, 2, 4, 8])),
            3 => Ty::Char,
            4 => Ty::Enum(1 + random.below(5)),
            5 => Ty::Flags(random.of(&[1, 7, 9, 17, 32])),
            6 if handles == Handles::OwnAndBorrow => random.of(&[Ty::Own, Ty::Borrow]),
            6 if handles == Handles::Own => Ty::Own,
            _ => Ty::String,
        };
        if depth == 0 {
            return simple(random);
        }
        let inner = |random: &mut Random| Ty::random(random, depth - 1, handles);
        let boxed = |random: &mut Random| Box::new(inner(random));
        let maybe = |random: &mut Random| (!random.once_in(3)).then(|| boxed(random));
        match random.below(9) {
            0 | 1 => Ty::List(boxed(random)),
            2 => Ty::Option(boxed(random)),
            3 => Ty::Result(maybe(random), maybe(random)),
            4 => Ty::Tuple((0..1 + random.below(4)).map(|_| inner(random)).collect()),
            5 => Ty::Record((0..1 + random.below(4)).map(|_| inner(random)).collect()),
            6 => {
                let payload = |random: &mut Random| (!random.once_in(3)).then(|| inner(random));
                Ty::Variant((0..1 + random.below(CASES)).map(|_| payload(random)).collect())
            }
            _ => simple(random),
        }
    }

    /// Its cases, with their payloads, if it has any.
    pub fn cases(&self) -> Option<Vec<Option<&Ty>>> {
        Some(match self {
            Ty::Option(some) => vec![None, Some(&**some)],
            Ty::Result(ok, err) => vec![ok.as_deref(), err.as_deref()],
            Ty::Variant(cases) => cases.iter().map(Option::as_ref).collect(),
            Ty::Enum(cases) => vec![None; *cases],
            _ => return None,
        })
    }

    /// Size and alignment in memory.
    pub fn layout(&self) -> (u32, u32) {
        match self {
            Ty::Bool => (1, 1),
            Ty::Unsigned(size) | Ty::Signed(size) => (*size, *size),
            Ty::Char | Ty::Own | Ty::Borrow => (4, 4),
            Ty::String | Ty::List(_) => (8, 4),
            Ty::Flags(1..=8) => (1, 1),
            Ty::Flags(9..=16) => (2, 2),
            Ty::Flags(_) => (4, 4),
            Ty::Tuple(fields) | Ty::Record(fields) => area(fields),
            cased => {
                let cases = cased.cases().expect("a type with cases");
                let payloads = cases.iter().flatten().map(|ty| ty.layout());
                let (size, align) =
                    payloads.fold((0, 1), |(size, align), (s, a)| (size.max(s), align.max(a)));
                let offset = 1u32.next_multiple_of(align);
                ((offset + size).next_multiple_of(align), align)
            }
        }
    }

    /// Where the payload of a type with cases is.
    pub fn payload_offset(&self) -> u32 {
        let cases = self.cases().expect("a type with cases");
        cases.iter().flatten().map(|ty| ty.layout().1).max().unwrap_or(1)
    }

    /// The core values that it is passed as.
    pub fn flat(&self) -> Vec<Core> {
        match self {
            Ty::Unsigned(8) | Ty::Signed(8) => vec![Core::I64],
            Ty::String | Ty::List(_) => vec![Core::I32; 2],
            Ty::Tuple(fields) | Ty::Record(fields) => fields.iter().flat_map(Ty::flat).collect(),
            _ => match self.cases() {
                None => vec![Core::I32],
                Some(cases) => {
                    let mut joined: Vec<Core> = Vec::new();
                    for payload in cases.into_iter().flatten() {
                        for (index, core) in payload.flat().into_iter().enumerate() {
                            match joined.get_mut(index) {
                                None => joined.push(core),
                                Some(slot) if *slot != core => *slot = Core::I64,
                                Some(_) => {}
                            }
                        }
                    }
                    [vec![Core::I32], joined].concat()
                }
            },
        }
    }

    /// A value of it, with at most a few elements. Handles are host's representations from `rep` on.
    pub fn value(&self, random: &mut Random, rep: &mut u32) -> Value {
        match self {
            Ty::Bool => Value::Bool(random.once_in(2)),
            Ty::Unsigned(size) => Value::Unsigned(random.next() >> (64 - 8 * size)),
            Ty::Signed(size) => Value::from(random.next() as i64 >> (64 - 8 * size)),
            Ty::Char => Value::String(random.of(&['a', 'é', '語', '🦀']).to_string()),
            Ty::String => Value::String(text(random)),
            Ty::List(element) if matches!(**element, Ty::Unsigned(1)) => {
                Value::from((0..random.below(5)).map(|_| random.next() as u8).collect::<Vec<u8>>())
            }
            Ty::List(element) => {
                Value::List((0..random.below(4)).map(|_| element.value(random, rep)).collect())
            }
            Ty::Option(some) => match random.once_in(3) {
                true => Value::None,
                false => Value::List(vec![some.value(random, rep)]),
            },
            Ty::Result(ok, err) => {
                let (name, payload) = random.of(&[("ok", ok), ("err", err)]);
                Value::case(name, payload.as_ref().map(|ty| ty.value(random, rep)))
            }
            Ty::Tuple(fields) => Value::List(fields.iter().map(|ty| ty.value(random, rep)).collect()),
            Ty::Record(fields) => {
                let fields = fields.iter().enumerate();
                Value::record(
                    fields.map(|(n, ty)| (format!("f{n}"), ty.value(random, rep))).collect::<Vec<_>>(),
                )
            }
            Ty::Variant(cases) => {
                let n = random.below(cases.len());
                Value::case(&format!("c{n}"), cases[n].as_ref().map(|ty| ty.value(random, rep)))
            }
            Ty::Enum(cases) => Value::case(&format!("c{}", random.below(*cases)), None),
            Ty::Flags(names) => {
                let set = (0..*names).filter(|_| random.once_in(2));
                Value::List(set.map(|n| Value::String(format!("n{n}"))).collect())
            }
            Ty::Own | Ty::Borrow => {
                *rep += 1;
                Value::Handle(*rep)
            }
        }
    }
}

/// Text that has characters of every length in every encoding.
pub fn text(random: &mut Random) -> String {
    (0..random.below(6)).map(|_| random.of(&['a', 'z', 'é', 'ÿ', '語', '🦀'])).collect()
}

/// Size and alignment of fields beside each other.
pub fn area(fields: &[Ty]) -> (u32, u32) {
    let align = fields.iter().map(|ty| ty.layout().1).max().unwrap_or(1);
    let end = fields.iter().fold(0u32, |end, ty| {
        let (size, align) = ty.layout();
        end.next_multiple_of(align) + size
    });
    (end.next_multiple_of(align), align)
}

/// The declarations of named types, as an interface has them.
#[derive(Default)]
pub struct Declarations {
    pub text: String,
    pub count: usize,
}

impl Declarations {
    /// The text by which a type is referred to; named ones are declared.
    pub fn name(&mut self, ty: &Ty) -> String {
        let plain = |name: &str| name.to_string();
        match ty {
            Ty::Bool => plain("bool"),
            Ty::Unsigned(size) => format!("u{}", 8 * size),
            Ty::Signed(size) => format!("s{}", 8 * size),
            Ty::Char => plain("char"),
            Ty::String => plain("string"),
            Ty::Own => plain("(own $thing)"),
            Ty::Borrow => plain("(borrow $thing)"),
            Ty::List(element) => format!("(list {})", self.name(element)),
            Ty::Option(some) => format!("(option {})", self.name(some)),
            Ty::Result(ok, err) => {
                let ok = ok.as_ref().map_or(String::new(), |ty| format!(" {}", self.name(ty)));
                let err = err.as_ref().map_or(String::new(), |ty| format!(" (error {})", self.name(ty)));
                format!("(result{ok}{err})")
            }
            Ty::Tuple(fields) => {
                let fields: Vec<String> = fields.iter().map(|ty| self.name(ty)).collect();
                format!("(tuple {})", fields.join(" "))
            }
            Ty::Record(fields) => {
                let fields = fields.iter().enumerate();
                let fields: Vec<String> =
                    fields.map(|(n, ty)| format!("(field \"f{n}\" {})", self.name(ty))).collect();
                self.declare(&format!("(record {})", fields.join(" ")))
            }
            Ty::Variant(cases) => {
                let cases = cases.iter().enumerate();
                let payload = |names: &mut Self, ty: &Option<Ty>| {
                    ty.as_ref().map_or(String::new(), |ty| format!(" {}", names.name(ty)))
                };
                let cases: Vec<String> =
                    cases.map(|(n, ty)| format!("(case \"c{n}\"{})", payload(self, ty))).collect();
                self.declare(&format!("(variant {})", cases.join(" ")))
            }
            Ty::Enum(cases) => {
                let cases: Vec<String> = (0..*cases).map(|n| format!("\"c{n}\"")).collect();
                self.declare(&format!("(enum {})", cases.join(" ")))
            }
            Ty::Flags(names) => {
                let names: Vec<String> = (0..*names).map(|n| format!("\"n{n}\"")).collect();
                self.declare(&format!("(flags {})", names.join(" ")))
            }
        }
    }

    fn declare(&mut self, definition: &str) -> String {
        let n = self.count;
        self.count += 1;
        self.text += &format!("(type $d{n} {definition}) (export \"t{n}\" (type $t{n} (eq $d{n})))\n");
        format!("$t{n}")
    }
}
