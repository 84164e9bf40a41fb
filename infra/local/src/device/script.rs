//! Replies that a test or a person prescribes.

use std::collections::{BTreeMap, VecDeque};

use plist::{Dictionary, Value};
use shared::protocol::report::{ErrorChainItem, Status};

/// How a device replies to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It did it; with these keys.
    Acknowledge(Dictionary),
    /// It cannot at present.
    NotNow,
    /// It tried and failed, for these reasons.
    Error(Vec<ErrorChainItem>),
    /// It does not understand the command.
    FormatError,
}

impl Reply {
    /// What the report says, and its keys.
    pub(super) fn into_report(self) -> (Status, Dictionary) {
        match self {
            Self::Acknowledge(keys) => (Status::Acknowledged, keys),
            Self::NotNow => (Status::NotNow, Dictionary::new()),
            Self::FormatError => (Status::CommandFormatError, Dictionary::new()),
            Self::Error(chain) => {
                let chain = chain.into_iter().map(|item| Value::Dictionary(error(item))).collect();
                (Status::Error, super::dictionary([("ErrorChain", Value::Array(chain))]))
            }
        }
    }
}

fn error(item: ErrorChainItem) -> Dictionary {
    let texts = [
        ("ErrorDomain", item.domain),
        ("LocalizedDescription", item.localized_description),
        ("USEnglishDescription", item.us_english_description),
    ];
    let code = item.code.map(|code| ("ErrorCode".to_owned(), Value::from(code)));
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text?))));
    code.into_iter().chain(texts).collect()
}

/// The replies still to come, by RequestType.
#[derive(Default)]
pub(super) struct Script(BTreeMap<String, VecDeque<Reply>>);

impl Script {
    pub(super) fn add(&mut self, request_type: &str, reply: Reply) {
        self.0.entry(request_type.to_owned()).or_default().push_back(reply);
    }

    pub(super) fn take(&mut self, request_type: &str) -> Option<Reply> {
        self.0.get_mut(request_type).and_then(VecDeque::pop_front)
    }
}
