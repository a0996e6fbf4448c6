//! Owns the seeds that are components: of texts, and of worlds that are generated.

use retake_fuzz::world;

use crate::Seeds;

/// What imported interfaces declare, one component each.
const INTERFACES: [(&str, &str); 10] = [
    (
        "plain",
        r#"(export "f" (func (param "a" bool) (param "b" s8) (param "c" f64) (param "d" char) (result string)))"#,
    ),
    (
        "spilled",
        r#"(type $t (tuple u64 (list u8) (option string) (result u8 (error string))))
                   (export "f" (func (param "a" $t) (param "b" $t) (param "c" $t) (param "d" $t) (result $t)))"#,
    ),
    (
        "named",
        r#"(type $r' (record (field "a" u8) (field "b" (list f32)))) (export "r" (type $r (eq $r')))
                 (type $v' (variant (case "x") (case "y" $r))) (export "v" (type $v (eq $v')))
                 (type $e' (enum "one" "two")) (export "e" (type $e (eq $e')))
                 (type $f' (flags "read" "write")) (export "fl" (type $f (eq $f')))
                 (export "f" (func (param "v" $v) (param "e" $e) (param "f" $f) (result (list $r))))"#,
    ),
    (
        "unused-types",
        r#"(type $v' (variant (case "x") (case "y" u8))) (export "v" (type (eq $v')))
                 (type $e' (enum "one")) (export "e" (type (eq $e'))) (export "res" (type (sub resource)))
                 (export "f" (func))"#,
    ),
    (
        "resource",
        r#"(export "res" (type $res (sub resource)))
                    (export "[constructor]res" (func (param "a" u8) (result (own $res))))
                    (export "[method]res.m" (func (param "self" (borrow $res)) (result (option (own $res)))))
                    (export "[static]res.s" (func (param "a" (own $res)) (result (list (own $res)))))"#,
    ),
    (
        "lent",
        r#"(export "res" (type $res (sub resource))) (type $b (borrow $res)) (type $l (list $b))
                (type $o (option $l)) (type $t (tuple $o $l $b)) (type $w (result $t (error string)))
                (export "f" (func (param "w" $w) (param "l" (list $l))))
                (export "g" (func (param "a" $t) (param "b" $t) (param "c" $t) (param "d" $t)))"#,
    ),
    ("stream", r#"(export "f" (func (result (stream u8))))"#),
    ("async", r#"(export "f" (func async))"#),
    ("types", r#"(type $e' (enum "one")) (export "e" (type $e (eq $e')))"#),
    ("empty", ""),
];

/// Components that are more than one imported interface.
const COMPONENTS: [(&str, &str); 9] = [
    (
        "used",
        r#"(component
        (import "a:b/types@1.0.0" (instance $types (export "res" (type (sub resource)))))
        (alias export $types "res" (type $res))
        (import "a:b/user@1.0.0" (instance
            (alias outer 1 $res (type $outer)) (export "res" (type $r (eq $outer)))
            (export "f" (func (param "r" (borrow $r)) (result (own $r)))))))"#,
    ),
    ("root-function", r#"(component (import "f" (func (param "a" u8))))"#),
    ("inline", r#"(component (import "inline" (instance (export "f" (func (param "p" (list u8)))))))"#),
    (
        "inline-types",
        r#"(component (import "inline" (instance
            (type $r' (record (field "a" u8))) (export "r" (type $r (eq $r'))) (export "f" (func (param "p" $r))))))"#,
    ),
    ("root-type", r#"(component (import "t" (type (sub resource))))"#),
    ("nothing", "(component)"),
    (
        "own-package",
        r#"(component
        (import "a:b/c" (instance (export "f" (func))))
        (import "retake:boundary/tap" (instance (export "f" (func)))))"#,
    ),
    ("no-wit-function", r#"(component (import "a:b/c" (func)))"#),
    (
        "no-wit-method",
        r#"(component
        (import "a:b/c" (instance $i (export "res" (type (sub resource)))))
        (alias export $i "res" (type $res))
        (import "a:b/d" (instance (alias outer 1 $res (type $outer)) (export "res" (type $r (eq $outer)))
            (export "[method]res.m" (func (param "self" (borrow $r)))))))"#,
    ),
];

/// The texts as binaries, components whose imports have every type, and what is refused.
pub fn seeds(texts: Seeds) -> Seeds {
    let interface = |(name, declared): (&str, &str)| {
        (name.into(), format!(r#"(component (import "a:b/c@1.0.0" (instance {declared})))"#).into_bytes())
    };
    let component = |(name, text): (&str, &str)| (name.into(), text.into());
    let texts = texts.into_iter().chain(INTERFACES.map(interface)).chain(COMPONENTS.map(component));
    texts
        .map(|(name, text)| {
            let binary = wat::parse_bytes(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, binary.into_owned())
        })
        .chain([
            ("text".into(), b"(component)".to_vec()),
            ("magic".into(), b"\0asm".to_vec()),
            ("long-section".into(), b"\0asm\x0d\0\x01\0\x07\xff\xff\xff\xff\x05\x01\x42".to_vec()),
        ])
        .chain(generated())
        .collect()
}

/// Small components of worlds that are generated out of a plain generator of random numbers.
fn generated() -> Seeds {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let worlds = (0..200).flat_map(|_| {
        let bytes: Vec<u8> = (0..1500).map(|_| byte()).collect();
        world::components(&bytes).unwrap_or_default()
    });
    let small = worlds.filter(|component| (1000..6000).contains(&component.len())).take(12);
    small.zip(0..).map(|(component, number)| (format!("world-{number:02}"), component)).collect()
}
