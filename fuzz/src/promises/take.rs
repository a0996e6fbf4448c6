//! Owns the promises about a log: whatever the bytes are, reader and verifier give the same answer, and a
//! take that is sealed and intact says the same when its records are written again.

use retake_chain::log::Record;
use retake_chain::{LogReader, LogWriter, ReadError, Seal, TakeState, TheaterId};
use retake_verifier::{Report, VerifyFault, verify};

/// Reads a file of these bytes to its end and verifies it. Accepted is what is sealed and intact.
pub fn read_log(bytes: &[u8]) -> bool {
    let read = read_to_end(bytes);
    match (&read, verify(bytes)) {
        (Ok(read), Ok(report)) => {
            let events = read.records.iter().filter(|record| matches!(record, Record::Event { .. })).count();
            assert_eq!((read.state, events as u64, read.bytes), (report.state, report.events, report.bytes));
            assert_eq!(read.state == TakeState::Sealed, read.seal.is_some());
            if read.state == TakeState::Sealed {
                assert_eq!(read.bytes, bytes.len() as u64, "a seal is the end");
                assert_same_when_rewritten(read, &report);
                return true;
            }
        }
        (Err(error), Err(found)) => {
            let _text = (error.to_string(), found.to_string(), found.exit_code());
            // A fault of an event's content is met before the reader gets to what is damaged after it.
            if let VerifyFault::Read(found) = &found.fault {
                assert_eq!(error.to_string(), found.to_string());
            }
        }
        (Ok(_), Err(found)) => assert!(matches!(found.fault, VerifyFault::Integrity(_)), "{found}"),
        (Err(error), Ok(report)) => panic!("verified as {report:?}, but it cannot be read: {error}"),
    }
    false
}

struct Read {
    records: Vec<Record>,
    state: TakeState,
    seal: Option<Seal>,
    bytes: u64,
}

fn read_to_end(bytes: &[u8]) -> Result<Read, ReadError> {
    let mut records = Vec::new();
    let mut reader = LogReader::open(bytes)?;
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => break,
            Err(error) => {
                assert!(matches!(reader.next_record(), Err(ReadError::Failed)), "it goes on after {error}");
                if let ReadError::Damaged { offset, event, .. } = error {
                    assert!(offset <= bytes.len() as u64 && event == reader.events(), "{error}");
                }
                return Err(error);
            }
        }
    }
    assert!(matches!(reader.next_record(), Ok(None)), "there is more after the end");
    assert!(reader.bytes() <= bytes.len() as u64);
    Ok(Read { records, state: reader.state(), seal: reader.seal().cloned(), bytes: reader.bytes() })
}

fn assert_same_when_rewritten(read: &Read, report: &Report) {
    let rewritten = rewrite(read);
    let again = read_to_end(&rewritten).expect("what the writer writes can be read");
    assert_eq!(content(&read.records), content(&again.records));
    let mut report_again = verify(&rewritten[..]).expect("what was intact is intact");
    report_again.bytes = report.bytes;
    assert_eq!(*report, report_again);
}

fn rewrite(read: &Read) -> Vec<u8> {
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    let (component, ..) = content(&read.records);
    if !component.is_empty() {
        writer.embed_actor(&component).expect("a component that was read fits");
    }
    for record in &read.records {
        match record {
            Record::Actor { .. } => {}
            Record::Chain { number, id } => {
                assert_eq!(writer.add_chain(*id).expect("so many chains were read"), *number);
            }
            Record::Event { chain, event, .. } => {
                writer.append(*chain, event).expect("the event was read and continues its chain");
            }
        }
    }
    let kind = read.seal.as_ref().expect("a sealed take has one").kind.clone();
    writer.seal_as(kind).expect("memory takes every write").0
}

type Event<'a> = (u64, u32, &'a [u8], Option<&'a [u8]>, &'a str, &'a [u8]);

/// The component, the chains and the events, without where they are in the file.
fn content(records: &[Record]) -> (Vec<u8>, Vec<TheaterId>, Vec<Event<'_>>) {
    let (mut component, mut chains, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Actor { bytes, .. } => component.extend_from_slice(bytes),
            Record::Chain { id, .. } => chains.push(*id),
            Record::Event { number, chain, event, .. } => events.push((
                *number,
                chain.0,
                event.hash.as_ref(),
                event.parent_hash.as_ref().map(AsRef::as_ref),
                &*event.event_type,
                &event.data[..],
            )),
        }
    }
    (component, chains, events)
}
