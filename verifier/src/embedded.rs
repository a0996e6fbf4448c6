//! Owns the check of the embedded component: its pieces join without a gap, and every genesis names it.

use retake_chain::{ContentHasher, ContentRef};

use crate::integrity_error::{EventFault, IntegrityError};

/// What was read of the component that a take is of.
#[derive(Debug, Default)]
pub(crate) struct EmbeddedComponent {
    pieces: Pieces,
    /// What the first genesis named.
    named: Option<ContentRef>,
}

#[derive(Debug, Default)]
enum Pieces {
    #[default]
    None,
    Some {
        hasher: ContentHasher,
        seen: u64,
        total: u64,
    },
    All(ContentRef),
}

impl EmbeddedComponent {
    /// Takes the next piece: where it starts, how long the component is, and its bytes.
    pub fn piece(&mut self, offset: u64, piece_total: u64, bytes: &[u8]) -> Result<(), IntegrityError> {
        let (mut hasher, seen, total) = match std::mem::take(&mut self.pieces) {
            Pieces::None => (ContentHasher::new(), 0, piece_total),
            Pieces::Some { hasher, seen, total } => (hasher, seen, total),
            Pieces::All(_) => {
                return Err(IntegrityError::EmbeddedIncomplete { seen: offset, total: piece_total });
            }
        };
        let next = offset.saturating_add(bytes.len() as u64);
        if offset != seen || piece_total != total || next > total {
            return Err(IntegrityError::EmbeddedIncomplete { seen, total });
        }
        hasher.update(bytes);
        self.pieces = if next == total {
            Pieces::All(hasher.finish())
        } else {
            Pieces::Some { hasher, seen: next, total }
        };
        Ok(())
    }

    /// Checks that no piece is missing, now that another record follows.
    pub fn check_not_cut(&self) -> Result<(), IntegrityError> {
        match self.pieces {
            Pieces::Some { seen, total, .. } => Err(IntegrityError::EmbeddedIncomplete { seen, total }),
            Pieces::None | Pieces::All(_) => Ok(()),
        }
    }

    /// Checks the component that a genesis names: all chains name the same one, and it is the embedded one.
    pub fn check_named(&mut self, found: ContentRef) -> Result<(), EventFault> {
        let other = match (&self.pieces, self.named) {
            (Pieces::All(digest), _) => Some(("the embedded one", *digest)),
            (Pieces::None | Pieces::Some { .. }, Some(digest)) => Some(("that of another chain", digest)),
            (Pieces::None | Pieces::Some { .. }, None) => None,
        };
        if let Some((whose, expected)) = other
            && expected != found
        {
            return Err(EventFault::GenesisComponent { whose, expected, found });
        }
        self.named = Some(found);
        Ok(())
    }

    /// Whether all of the component is in the take.
    pub fn is_embedded(&self) -> bool {
        matches!(self.pieces, Pieces::All(_))
    }

    /// The digest that every genesis names.
    pub fn named(&self) -> Option<ContentRef> {
        self.named
    }
}
