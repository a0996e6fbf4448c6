//! Whatever a world declares and whatever values cross it: what is recorded is what wasmtime's public `Val`
//! gives the host, and the original replays from it to the same end. `RETAKE_WORLDS` is the number of worlds.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use retake_actor::abi::map_handles;
use retake_chain::{Outcome, Value};
use wit_component::StringEncoding;

use crate::common::guest::encoded_echo;
use crate::common::session::{Session, rep};
use crate::types::{Declarations, Ty, any_type, value_of};

/// A function, and what passes in one call of it.
#[derive(Clone, Debug)]
struct Call {
    params: Vec<Ty>,
    result: Option<Ty>,
    arguments: Vec<Value>,
    answer: Option<Value>,
}

/// The functions of each imported interface, called in order.
#[derive(Clone, Debug)]
struct Case {
    interfaces: Vec<Vec<Call>>,
    encoding: StringEncoding,
}

fn any_call() -> impl Strategy<Value = Call> {
    let params = vec(any_type(&["own<cell>", "borrow<cell>"]), 0..6);
    (params, prop::option::weighted(0.9, any_type(&["own<cell>"]))).prop_flat_map(|(params, result)| {
        let arguments: Vec<_> = params.iter().map(value_of).collect();
        let answer: Vec<_> = result.iter().map(value_of).collect();
        (Just(params), Just(result), arguments, answer).prop_map(|(params, result, arguments, answer)| Call {
            params,
            result,
            arguments,
            answer: answer.into_iter().next(),
        })
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    let encodings = [StringEncoding::UTF8, StringEncoding::UTF16, StringEncoding::CompactUTF16];
    let interfaces = vec(vec(any_call(), 1..4), 1..4);
    (interfaces, prop::sample::select(encodings.to_vec())).prop_map(|(mut interfaces, encoding)| {
        let calls = interfaces.iter_mut().flatten();
        number_handles(calls.flat_map(|call| call.arguments.iter_mut().chain(&mut call.answer)));
        Case { interfaces, encoding }
    })
}

/// Makes each handle one that has not been there.
fn number_handles<'a>(values: impl Iterator<Item = &'a mut Value>) {
    let mut count = 0;
    for value in values {
        let fresh = |_| {
            count += 1;
            match rep(count) {
                Value::Handle(rep) => Ok::<_, ()>(rep),
                other => unreachable!("{other:?}"),
            }
        };
        map_handles(value, &mut { fresh }).unwrap();
    }
}

impl Case {
    /// The world: the first interface owns the resource, and the others use it.
    fn wit(&self) -> String {
        let mut declarations = Declarations::default();
        let (mut wit, mut guest) = (String::from("package retake:test;\n"), String::new());
        for (index, calls) in self.interfaces.iter().enumerate() {
            let mut functions = String::new();
            for (number, call) in calls.iter().enumerate() {
                let params = (0..).zip(&call.params);
                let params: Vec<String> =
                    params.map(|(index, ty)| format!("p{index}: {}", declarations.name(ty))).collect();
                let result = call.result.as_ref();
                let result = result.map_or(String::new(), |ty| format!("-> {}", declarations.name(ty)));
                functions += &format!("f{index}x{number}: func({}) {result};\n", params.join(", "));
            }
            let declared = std::mem::take(&mut declarations.text) + &functions;
            let cell = if index == 0 { "resource cell;" } else { "use i0.{cell};" };
            wit += &format!("interface i{index} {{ {cell}\n{declared} }}\n");
            guest += &declared.replace("borrow<", "own<");
        }
        let imports: String = (0..self.interfaces.len()).map(|index| format!("import i{index}; ")).collect();
        wit + &format!(
            "interface guest {{ use i0.{{cell}};\n{guest} }}\nworld actor {{ {imports} export guest; }}"
        )
    }

    fn session(&self) -> Session {
        let mut session = Session::of(encoded_echo(&self.wit(), self.encoding));
        for (index, calls) in self.interfaces.iter().enumerate() {
            for (number, call) in calls.iter().enumerate() {
                session = session.call(&format!("f{index}x{number}"), call.arguments.clone());
                session = session.answer(call.answer.clone());
            }
        }
        session
    }
}

fn cases() -> u32 {
    let given = std::env::var("RETAKE_WORLDS").ok();
    given.map_or(24, |given| given.parse().expect("RETAKE_WORLDS is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        rng_seed: RngSeed::Fixed(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_world_is_recorded_as_the_host_sees_it_and_replays(case in any_case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let recorded = runtime.block_on(case.session().record_and_replay());

        let calls: Vec<&Call> = case.interfaces.iter().flatten().collect();
        prop_assert_eq!(recorded.outcomes.len(), calls.len());
        for (call, outcome) in recorded.host_calls.iter().zip(&recorded.outcomes) {
            prop_assert_eq!(&call.output, outcome, "the guest passes on what it gets");
        }
        for (call, (_, seen)) in calls.iter().zip(&recorded.seen) {
            prop_assert_eq!(seen, &call.arguments);
        }
        let returned = recorded.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Returned(_)));
        prop_assert_eq!(returned.count(), calls.len());
    }
}
