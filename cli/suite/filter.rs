//! Owns [`Filter`]: a `--filter` value.

use std::str::FromStr;

use regex::Regex;

/// What a name must contain: a text, or a match of `/a regular expression/`.
#[derive(Clone, Debug)]
pub struct Filter {
    pub text: String,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Substring,
    Regex(Box<Regex>),
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let pattern = match inner {
            Some(regex) => {
                let regex = Regex::new(regex)
                    .map_err(|error| format!("`{text}` is not a regular expression: {error}"))?;
                Pattern::Regex(Box::new(regex))
            }
            None => Pattern::Substring,
        };
        Ok(Filter { text: text.into(), pattern })
    }
}

impl Filter {
    pub fn matches(&self, name: &str) -> bool {
        match &self.pattern {
            Pattern::Substring => name.contains(&self.text),
            Pattern::Regex(regex) => regex.is_match(name),
        }
    }
}
