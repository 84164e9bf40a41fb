//! What is asked of a log: a month, a page, a filter.

use serde::Deserialize;
use shared::domain::log::{LogFilter, month};
use shared::error::Result;
use shared::state::AppState;
use shared::time::Timestamp;
use utoipa::IntoParams;

/// Entries on one page.
pub(crate) const PAGE: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// The month, `YYYY-MM` in UTC; the present one unless given.
    #[serde(default)]
    pub(crate) month: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub(crate) after: Option<String>,
    /// Only what this actor did, such as `token:<id>`.
    #[serde(default)]
    pub(crate) actor: Option<String>,
    /// Only this action.
    #[serde(default)]
    pub(crate) action: Option<String>,
    /// Not before this time, within the month.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) from: Option<Timestamp>,
    /// Before this time, within the month.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) until: Option<Timestamp>,
}

impl LogQuery {
    /// The month that is asked for.
    pub(crate) fn month(&self, state: &AppState) -> Result<String> {
        match &self.month {
            Some(text) => month(text.clone()),
            None => Ok(state.clock.now().strftime("%Y-%m").to_string()),
        }
    }

    /// Which of its entries are.
    pub(crate) fn filter(&self) -> LogFilter {
        LogFilter {
            actor: self.actor.clone(),
            action: self.action.clone(),
            enrollment: None,
            from: self.from,
            until: self.until,
        }
    }
}
