//! Owns the text of a generated guest: a component with an export `go` that calls its host, and breaks what
//! it is told to.

use super::image::{BASE, Encoding, Image};
use super::types::{Core, Declarations, Handles, Ty};
use super::{MEMORY_PAGES, Random, THINGS};

/// What a guest does wrong in its own code, and no host or adapter has to find out.
#[derive(Clone, Copy, Debug)]
pub struct Misdeed {
    pub name: &'static str,
    /// Instructions without a result, with what every module has at hand.
    pub code: &'static str,
}

const fn misdeed(name: &'static str, code: &'static str) -> Misdeed {
    Misdeed { name, code }
}

impl Misdeed {
    /// What ends the guest wherever it is done.
    pub const ANYWHERE: &[Misdeed] = &[
        misdeed("unreachable", "unreachable"),
        misdeed("recursion", "(drop (call $deep (i64.const 1)))"),
        misdeed("memory", "(drop (i32.load (i32.const -4)))"),
        misdeed("table", "(call_indirect (type $void) (i32.const 100))"),
        misdeed("null element", "(call_indirect (type $void) (i32.const 0))"),
        misdeed("element of another type", "(call_indirect (type $void) (i32.const 1))"),
        misdeed("overflow", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"),
        misdeed("division", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        misdeed("conversion", "(drop (i32.trunc_f32_s (f32.const nan)))"),
        misdeed("null reference", "(call_ref $void (ref.null $void))"),
        misdeed("array", "(drop (array.get $array (array.new_default $array (i32.const 1)) (i32.const 5)))"),
        misdeed("cast", "(drop (ref.cast (ref $array) (ref.i31 (i32.const 1))))"),
        misdeed("allocation", "(drop (array.new_default $array (i32.const -1)))"),
        misdeed("exception", "(throw $oops)"),
    ];
    /// What may not be done while the host puts something into memory, or after a return.
    pub const LEAVE: Misdeed = misdeed("leave", "(call $poke)");
    /// What `realloc` returns wrongly: `$at` is what it should.
    pub const REALLOC: &[Misdeed] = &[
        misdeed("unaligned", "(return (i32.add (local.get $at) (i32.const 1)))"),
        misdeed("unaligned by two", "(return (i32.add (local.get $at) (i32.const 2)))"),
        misdeed("end of memory", "(return (i32.const 131072))"),
        misdeed("beyond memory", "(return (i32.const -8))"),
        misdeed("last bytes", "(return (i32.const 131064))"),
        misdeed("last byte", "(return (i32.const 131071))"),
    ];
}

/// What every core module of a guest has.
const TYPES: &str = r#"
    (type $void (func))
    (type $array (array (mut i64)))
    (import "h" "poke" (func $poke))
"#;
const PRELUDE: &str = r#"
    (table $table 2 2 funcref)
    (tag $oops)
    (elem (table $table) (i32.const 1) func $deep)
    (func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
"#;

/// The types that pass between guest and host.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Parameters of the import `take`.
    pub take: Vec<Ty>,
    /// The result of the import `give`.
    pub give: Option<Ty>,
    /// The parameter of the export.
    pub param: Option<Ty>,
    /// Its result.
    pub result: Option<Ty>,
}

/// A guest, as text and as what happens in it.
#[derive(Clone, Debug)]
pub struct Guest {
    pub passed: Passed,
    pub encoding: Encoding,
    /// Memory at `BASE`.
    pub image: Vec<u8>,
    /// Instructions that push the arguments of `take`.
    pub arguments: String,
    /// Where `give` is to put a result that goes to memory.
    pub result_area: u32,
    /// Instructions that push the export's result.
    pub result: String,
    /// The handles that are dropped at the end.
    pub drops: Vec<u32>,
    /// What is done wrong, and where.
    pub in_code: Option<Misdeed>,
    /// The same in the so many-th call of `realloc`, from 0.
    pub in_realloc: Option<(u32, Misdeed)>,
    pub in_post_return: Option<Misdeed>,
    pub in_start: Option<Misdeed>,
    /// More of the main module.
    pub more: String,
}

impl Guest {
    /// A guest that does nothing wrong in what it passes but what the image has.
    pub fn of(passed: Passed, mut image: Image, random: &mut Random) -> Guest {
        let flat: Vec<Core> = passed.take.iter().flat_map(Ty::flat).collect();
        let arguments = if flat.len() > 16 {
            let at = image.area(&passed.take, random);
            let at = image.address(at, random);
            Image::push(&[at.into()], &[Core::I32])
        } else {
            let values: Vec<u64> = passed.take.iter().flat_map(|ty| image.flat(ty, random)).collect();
            Image::push(&values, &flat)
        };
        let (size, align) = passed.give.as_ref().map_or((0, 1), Ty::layout);
        let result_area = image.reserve(size, align);
        let result_area = image.address(result_area, random);
        let result = match &passed.result {
            None => String::new(),
            Some(ty) if ty.flat().len() > 1 => {
                let at = image.area(std::slice::from_ref(ty), random);
                let at = image.address(at, random);
                Image::push(&[at.into()], &[Core::I32])
            }
            Some(ty) => Image::push(&image.flat(ty, random), &ty.flat()),
        };
        Guest {
            passed,
            encoding: image.encoding,
            image: image.bytes,
            arguments,
            result_area,
            result,
            drops: Vec::new(),
            in_code: None,
            in_realloc: None,
            in_post_return: None,
            in_start: None,
            more: String::new(),
        }
    }

    /// The guest of a seed: random types, values and misdeeds.
    pub fn random(random: &mut Random) -> Guest {
        let encoding = random.of(&Encoding::ALL);
        let wrong_once_in = random.of(&[0, 4, 8, 16, 40]);
        let params = random.below(4) * random.of(&[1, 1, 3]);
        let passed = Passed {
            take: (0..params).map(|_| Ty::random(random, 3, Handles::OwnAndBorrow)).collect(),
            give: (!random.once_in(4)).then(|| Ty::random(random, 3, Handles::Own)),
            param: random.once_in(3).then(|| Ty::random(random, 2, Handles::None)),
            result: (!random.once_in(4)).then(|| Ty::random(random, 3, Handles::None)),
        };
        let mut guest = Guest::of(passed, Image::new(encoding, wrong_once_in), random);
        if random.once_in(3) {
            guest.drops =
                (0..1 + random.below(2)).map(|_| random.of(&[1, 1, 2, 3, 4, THINGS, THINGS + 1])).collect();
        }
        let anything = |random: &mut Random| match random.once_in(5) {
            true => Misdeed::LEAVE,
            false => random.of(Misdeed::ANYWHERE),
        };
        if random.once_in(3) {
            let misdeed = match random.once_in(2) {
                true => random.of(Misdeed::REALLOC),
                false => anything(random),
            };
            guest.in_realloc = Some((random.below(4) as u32, misdeed));
        }
        if random.once_in(6) {
            guest.in_post_return = Some(anything(random));
        }
        if random.once_in(12) {
            guest.in_start = Some(random.of(Misdeed::ANYWHERE));
        }
        if random.once_in(12) {
            guest.in_code = Some(random.of(Misdeed::ANYWHERE));
        }
        guest
    }

    /// The component.
    pub fn text(&self) -> String {
        let mut names = Declarations::default();
        let params: String = (0..)
            .zip(&self.passed.take)
            .map(|(n, ty): (u32, _)| format!(" (param \"p{n}\" {})", names.name(ty)))
            .collect();
        let given = self.passed.give.as_ref().map_or(String::new(), |ty| result(&names.name(ty)));
        // What an export uses has a name of its own at the root.
        let mut at_root = |ty: &Ty| names.name(ty).replace("$t", "$x");
        let param = self.passed.param.as_ref();
        let param = param.map_or(String::new(), |ty| format!(" (param \"p\" {})", at_root(ty)));
        let returned = self.passed.result.as_ref().map_or(String::new(), |ty| result(&at_root(ty)));
        let aliases: String = (0..names.count)
            .map(|n| {
                format!(
                    "(alias export $host \"t{n}\" (type $t{n}))\n(import \"t{n}\" (type $x{n} (eq $t{n})))\n"
                )
            })
            .collect();
        let encoding = format!("string-encoding={}", self.encoding.text());
        let in_memory = format!("(memory $memory) (realloc $realloc) {encoding}");
        let post = match self.in_post_return {
            Some(_) => "(post-return (core func $main \"post\"))",
            None => "",
        };
        format!(
            r#"(component
    (import "retake:abuse/host" (instance $host
        (export "thing" (type $thing (sub resource)))
        (export "other" (type $other (sub resource)))
        (export "make" (func (result (own $thing))))
        (export "make-other" (func (result (own $other))))
        (export "poke" (func))
        {declared}
        (export "take" (func{params}))
        (export "give" (func{given}))))
    (alias export $host "thing" (type $thing))
    (alias export $host "other" (type $other))
    {aliases}
    (core func $poke (canon lower (func $host "poke")))
    (core module $libc {libc})
    (core instance $libc (instantiate $libc (with "h" (instance (export "poke" (func $poke))))))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (core func $make (canon lower (func $host "make")))
    (core func $make-other (canon lower (func $host "make-other")))
    (core func $drop (canon resource.drop $thing))
    (core func $take (canon lower (func $host "take") {in_memory}))
    (core func $give (canon lower (func $host "give") {in_memory}))
    (core module $main {main})
    (core instance $main (instantiate $main (with "h" (instance
        (export "poke" (func $poke)) (export "make" (func $make)) (export "make-other" (func $make-other))
        (export "drop" (func $drop)) (export "take" (func $take)) (export "give" (func $give))
        (export "memory" (memory $memory))))))
    (func $go{param}{returned} (canon lift (core func $main "go") {in_memory} {post}))
    (export "go" (func $go)))"#,
            declared = names.text,
            libc = self.libc(),
            main = self.main(),
        )
    }

    fn libc(&self) -> String {
        let data: String = self.image.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let (call, misdeed) = self.in_realloc.map_or((u32::MAX, ""), |(call, misdeed)| (call, misdeed.code));
        format!(
            r#"{TYPES} {PRELUDE}
        (memory (export "memory") {MEMORY_PAGES} {MEMORY_PAGES})
        (data (i32.const {BASE}) "{data}")
        (global $heap (mut i32) (i32.const 65536))
        (global $calls (mut i32) (i32.const 0))
        (func (export "realloc") (param $old i32) (param $was i32) (param $align i32) (param $size i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and
                (i32.sub (i32.add (global.get $heap) (local.get $align)) (i32.const 1))
                (i32.sub (i32.const 0) (local.get $align))))
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.eq (global.get $calls) (i32.const {}))
                (then {misdeed}))
            (global.set $heap (i32.add (local.get $at) (local.get $size)))
            (memory.copy (local.get $at) (local.get $old)
                (select (local.get $was) (local.get $size) (i32.lt_u (local.get $was) (local.get $size))))
            (local.get $at))"#,
            call.wrapping_add(1) as i32,
        )
    }

    fn main(&self) -> String {
        let core = |types: &[Core]| types.iter().map(|core| core.text()).collect::<Vec<_>>().join(" ");
        let spilled = |types: Vec<Core>| if types.len() > 16 { vec![Core::I32] } else { types };
        let take = spilled(self.passed.take.iter().flat_map(Ty::flat).collect());
        let give = self.passed.give.as_ref().map_or(Vec::new(), Ty::flat);
        let (give_type, give_call) = match give.len() {
            0 => (String::new(), "(call $give)".to_string()),
            1 => (format!("(result {})", core(&give)), "(drop (call $give))".to_string()),
            _ => ("(param i32)".to_string(), format!("(call $give (i32.const {}))", self.result_area as i32)),
        };
        let params = spilled(self.passed.param.as_ref().map_or(Vec::new(), Ty::flat));
        let returned = self.passed.result.as_ref().map_or(Vec::new(), Ty::flat);
        let returned = if returned.len() > 1 { vec![Core::I32] } else { returned };
        let code = |misdeed: &Option<Misdeed>| misdeed.map_or("", |misdeed| misdeed.code);
        let drops: String =
            self.drops.iter().map(|handle| format!("(call $drop (i32.const {handle})) ")).collect();
        let start = match &self.in_start {
            Some(misdeed) => format!("(func $begin {}) (start $begin)", misdeed.code),
            None => String::new(),
        };
        format!(
            r#"{TYPES}
        (import "h" "memory" (memory {MEMORY_PAGES}))
        (import "h" "make" (func $make (result i32)))
        (import "h" "make-other" (func $make-other (result i32)))
        (import "h" "drop" (func $drop (param i32)))
        (import "h" "take" (func $take (param {take})))
        (import "h" "give" (func $give {give_type}))
        {PRELUDE}
        {more}
        {start}
        (func (export "go") (param {params}) (result {returned})
            (local $n i32)
            ;; 1 is a thing, 2 of another type, 3 was a thing, and 4 to THINGS are some.
            (drop (call $make)) (drop (call $make-other)) (local.set $n (i32.const 3))
            (loop $more
                (drop (call $make)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $more (i32.le_u (local.get $n) (i32.const {THINGS}))))
            (call $drop (i32.const 3))
            {in_code}
            {give_call}
            {arguments} (call $take)
            {drops}
            {result})
        (func (export "post") (param {returned}) {in_post})"#,
            take = core(&take),
            more = self.more,
            params = core(&params),
            returned = core(&returned),
            in_code = code(&self.in_code),
            arguments = self.arguments,
            result = self.result,
            in_post = code(&self.in_post_return),
        )
    }
}

fn result(ty: &str) -> String {
    format!(" (result {ty})")
}
